"""Simple Cone Search as pyvo asks for it, over real HTTP."""

import io
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pyvo
import requests
import uvicorn
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse

from astrid_core.catalog.exports.tables import ENTRIES
from astrid_core.curation.access import Role
from astrid_core.settings import Settings
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import grant_role
from astrid_core.stages.release import run_release
from include.api.app import Api, create_app
from tests.api.client import NamedIdentity, named
from tests.api.night import services_in
from tests.catalog.validators import violations


@pytest.fixture
def served(home: Path) -> Iterator[tuple[str, Api]]:
    """The address of an API that lets anybody search what is released."""
    app = create_app([NamedIdentity()], Settings(home=home, public_releases=True), opener=services_in)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1", app
    server.should_exit = True
    thread.join()


@pytest.fixture
def vera() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers.update(named("vera", "viewer"))
        yield session


def objects(address: str, session: requests.Session) -> list[tuple[str, float, float]]:
    told = session.get(f"{address}/catalog", timeout=10).json()["items"]
    return [(one["id"], one["ra_deg"], one["dec_deg"]) for one in told]


def test_pyvo_finds_what_is_in_a_cone_and_nothing_else(served: tuple[str, Api], vera: requests.Session) -> None:
    address, _ = served
    known = objects(address, vera)
    _, ra, dec = known[0]
    service = pyvo.dal.SCSService(f"{address}/cone", session=vera)
    distances = {
        name: float(SkyCoord(ra, dec, unit="deg").separation(SkyCoord(x, y, unit="deg")).deg) for name, x, y in known
    }
    radius = (sorted(distances.values())[2] + sorted(distances.values())[3]) / 2.0
    found = service.search(pos=SkyCoord(ra, dec, unit="deg"), radius=radius)

    assert {row.id for row in found} == {name for name, distance in distances.items() if distance <= radius}
    assert len(found) == 3
    assert {(row.id, round(row.pos.ra.deg, 9)) for row in found} <= {(name, round(x, 9)) for name, x, _ in known}
    assert len(service.search(pos=(ra, dec), radius=180.0)) == len(known)
    assert len(service.search(pos=(ra, dec), radius=0.0)) == 0


def test_the_answer_is_a_valid_votable_with_ucds_of_the_first_kind(
    served: tuple[str, Api], vera: requests.Session, tmp_path: Path
) -> None:
    address, _ = served
    _, ra, dec = objects(address, vera)[0]
    asked = {"RA": str(ra), "DEC": str(dec), "SR": "1"}
    answer = vera.get(f"{address}/cone", params=asked, timeout=10)
    path = tmp_path / "answer.vot"
    path.write_bytes(answer.content)

    assert answer.headers["content-type"].startswith("application/x-votable+xml")
    told = pyvo.dal.SCSService(f"{address}/cone", session=vera).search(pos=(ra, dec), radius=1.0)
    assert {told.getdesc(name).ucd for name in ("entry_id", "ra_deg", "dec_deg")} == {
        "ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN",
    }  # fmt: skip
    # The old UCDs are what the protocol wants, and all that a validator of today may mind.
    minded = " ".join(violations(path))
    ucds = {column.ucd1 for column in ENTRIES.columns if column.ucd1}
    assert set(re.findall(r"Invalid UCD '(\w+)'", minded)) == ucds
    assert len(re.findall(r"[WE]\d\d: ", minded)) == len(ucds)
    brief = pyvo.dal.SCSService(f"{address}/cone", session=vera).search(pos=(ra, dec), radius=1.0, verbosity=1)
    assert set(brief.fieldnames) == {"entry_id", "ra_deg", "dec_deg"}
    assert set(told.fieldnames) == {column.name for column in ENTRIES.columns}


def test_more_than_is_wanted_is_told_as_an_overflow(served: tuple[str, Api], vera: requests.Session) -> None:
    address, _ = served
    asked = {"RA": "150", "DEC": "2", "SR": "180"}
    for most, said in (("2", ["OK", "OVERFLOW"]), ("1000", ["OK"])):
        answer = vera.get(f"{address}/cone", params=asked | {"maxrec": most}, timeout=10)
        (resource,) = parse(io.BytesIO(answer.content)).resources
        assert [one.value for one in resource.infos if one.name == "QUERY_STATUS"] == said
        assert len(resource.tables[0].array) == min(int(most), len(objects(address, vera)))


@pytest.mark.parametrize(
    "asked", ["RA=1&DEC=2", "RA=x&DEC=2&SR=1", "RA=400&DEC=0&SR=1", "RA=1&DEC=nan&SR=1", "RA=1&DEC=1&SR=-1",
              "RA=1&DEC=1&SR=1&VERB=9", "RA=1&DEC=1&SR=1&MAXREC=-1", "RA=1&DEC=1&SR=1&RESPONSEFORMAT=json"],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_votable(served: tuple[str, Api], vera: requests.Session, asked: str) -> None:
    address, _ = served
    parameters = {name: value[0] for name, value in parse_qs(urlsplit(f"?{asked}").query).items()}
    query = pyvo.dal.DALQuery(f"{address}/cone", session=vera, **parameters)
    with pytest.raises(pyvo.dal.DALQueryError):
        query.execute()


def test_a_released_extract_is_searched_by_anybody_and_another_one_by_nobody(
    served: tuple[str, Api], vera: requests.Session, home: Path
) -> None:
    address, app = served
    key = vera.get(f"{address}/exports", timeout=10).json()["items"][0]["key"]
    place = f"{address}/exports/{key}/cone"
    _, ra, dec = objects(address, vera)[0]
    asked = {"RA": str(ra), "DEC": str(dec), "SR": "180"}

    assert requests.get(place, params=asked, timeout=10).status_code == 401
    with services_in(app.state.context.settings) as services:
        grant_role(services, login="otto", role=Role.DATA_RELEASE)
        run_release(services, RunKey(key), login="otto", requested_by="vera", reason="complete")
    found = pyvo.dal.SCSService(place).search(pos=(ra, dec), radius=180.0)
    near = pyvo.dal.SCSService(place).search(pos=(ra, dec), radius=1e-5)

    assert {row.id for row in found} == {name for name, _, _ in objects(address, vera)}
    assert [row.id for row in near] == [objects(address, vera)[0][0]]
    assert requests.get(f"{address}/cone", params=asked, timeout=10).status_code == 401
    assert requests.get(f"{address}/exports/export-0/cone", params=asked, timeout=10).status_code == 401
