"""One contract for every survey: in memory, in a folder, and at archives that a server on loopback plays."""

import base64
import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Observation, UndeliveredFile
from astrid_core.observations.ports import SurveyClient
from astrid_core.shared.errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    AstridError,
    QueryRefused,
    ServicePaused,
    UnexpectedAnswer,
    UnusableFile,
)
from tests.adapters.exposures import frame, look, mosaic, reason
from tests.adapters.remote_surveys import (
    NOW_MJD,
    POLICY,
    SURVEY,
    manifest_client,
    mast_client,
    now_s,
    ps1_client,
    skyview_client,
)
from tests.fakes import survey_servers
from tests.fakes.archive_server import ArchiveServer, Asked, Reply
from tests.fakes.surveys import MemorySurvey

REMOTE = ("mast", "ps1", "manifest", "skyview")
PAGE = Reply(body=b"<html><h1>Scheduled maintenance</h1></html>", headers={"Content-Type": "text/html"})


@dataclass(kw_only=True)
class Opened:
    """A survey with files in it; ``server`` where it is on the network."""

    survey: SurveyClient
    server: ArchiveServer | None = None
    archive_ids: dict[str, str] = field(default_factory=dict)

    def id_of(self, name: str) -> str:
        return self.archive_ids.get(name, name)


@pytest.fixture
def open_survey(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[dict[str, bytes]], Opened]]:
    with ExitStack() as stack:

        def opened(files: dict[str, bytes]) -> Opened:
            if request.param == "memory":
                return Opened(survey=MemorySurvey(SURVEY, files, now_mjd=NOW_MJD))
            if request.param == "folder":
                for name, content in files.items():
                    path = tmp_path / "survey" / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                return Opened(survey=DirectoryClient(SURVEY, tmp_path / "survey", IngestConfig(), clock=now_s))
            answer = getattr(survey_servers, request.param)(files)
            server = stack.enter_context(ArchiveServer(answer))
            http = stack.enter_context(HttpClient("sky", POLICY))
            folder = tmp_path / "mirror"
            if request.param == "mast":
                return Opened(survey=mast_client(server, http, folder), server=server)
            if request.param == "manifest":
                return Opened(survey=manifest_client(server, http, folder), server=server)
            if request.param == "ps1":
                return Opened(survey=ps1_client(server, http, folder), server=server)
            survey = skyview_client(server, http, folder, surveys=tuple(files))
            ids = {name: f"{name.replace('/', '_')}/150.00000_+2.00000_0.25deg_1000px.fits" for name in files}
            return Opened(survey=survey, server=server, archive_ids=ids)

        yield opened


everywhere = pytest.mark.parametrize("open_survey", ["memory", "folder", *REMOTE], indirect=True)
on_the_network = pytest.mark.parametrize("open_survey", REMOTE, indirect=True)
Open = Callable[[dict[str, bytes]], Opened]


@everywhere
def test_every_exposure_is_described_in_the_order_of_names(open_survey: Open) -> None:
    opened = open_survey({"n2/b.fits": frame(2), "n1/c.fits": frame(3), "a.fits": frame(1)})
    found = list(opened.survey.discover())
    assert [one.archive_id for one in found] == [opened.id_of(name) for name in ("a.fits", "n1/c.fits", "n2/b.fits")]
    assert all(isinstance(one, Observation) for one in found)
    first = found[0]
    assert isinstance(first, Observation)
    assert (first.survey, first.night, first.object_name) == ("sky", "2025-05-05", "field 1")
    assert opened.survey.survey == SURVEY


@everywhere
def test_looking_twice_tells_the_same(open_survey: Open) -> None:
    survey = open_survey({"a.fits": frame(1), "broken.fits": b"nothing"}).survey
    assert list(survey.discover()) == list(survey.discover())


@everywhere
def test_an_empty_survey_holds_nothing(open_survey: Open, request: pytest.FixtureRequest) -> None:
    if "skyview" in request.node.callspec.id:
        pytest.skip("a SkyView client without surveys is refused as a setting")
    if "folder" in request.node.callspec.id:
        (request.getfixturevalue("tmp_path") / "survey").mkdir()
    assert look(open_survey({}).survey) == {}


@everywhere
def test_each_detector_of_a_mosaic_has_its_own_name(open_survey: Open) -> None:
    opened = open_survey({"mosaic.fits": mosaic(True, True, True)})
    name = opened.id_of("mosaic.fits")
    found = look(opened.survey)
    assert sorted(found) == [name, f"{name}[2]", f"{name}[3]"]
    assert {one.extension for one in found.values() if isinstance(one, Observation)} == {1, 2, 3}


