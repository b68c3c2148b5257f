"""What only folders can do wrong; what every survey promises is in test_surveys.py."""

import os
import resource
import shutil
import sys
from pathlib import Path

import pytest

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Observation, Rejection, Survey
from astrid_core.observations.frames import read_frame
from astrid_core.observations.ports import SurveyClient
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import Detector, prepare
from astrid_core.shared.errors import ArchiveUnavailable, Unprocessable, UnusableFile
from tests.adapters.exposures import frame, look, mosaic, reason
from tests.synthetic.broken import LATER, write_broken_inputs

SURVEY = Survey(name="sky")
NOW_MJD = 61000.0


def client(folder: Path, config: IngestConfig | None = None) -> DirectoryClient:
    return DirectoryClient(SURVEY, folder, config or IngestConfig(), clock=lambda: (NOW_MJD - 40587.0) * 86400.0)


def test_a_mosaic_without_any_position_is_told_about_once(tmp_path: Path) -> None:
    (tmp_path / "mosaic.fits").write_bytes(mosaic(False, False, False))
    found = look(client(tmp_path))
    assert list(found) == ["mosaic.fits"]
    assert "position unknown" in reason(found["mosaic.fits"])


def test_a_file_that_changed_or_went_away_is_not_handed_out(tmp_path: Path) -> None:
    (tmp_path / "a.fits").write_bytes(frame(1))
    survey = client(tmp_path)
    (found,) = survey.discover()
    assert isinstance(found, Observation)
    (tmp_path / "a.fits").write_bytes(frame(2))
    with pytest.raises(UnusableFile, match=f"changed since ingest.*was={found.file_digest[:12]}"):
        survey.fetch(found)
    (tmp_path / "a.fits").unlink()
    with pytest.raises(UnusableFile, match=r"No such file.*file=a\.fits"):
        survey.fetch(found)
    shutil.rmtree(tmp_path)
    with pytest.raises(ArchiveUnavailable, match="cannot be read"):
        survey.fetch(found)


def test_a_file_that_became_a_link_out_of_the_folder_is_not_handed_out(tmp_path: Path) -> None:
    (tmp_path / "survey").mkdir()
    inside, outside = tmp_path / "survey" / "a.fits", tmp_path / "outside.fits"
    inside.write_bytes(frame(1))
    survey = client(tmp_path / "survey")
    (found,) = survey.discover()
    assert isinstance(found, Observation)
    inside.rename(outside)
    inside.symlink_to(outside)
    with pytest.raises(UnusableFile, match="outside of the folder"):
        survey.fetch(found)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for wrong in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(ArchiveUnavailable, match="survey=sky"):
            list(client(wrong).discover())


def test_a_folder_behind_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.fits").write_bytes(frame(1))
    (tmp_path / "link").symlink_to("real")
    survey = client(tmp_path / "link")
    (found,) = survey.discover()
    assert isinstance(found, Observation)
    assert survey.fetch(found) == frame(1)


def test_a_link_within_the_folder_is_the_file_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "b.fits").write_bytes(frame(1))
    (tmp_path / "a.fits").symlink_to("b.fits")
    found = look(client(tmp_path))
    assert isinstance(found["a.fits"], Observation)
    assert "first=a.fits" in reason(found["b.fits"])


def test_hidden_and_other_files_are_nobody_s_business(tmp_path: Path) -> None:
    for name in (".hidden.fits", ".cache/a.fits", "notes.txt", "truth.ecsv", "picture.png", "a.fits.part", "fits"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(frame(1))
    assert look(client(tmp_path)) == {}


@pytest.mark.parametrize(
    "name", ["A.FIT", "a.fts", "-rf.fits", "a b;c&d.fits", "Ångström.fits", "a[3].fits", "x" * 250 + ".fits"]
)
def test_odd_but_honest_names_are_fine(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(frame(1))
    survey = client(tmp_path)
    (found,) = survey.discover()
    assert isinstance(found, Observation)
    assert found.archive_id == name
    assert survey.fetch(found) == frame(1)


def test_a_path_too_long_for_a_database_is_refused(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(5):
        folder = folder / ("x" * 240)
    folder.mkdir(parents=True)
    (folder / "a.fits").write_bytes(frame(1))
    ((name, found),) = look(client(tmp_path)).items()
    assert "file name is too long: 1211 bytes" in reason(found)
    assert len(name) < 300


def test_folders_may_nest_deeper_than_python_calls(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(450):
        folder = folder / "x"
    folder.mkdir(parents=True)
    (folder / "a.fits").write_bytes(frame(1))
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        (found,) = client(tmp_path).discover()
    finally:
        sys.setrecursionlimit(before)
    assert found.archive_id.count("/") == 450


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_told_about(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    found = look(client(tmp_path))
    assert "folder cannot be read" in reason(found["closed"])


def test_a_file_beyond_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "huge.fits").open("wb") as stream:
        stream.write(frame(1))
        stream.truncate(5 * 2**30)
    found = look(client(tmp_path))
    assert "file is too large" in reason(found["huge.fits"])
    assert "n_bytes=5368709120, allowed=1073741824" in reason(found["huge.fits"])


def test_large_files_do_not_fill_the_memory(tmp_path: Path) -> None:
    with (tmp_path / "padded.fits").open("wb") as stream:
        stream.write(frame(1))
        stream.truncate(500 * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found,) = client(tmp_path).discover()
    assert isinstance(found, Observation)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mib < 50


def test_broken_files_are_each_refused_with_their_reason_and_spoil_nothing_else(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"good_{number}.fits").write_bytes(frame(number))
    expected = write_broken_inputs(tmp_path)
    assert len(expected) >= 40
    found = look(client(tmp_path))
    assert {name for name, one in found.items() if isinstance(one, Observation)} == {
        "good_1.fits", "good_2.fits", "good_3.fits", *LATER
    }  # fmt: skip
    refused = {name: one.reason for name, one in found.items() if isinstance(one, Rejection)}
    assert set(refused) == set(expected) - LATER
    wrong = {name: why for name, why in refused.items() if expected[name] not in why}
    assert wrong == {}
    assert all(len(why.splitlines()) == 1 for why in refused.values())


def test_defects_that_only_pixels_show_are_told_by_preparation(tmp_path: Path) -> None:
    expected = write_broken_inputs(tmp_path)
    survey = client(tmp_path)
    later = [one for one in survey.discover() if isinstance(one, Observation)]
    assert {one.archive_id for one in later} == LATER
    for one in later:
        with pytest.raises(Unprocessable) as problem:
            _prepare(survey, one)
        assert expected[one.archive_id] in str(problem.value)


def _prepare(survey: SurveyClient, observation: Observation) -> None:
    content = survey.fetch(observation)
    frame = read_frame(content, extension=observation.extension, name=observation.archive_id)
    prepare(frame.pixels, wcs=frame.wcs, detector=Detector(), config=PreprocessConfig())
