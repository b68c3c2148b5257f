"""MAST: its paging, its errors, its names, and the answers that were recorded from the real service."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.mashup import Mashup
from astrid_core.adapters.surveys.mast import MastClient
from astrid_core.adapters.surveys.mast_query import MastQuery
from astrid_core.adapters.surveys.product_rules import ProductRule, choose, load_rules, read_rules
from astrid_core.observations.entities import Observation, Rejection
from astrid_core.shared.errors import (
    ArchiveUnavailable,
    AstridError,
    BadConfiguration,
    QueryRefused,
    UnexpectedAnswer,
)
from astrid_core.shared.sky import Region
from tests.adapters.exposures import frame
from tests.adapters.remote_surveys import POLICY, REGION, SURVEY, mast_client, mirror
from tests.fakes import survey_servers
from tests.fakes.archive_server import ArchiveServer, Asked, Reply

RECORDED = (
    Path(os.environ.get("ASTRID_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    / "archive-responses"
    / "mast"
)
real = [
    pytest.mark.real,
    pytest.mark.skipif(not RECORDED.is_dir(), reason=f"no recorded answers at {RECORDED}; set ASTRID_REAL_DATA"),
]
HOSTILE = (
    "../../outside.fits", "/etc/outside.fits", "HST/../../outside.fits", "HST/./a.fits", "HST/.hidden.fits",
    "a\\..\\outside.fits", "new\nline.fits", "nul\0.fits", "x" * 300 + ".fits", "x/" * 900 + "a.fits",
    "\u202eftis.fits",
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(survey_servers.mast({})) as running:
        yield running


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with HttpClient("mast", POLICY) as opened:
        yield opened


def ask(server: ArchiveServer, http: HttpClient, *columns: str, max_rows: int = 100) -> list[dict[str, Any]]:
    mashup = Mashup(http, server.url, page_size=2, max_rows=max_rows)
    return [dict(row) for row in mashup.rows("Mast.Caom.Products", {"obsid": "1"}, columns=frozenset(columns))]


def replies(**changed: object) -> Reply:
    body = json.loads(survey_servers.mashup([{"a": 1}, {"a": 2}]).body) | changed
    return Reply(body=json.dumps({name: value for name, value in body.items() if value is not None}).encode())


def test_all_pages_are_read(server: ArchiveServer, http: HttpClient) -> None:
    rows: list[dict[str, Any]] = [{"a": number} for number in range(5)]
    server.answer = lambda asked: survey_servers.mashup(
        rows, page=json.loads(asked.form["request"])["page"], page_size=2
    )
    assert ask(server, http, "a") == rows
    assert [json.loads(one.form["request"])["page"] for one in server.asked] == [1, 2, 3]


def test_an_empty_answer_is_no_error(server: ArchiveServer, http: HttpClient) -> None:
    server.answer = lambda _: survey_servers.mashup([])
    assert ask(server, http, "obsID") == []


def test_a_query_that_takes_long_is_asked_for_again(server: ArchiveServer, http: HttpClient) -> None:
    server.answer = lambda _: survey_servers.mashup([{"a": 1}])
    server.faults.extend([Reply(body=b'{"status": "EXECUTING"}')] * 2)
    assert ask(server, http, "a") == [{"a": 1}]
    server.faults.extend([Reply(body=b'{"status": "EXECUTING"}')] * 3)
    with pytest.raises(ArchiveUnavailable, match="still working on the query"):
        ask(server, http, "a")


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (replies(status="ERROR", msg="Invalid column name 'x'"), QueryRefused, "says=Invalid column name 'x'"),
        (replies(status="ERROR", msg=None), QueryRefused, "says=nothing more"),
        (replies(status="ERROR", msg="Execution Timeout Expired"), ArchiveUnavailable, "says=Execution Timeout"),
        (replies(status="SHRUG"), UnexpectedAnswer, "status=SHRUG"),
        (replies(status=None), UnexpectedAnswer, "status=None"),
        (Reply(body=b"[]"), UnexpectedAnswer, "no object"),
        (replies(data=None), UnexpectedAnswer, "without rows or columns"),
        (replies(fields=None), UnexpectedAnswer, "without rows or columns"),
        (replies(fields=[{"name": "A"}]), UnexpectedAnswer, "names of its columns.*missing=a"),
        (replies(data=[{"b": 1}, {"b": 2}]), UnexpectedAnswer, "missing=a"),
        (replies(data=[None, 1]), UnexpectedAnswer, "missing=a"),
        (replies(paging=None), UnexpectedAnswer, "how many pages"),
        (replies(paging={"pagesFiltered": "1", "rowsFiltered": 2}), UnexpectedAnswer, "how many pages"),
        (replies(paging={"pagesFiltered": 10**9, "rowsFiltered": 7}), ArchiveUnavailable, "announced=7, got="),
        (replies(paging={"pagesFiltered": 1, "rowsFiltered": 101}), BadConfiguration, "found=101, allowed=100"),
        (replies(data=[]), ArchiveUnavailable, "announced=2, got=0"),
    ],
)
def test_an_answer_that_is_none_is_an_error(
    server: ArchiveServer, http: HttpClient, reply: Reply, kind: type[AstridError], words: str
) -> None:
    server.answer = lambda _: reply
    with pytest.raises(kind, match=words):
        ask(server, http, "a")
    assert len(server.asked) < 20


def test_the_query_says_what_is_wanted_in_the_archive_s_words() -> None:
    query = MastQuery(
        region=REGION, missions=("HST", "JWST"), begin_mjd=60000.0, end_mjd=60100.0, instruments=("WFC3/*", "NIRCAM"),
        bands=("F814W",),
    )  # fmt: skip
    assert query.position == "150.0, 2.0, 0.05"
    assert query.filters == [
        {"paramName": "obs_collection", "values": ["HST", "JWST"], "separator": ";"},
        {"paramName": "intentType", "values": ["science"]},
        {"paramName": "dataproduct_type", "values": ["image"]},
        {"paramName": "calib_level", "values": ["2", "3"]},
        {"paramName": "instrument_name", "values": ["NIRCAM"], "freeText": "WFC3/%"},
        {"paramName": "filters", "values": ["F814W"], "separator": ";"},
        {"paramName": "dataRights", "values": ["PUBLIC"]},
        {"paramName": "t_max", "values": [{"min": 60000.0, "max": 1e6}]},
        {"paramName": "t_min", "values": [{"min": -1e6, "max": 60100.0}]},
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"missions": ()}, "at least one mission"),
        ({"begin_mjd": 2.0, "end_mjd": 1.0}, "begin before it ends"),
        ({"begin_mjd": float("nan")}, "must be numbers"),
        ({"bands": ("a*", "b*")}, "only one of the bands"),
        ({"region": Region.parse("cone(10,10,60deg)")}, "too large for one query"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(BadConfiguration, match=words):
        MastQuery(**{"region": REGION, "missions": ("HST",), **changed})


def test_a_mission_without_rules_is_refused(server: ArchiveServer, http: HttpClient, tmp_path: Path) -> None:
    query = MastQuery(region=REGION, missions=("EUVE",))
    with pytest.raises(BadConfiguration, match=r"no rule.*mission=EUVE, known=GALEX, HST"):
        MastClient(SURVEY, query, http, mirror(tmp_path), rules=load_rules(), server=server.url)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:30])
def test_names_that_lead_elsewhere_are_rejected(
    server: ArchiveServer, http: HttpClient, tmp_path: Path, name: str
) -> None:
    server.answer = survey_servers.mast({name: frame(1), "good.fits": frame(2)})
    found = list(mast_client(server, http, tmp_path / "in" / "mirror").discover())
    assert sorted(type(one).__name__ for one in found) == ["Observation", "Rejection"]
    (rejected,) = (one for one in found if isinstance(one, Rejection))
    assert rejected.archive_id.isprintable()
    assert len(rejected.archive_id) < 1001
    assert sorted(one.name for one in tmp_path.rglob("*") if one.is_file()) == ["good.fits"]


def test_a_link_in_the_mirror_leads_nowhere_else(server: ArchiveServer, http: HttpClient, tmp_path: Path) -> None:
    server.answer = survey_servers.mast({"HST/a.fits": frame(1)})
    (tmp_path / "outside").mkdir()
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "HST").symlink_to(tmp_path / "outside")
    (found,) = mast_client(server, http, tmp_path / "mirror").discover()
    assert isinstance(found, Rejection)
    assert "outside of the folder" in found.reason
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_listed_file_that_is_not_given_or_too_large_is_rejected_and_the_others_go_on(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    answer = survey_servers.mast(
        {"a.fits": frame(1), "gone.fits": b"x", "huge.fits": b"\0" * (POLICY.max_file_bytes + 1)}
    )

    def without(asked: Asked) -> Reply:
        return Reply(status=404) if asked.query.get("uri") == "mast:gone.fits" else answer(asked)

    server.answer = without
    first, gone, huge = mast_client(server, http, tmp_path).discover()
    assert isinstance(first, Observation)
    assert isinstance(gone, Rejection)
    assert "lists the file but does not give it" in gone.reason
    assert "status=404" in gone.reason
    assert isinstance(huge, Rejection)
    assert "file is too large" in huge.reason


def test_a_polygon_is_asked_for_as_a_cone_and_its_surroundings_are_left_out(
    server: ArchiveServer, http: HttpClient, tmp_path: Path
) -> None:
    server.answer = survey_servers.mast({"a.fits": frame(1)})
    near, far = "polygon(150 2, 150.2 2, 150.2 2.2)", "polygon(150.11 2.3, 150.4 2, 150.4 2.3)"
    assert len(list(mast_client(server, http, tmp_path, region=Region.parse(near)).discover())) == 1
    assert list(mast_client(server, http, tmp_path, region=Region.parse(far)).discover()) == []
    ra, dec, radius = (
        float(word) for word in json.loads(server.asked[0].form["request"])["params"]["position"].split(",")
    )
    assert abs(ra - 150.13) < 0.1
    assert abs(dec - 2.07) < 0.1
    assert 0.12 < radius < 0.25


def test_rules_choose_the_first_that_fits_with_the_maps_that_are_there() -> None:
    rules = load_rules()
    (hst,) = choose(["x_flt.fits", "x_drz.fits", "x_raw.fits"], rules["HST"])
    assert (hst.science, hst.maps) == ("x_drz.fits", ())
    galex = choose(["f-nd-int.fits.gz", "f-nd-rrhr.fits.gz", "f-nd-flags.fits.gz", "f-fd-int.fits.gz"], rules["GALEX"])
    assert [(one.science, one.maps) for one in galex] == [
        ("f-nd-int.fits.gz", ("f-nd-flags.fits.gz", "f-nd-rrhr.fits.gz")),
        ("f-fd-int.fits.gz", ()),
    ]
    (stack,) = choose([f"s.unconv{end}.fits" for end in ("", ".wt", ".mask", ".exp", ".num")], rules["PS1"])
    assert stack.maps == ("s.unconv.wt.fits", "s.unconv.mask.fits", "s.unconv.exp.fits")
    assert choose(["x_spec.fits"], rules["JWST"]) == ()


def test_rules_with_unknown_words_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="key=sience"):
        read_rules('[[HST]]\nsience = "_drz.fits"\n')
    with pytest.raises(BadConfiguration, match="end of a name"):
        ProductRule(science="")


class TestRecorded:
    pytestmark = real

    def client(self, server: ArchiveServer, http: HttpClient, folder: Path) -> MastClient:
        query = MastQuery(region=REGION, missions=("HST", "GALEX"))
        return MastClient(SURVEY, query, http, mirror(folder), rules=load_rules(), server=server.url)

    @pytest.mark.parametrize(("name", "n_rows"), [("caom.json", 19), ("advSearchPos.json", 6)])
    def test_observations(
        self, server: ArchiveServer, http: HttpClient, tmp_path: Path, name: str, n_rows: int
    ) -> None:
        server.answer = lambda _: Reply(body=(RECORDED / name).read_bytes())
        assert len(self.client(server, http, tmp_path).observations()) == n_rows

    def test_products(self, server: ArchiveServer, http: HttpClient) -> None:
        server.answer = lambda _: Reply(body=(RECORDED / "products.json").read_bytes())
        rows = ask(server, http, "obsID", "dataURI", "productFilename", "size")
        names = [row["productFilename"] for row in rows]
        assert [one.science for one in choose(names, load_rules()["HST"])] == ["u9o40504m_drz.fits"]
        (exposure_,) = choose([name for name in names if "drz" not in name], load_rules()["HST"])
        assert (exposure_.science, exposure_.maps) == ("u9o40504m_c0m.fits", ("u9o40504m_c1m.fits",))

    def test_names_of_columns_are_those_of_the_fake(self) -> None:
        for name, row in (
            ("caom.json", survey_servers._observation(0, "x")),
            ("products.json", survey_servers._product(0, "x", 1)),
        ):
            assert set(row) <= {field["name"] for field in json.loads((RECORDED / name).read_text())["fields"]}

    def test_names_of_filters(self) -> None:
        known = json.loads((RECORDED / "columnsconfig.json").read_text())
        query = MastQuery(
            region=REGION, missions=("HST",), begin_mjd=1.0, end_mjd=2.0, instruments=("x",), bands=("y",)
        )
        for one in query.filters:
            assert one["paramName"] in known
            assert one.get("separator") == known[one["paramName"]].get("separator")

    def test_other_recorded_answers_are_not_mistaken_for_rows(self, server: ArchiveServer, http: HttpClient) -> None:
        for name in (
            "mission_results.json",
            "resolver.json",
            "bundleResponse.json",
            "countsResp.json",
            "missions.extjs",
        ):
            server.answer = lambda _, name=name: Reply(body=(RECORDED / name).read_bytes())  # type: ignore[misc]
            with pytest.raises(UnexpectedAnswer):
                ask(server, http, "obsid")