@everywhere
def test_one_broken_detector_does_not_spoil_the_others(open_survey: Open) -> None:
    opened = open_survey({"mosaic.fits": mosaic(True, False, True)})
    found = look(opened.survey)
    assert "position unknown" in reason(found[f"{opened.id_of('mosaic.fits')}[2]"])
    assert sum(isinstance(one, Observation) for one in found.values()) == 2


@everywhere
def test_the_same_bytes_are_one_exposure(open_survey: Open) -> None:
    opened = open_survey({"a.fits": frame(1), "copy/b.fits": frame(1), "z.fits": frame(1)})
    found = look(opened.survey)
    first = opened.id_of("a.fits")
    assert isinstance(found[first], Observation)
    for name in ("copy/b.fits", "z.fits"):
        assert f"the same bytes as another file (first={first})" in reason(found[opened.id_of(name)])


@everywhere
def test_a_file_comes_back_whole(open_survey: Open) -> None:
    files = {"mosaic.fits": mosaic(True, True), "packed.fits.gz": gzip.compress(frame(1), mtime=0)}
    opened = open_survey(files)
    names = {opened.id_of(name): name for name in files}
    n_observations = 0
    for found in opened.survey.discover():
        assert isinstance(found, Observation)
        assert opened.survey.fetch(found) == files[names[found.archive_id.partition("[")[0]]]
        n_observations += 1
    assert n_observations == 3


@on_the_network
def test_an_emptied_mirror_is_filled_again_and_a_changed_file_not_handed_out(open_survey: Open, tmp_path: Path) -> None:
    files = {"a.fits": frame(1)}
    opened = open_survey(files)
    (found,) = opened.survey.discover()
    assert isinstance(found, Observation)
    kept = tmp_path / "mirror" / found.archive_id
    kept.unlink()
    assert opened.survey.fetch(found) == frame(1)
    files["a.fits"] = frame(2)
    assert opened.survey.fetch(found) == frame(1)
    kept.write_bytes(b"somebody else wrote here")
    with pytest.raises(UnusableFile, match=f"changed since ingest.*was={found.file_digest[:12]}"):
        opened.survey.fetch(found)


@on_the_network
def test_a_file_is_downloaded_once(open_survey: Open) -> None:
    opened = open_survey({"a.fits": frame(1), "b.fits": frame(2)})
    assert opened.server is not None
    list(opened.survey.discover())
    n_first = len(opened.server.asked)
    list(opened.survey.discover())
    assert len(opened.server.asked) - n_first < n_first - 1
    assert sum("Range" in one.headers for one in opened.server.asked) == 0


@on_the_network
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=429), ArchiveUnavailable),
        (Reply(status=500), ArchiveUnavailable),
        (Reply(hangs=True), ArchiveUnavailable),
        (Reply(body=b"x" * 100, n_sent=50), ArchiveUnavailable),
        (Reply(status=401, body=b"token expired"), ArchiveRefused),
        (Reply(status=403), ArchiveRefused),
        (Reply(status=400), QueryRefused),
        (PAGE, UnexpectedAnswer),
        (Reply(status=302, headers={"Location": "/again"}), UnexpectedAnswer),
        (Reply(body=b" " * 2**21), UnexpectedAnswer),
        (Reply(body=gzip.compress(b"0" * 2**26, mtime=0), headers={"Content-Encoding": "gzip"}), UnexpectedAnswer),
    ],
    ids=lambda one: f"{one.status} {one.body[:9]!r} {one.hangs}" if isinstance(one, Reply) else one.__name__,
)
def test_a_question_that_fails_is_an_error_and_never_an_empty_survey(
    open_survey: Open, reply: Reply, kind: type[AstridError]
) -> None:
    opened = open_survey({"a.fits": frame(1)})
    assert opened.server is not None
    opened.server.answer = lambda _: reply
    with pytest.raises(kind, match=f"url={opened.server.url}"):
        list(opened.survey.discover())


@on_the_network
def test_one_failure_on_the_way_goes_unnoticed(open_survey: Open) -> None:
    content = frame(1)
    for fault in (Reply(status=503), Reply(status=429), Reply(hangs=True), Reply(body=content, n_sent=4000)):
        opened = open_survey({"a.fits": content})
        assert opened.server is not None
        opened.server.faults.extend([None, fault])
        (found,) = opened.survey.discover()
        assert isinstance(found, Observation)


