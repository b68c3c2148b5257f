"""Pan-STARRS1: warps and stacks with their maps, and tables that are none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.ps1 import Ps1Client, Ps1Query
from astrid_core.observations.entities import Observation, Rejection
from astrid_core.shared.errors import BadConfiguration, UnexpectedAnswer
from astrid_core.shared.sky import Region
from tests.adapters.exposures import frame
from tests.adapters.remote_surveys import POLICY, REGION, SURVEY, mirror, ps1_client
from tests.fakes import survey_servers
from tests.fakes.archive_server import ArchiveServer, Reply

HEAD = "projcell subcell ra dec filter mjd type filename shortname badflag\n"


FILES = {
    "skycell/w1.fits": frame(1),
    "skycell/w1.wt.fits": b"variance",
    "skycell/w1.mask.fits": b"mask",
    "skycell/w2.fits": frame(2),
}


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(survey_servers.ps1(FILES)) as running:
        yield running


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with HttpClient("ps1", POLICY) as opened:
        yield opened


def test_maps_lie_beside_their_image_and_are_no_exposures(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    found = list(ps1_client(server, http, tmp_path).discover())
    assert [one.archive_id for one in found] == ["skycell/w1.fits", "skycell/w2.fits"]
    assert all(isinstance(one, Observation) for one in found)
    assert {one.name: one.read_bytes() for one in (tmp_path / "skycell").iterdir()} == {
        name.split("/")[1]: content for name, content in FILES.items()
    }


def test_the_list_is_asked_for_image_and_maps_around_the_region(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    list(ps1_client(server, http, tmp_path, images="stack").listing())
    asked = [one.query for one in server.asked]
    assert {(one["type"], one["filters"]) for one in asked} == {("stack,stack.wt,stack.mask,stack.exp", "grizy")}
    assert (asked[0]["ra"], asked[0]["dec"]) == ("150.0", "2.0")
    assert 2 <= len(asked) <= 5


def test_warps_of_other_times_are_left_out(server: ArchiveServer, http: HttpClient, tmp_path: Path) -> None:
    query = Ps1Query(region=REGION, begin_mjd=60801.0, end_mjd=60802.0)
    (file,) = Ps1Client(SURVEY, query, http, mirror(tmp_path), server=server.url).listing()
    assert file.archive_id == "skycell/w2.fits"


def test_what_the_archive_flags_and_names_that_lead_elsewhere_are_rejected(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    rows = "1 1 150 2 r 60800.0 warp /w1.fits w1 1\n1 2 150 2 r 60800.0 warp /../../w2.fits w2 0\n"
    server.answer = lambda _: Reply(body=f"{HEAD}{rows}".encode())
    found = {one.archive_id: one for one in ps1_client(server, http, tmp_path / "mirror").discover()}
    flagged, hostile = found["w1.fits"], found["../../w2.fits"]
    assert isinstance(flagged, Rejection)
    assert "flags it as bad" in flagged.reason
    assert isinstance(hostile, Rejection)
    assert "name that no archive should give" in hostile.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing=badflag, filename"),
        ("Traceback (most recent call last):", "begins='Traceback"),
        (HEAD.replace("filename", "file"), "missing=filename"),
        (HEAD + "1 1 150 2 r 60800.0 warp\n", "broken row"),
        (HEAD + "1 1 150 2 r yesterday warp /a.fits a 0\n", "broken row"),
    ],
)
def test_a_table_that_is_none_is_an_error(
    server: ArchiveServer, http: HttpClient, tmp_path: Path, text: str, words: str
) -> None:
    server.answer = lambda _: Reply(body=text.encode())
    with pytest.raises(UnexpectedAnswer, match=words):
        list(ps1_client(server, http, tmp_path).discover())


def test_a_table_without_rows_is_an_empty_survey(server: ArchiveServer, http: HttpClient, tmp_path: Path) -> None:
    server.answer = lambda _: Reply(body=HEAD.encode())
    assert list(ps1_client(server, http, tmp_path).discover()) == []


def test_queries_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="no such images"):
        Ps1Query(region=REGION, images="chip")
    with pytest.raises(BadConfiguration, match="no such bands"):
        Ps1Query(region=REGION, bands="rx")
    with pytest.raises(BadConfiguration, match="begin before it ends"):
        Ps1Query(region=REGION, begin_mjd=float("nan"))
    with pytest.raises(BadConfiguration, match="too large for PS1"):
        Ps1Query(region=Region.parse("cone(150,2,5deg)"))
