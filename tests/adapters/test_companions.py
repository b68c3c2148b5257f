"""Maps beside images: one contract for a folder, memory, and an archive on loopback."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Companion, Observation
from astrid_core.observations.ports import SurveyClient
from astrid_core.observations.roles import Role, image_beside, role_of_map
from astrid_core.shared.errors import UnusableFile
from tests.adapters.exposures import frame
from tests.adapters.remote_surveys import NOW_MJD, POLICY, SURVEY, now_s, ps1_client
from tests.fakes import survey_servers
from tests.fakes.archive_server import ArchiveServer
from tests.fakes.surveys import MemorySurvey
from tests.synthetic.broken import as_bytes

MASK = as_bytes(fits.PrimaryHDU(np.zeros((64, 64), np.int16)))
WEIGHT = as_bytes(fits.PrimaryHDU(np.ones((64, 64), np.float32)))
FILES = {"n/a.fits": frame(1), "n/a.mask.fits": MASK, "n/a.wt.fits": WEIGHT, "n/b.fits": frame(2)}

Keep = Callable[[str, bytes | None], None]
"""Replaces a file of the survey, or takes it away."""


@pytest.fixture(params=["memory", "folder", "ps1"])
def survey(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SurveyClient, Keep]]:
    files = dict(FILES)
    if request.param == "memory":
        memory = MemorySurvey(SURVEY, files, now_mjd=NOW_MJD)
        yield memory, lambda name, content: _keep(memory.files, name, content)
        return
    folder = tmp_path / "survey"
    if request.param == "folder":
        for name, content in files.items():
            _write(folder / name, content)
        yield DirectoryClient(SURVEY, folder, IngestConfig(), clock=now_s), lambda name, new: _write(folder / name, new)
        return
    with ExitStack() as stack:
        server = stack.enter_context(ArchiveServer(survey_servers.ps1(files)))
        http = stack.enter_context(HttpClient("sky", POLICY))

        def keep(name: str, content: bytes | None) -> None:
            _keep(files, name, content)
            _write(folder / name, None)  # the mirror may be emptied at any time
            server.answer = survey_servers.ps1(files)

        yield ps1_client(server, http, folder), keep


def _keep(files: dict[str, bytes], name: str, content: bytes | None) -> None:
    files.pop(name, None)
    if content is not None:
        files[name] = content


def _write(path: Path, content: bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def observed(survey: SurveyClient) -> Observation:
    found = list(survey.discover())
    assert [one.archive_id for one in found] == ["n/a.fits", "n/b.fits"]
    first, second = found
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert second.companions == ()
    return first


def test_an_observation_knows_its_maps_by_digest_and_they_are_no_exposures(survey: tuple[SurveyClient, Keep]) -> None:
    assert observed(survey[0]).companions == (
        Companion(role=Role.MASK, archive_id="n/a.mask.fits", digest=hashlib.sha256(MASK).hexdigest()),
        Companion(role=Role.WEIGHT, archive_id="n/a.wt.fits", digest=hashlib.sha256(WEIGHT).hexdigest()),
    )


def test_the_maps_are_given_with_the_image(survey: tuple[SurveyClient, Keep]) -> None:
    client, _ = survey
    assert dict(client.companions(observed(client))) == {Role.MASK: MASK, Role.WEIGHT: WEIGHT}


def test_every_file_but_the_maps_is_an_image(survey: tuple[SurveyClient, Keep]) -> None:
    found = {one.archive_id: one.content for one in survey[0].images()}
    assert found == {name: FILES[name] for name in ("n/a.fits", "n/b.fits")}


def test_a_map_that_changed_is_a_reason(survey: tuple[SurveyClient, Keep]) -> None:
    client, keep = survey
    found = observed(client)
    keep("n/a.mask.fits", WEIGHT)
    with pytest.raises(UnusableFile, match="mask changed since ingest") as refused:
        client.companions(found)
    assert refused.value.facts["file"] == "n/a.mask.fits"


def test_a_map_that_went_away_is_a_reason(survey: tuple[SurveyClient, Keep]) -> None:
    client, keep = survey
    found = observed(client)
    keep("n/a.wt.fits", None)
    with pytest.raises(UnusableFile) as refused:
        client.companions(found)
    assert refused.value.facts["file"] == "n/a.wt.fits"


@pytest.mark.parametrize(
    ("image", "other", "role"),
    [
        ("s.unconv.fits", "s.unconv.wt.fits", Role.WEIGHT),
        ("s.unconv.fits", "s.unconv.exp.fits", Role.EXPOSURE),
        ("x_sk.img.gz", "x_ex.img.gz", Role.EXPOSURE),
        ("g-nd-int.fits.gz", "g-nd-rrhr.fits.gz", Role.EXPOSURE),
        ("g-nd-int.fits.gz", "g-nd-flags.fits.gz", Role.MASK),
        ("u9o40504m_c0m.fits", "u9o40504m_c1m.fits", Role.MASK),
        ("a.fits", "b.fits", None),
    ],
)
def test_names_tell_what_a_map_holds(image: str, other: str, role: Role | None) -> None:
    assert role_of_map(image, other) is role


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("a.mask.fits", "a.fits"),
        ("a_weight.fits.fz", "a.fits.fz"),
        ("a.fits", ""),
        ("mask.fits", ""),
        ("unmask.fits", ""),
    ],
)
def test_a_map_in_a_folder_names_its_image(name: str, image: str) -> None:
    assert image_beside(name) == image