@on_the_network
@pytest.mark.parametrize("header", ["Repr-Digest", "Digest"])
def test_a_file_with_a_wrong_checksum_is_rejected_and_the_others_go_on(
    open_survey: Open, header: str, tmp_path: Path
) -> None:
    opened = open_survey({"a.fits": frame(1), "b.fits": frame(2)})
    assert opened.server is not None
    answer = opened.server.answer

    def spoiled(asked: Asked) -> Reply:
        reply = answer(asked)
        if reply.body != frame(1):
            return reply
        return replace(reply, body=reply.body[::-1], headers={header: f"sha-256={sha256_base64(frame(1))}"})

    opened.server.answer = spoiled
    wrong, right = opened.survey.discover()
    assert "does not match its checksum" in reason(wrong)
    assert isinstance(right, Observation)
    kept = [one for one in (tmp_path / "mirror").rglob("*") if one.is_file() and not one.name.endswith(".json")]
    assert kept == [tmp_path / "mirror" / opened.id_of("b.fits")]


@on_the_network
def test_a_token_that_expires_in_the_middle_stops_the_survey(open_survey: Open) -> None:
    opened = open_survey({"a.fits": frame(1), "b.fits": frame(2)})
    assert opened.server is not None
    answer = opened.server.answer
    opened.server.answer = lambda asked: Reply(status=401) if is_fits(answer(asked)) else answer(asked)
    with pytest.raises(ArchiveRefused, match="status=401"):
        list(opened.survey.discover())


@everywhere
def test_what_is_listed_is_what_is_found_and_can_be_asked_for_alone(open_survey: Open) -> None:
    opened = open_survey({"a.fits": frame(1), "n1/c.fits": frame(3)})
    listed = sorted(opened.survey.listing(), key=lambda one: one.archive_id)
    assert [one.archive_id for one in listed] == [opened.id_of("a.fits"), opened.id_of("n1/c.fits")]
    assert [one.archive_id for one in opened.survey.discover(listed[1:])] == [opened.id_of("n1/c.fits")]
    assert list(opened.survey.discover(())) == []


@on_the_network
@pytest.mark.parametrize("reply", [Reply(status=503), Reply(hangs=True), PAGE, Reply(status=200, body=b"x", n_sent=0)])
def test_a_file_that_does_not_come_costs_none_of_the_others_and_comes_later(open_survey: Open, reply: Reply) -> None:
    opened = open_survey({"a.fits": frame(1), "b.fits": frame(2), "c.fits": frame(3)})
    assert opened.server is not None
    answer = opened.server.answer
    opened.server.answer = lambda asked: reply if answer(asked).body == frame(2) else answer(asked)
    first, late, last = opened.survey.discover()
    assert isinstance(first, Observation)
    assert isinstance(last, Observation)
    assert isinstance(late, UndeliveredFile)
    assert (late.archive_id, late.n_attempts, opened.server.url in late.reason) == (opened.id_of("b.fits"), 1, True)
    opened.server.answer = answer
    assert all(isinstance(one, Observation) for one in opened.survey.discover())


@on_the_network
def test_an_archive_that_gives_no_file_at_all_is_in_trouble_not_its_files(open_survey: Open) -> None:
    opened = open_survey({f"{number:02}.fits": frame(number) for number in range(12)})
    assert opened.server is not None
    answer = opened.server.answer
    opened.server.answer = lambda asked: PAGE if is_fits(answer(asked)) else answer(asked)
    told: list[object] = []
    with pytest.raises(UnexpectedAnswer, match="web page instead of a file"):
        told.extend(opened.survey.discover())
    assert told == []


@on_the_network
def test_a_service_that_asks_for_a_long_pause_ends_the_look_and_no_file_is_blamed(open_survey: Open) -> None:
    opened = open_survey({"a.fits": frame(1), "b.fits": frame(2)})
    assert opened.server is not None
    answer, wait = opened.server.answer, Reply(status=503, headers={"Retry-After": "3600"})
    opened.server.answer = lambda asked: wait if answer(asked).body == frame(2) else answer(asked)
    told: list[object] = []
    with pytest.raises(ServicePaused, match="try_again_in_s=3600"):
        told.extend(opened.survey.discover())
    assert [type(one) for one in told] == [Observation]


@on_the_network
def test_files_come_some_at_once_in_the_order_of_their_names(open_survey: Open) -> None:
    opened = open_survey({f"{number:02}.fits": frame(number) for number in range(16)})
    server = opened.server
    assert server is not None
    answer = server.answer
    together = threading.Barrier(POLICY.n_concurrent)

    def slow(asked: Asked) -> Reply:
        reply = answer(asked)
        if is_fits(reply):
            # Passes only when as many as are allowed are here.
            together.wait(timeout=5.0)
        return reply

    server.answer = slow
    found = [one.archive_id for one in opened.survey.discover()]
    assert found == [opened.id_of(f"{number:02}.fits") for number in range(16)]
    assert server.most_at_once == POLICY.n_concurrent


def is_fits(reply: Reply) -> bool:
    return reply.body.startswith(b"SIMPLE")


def sha256_base64(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
