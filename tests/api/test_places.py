"""Searches by place, against the great-circle distance of every object: at the pole, over 0 h, small and large."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from astrid_core.adapters.db.migrate import migrate
from astrid_core.settings import Settings
from astrid_core.shared.sky import SkyPosition, separation_arcsec
from include.api.app import create_app
from tests.adapters.databases import SqlDatabase
from tests.adapters.invented import entry
from tests.api.client import Client, NamedIdentity, named
from tests.api.night import services_in, url_of

CENTRES = ((0.001, 12.0), (359.9995, -40.0), (123.0, 90.0), (77.0, -89.9999), (200.0, 0.0))


def _objects() -> list[SkyPosition]:
    """Around every centre objects at all distances, and some anywhere."""
    random = np.random.default_rng(8)
    places = []
    for ra, dec in CENTRES:
        for distance in 10.0 ** random.uniform(-4.5, 1.0, 60):
            angle = random.uniform(0.0, 2.0 * np.pi)
            north = np.clip(dec + distance * np.cos(angle), -90.0, 90.0)
            east = ra + distance * np.sin(angle) / max(np.cos(np.radians(north)), 1e-6)
            places.append(SkyPosition(ra_deg=float(east % 360.0), dec_deg=float(north)))
    return places


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sky")
    migrate(url_of(home))
    database = SqlDatabase(url_of(home))
    with database.transaction() as records:
        for number, place in enumerate(_objects(), start=1):
            records.catalog.put(entry(number, at=place))
    database.close()
    return home


@pytest.fixture
def client(sky: Path) -> Iterator[Client]:
    client = Client(create_app([NamedIdentity()], Settings(home=sky), opener=services_in), named("vera", "viewer"))
    yield client
    client.close()


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("radius_arcsec", [1.0, 60.0, 3600.0, 20_000.0])
def test_a_cone_holds_what_is_near_enough_and_nothing_else(
    client: Client, centre: tuple[float, float], radius_arcsec: float
) -> None:
    cone = {"ra_deg": centre[0], "dec_deg": centre[1], "radius_arcsec": radius_arcsec, "limit": 7}
    found, after = [], None
    while True:
        page = client.get("/catalog", params=cone | ({"after": after} if after else {})).json()
        found += page["items"]
        after = page["next"]
        if after is None:
            break
    middle = SkyPosition(ra_deg=centre[0], dec_deg=centre[1])
    near = [one for one in _objects() if separation_arcsec(middle, one) <= radius_arcsec]

    assert sorted((one["ra_deg"], one["dec_deg"]) for one in found) == sorted((one.ra_deg, one.dec_deg) for one in near)


@pytest.mark.parametrize(
    "region", ["cone(1,2)", "polygon(1 2)", "cells(99/1)", "moc(x)", "cone(400,0,1)", "cone(0,0,500deg)", "box(1,2,3)"]
)
def test_a_region_that_is_none_is_not_valid(client: Client, region: str) -> None:
    answer = client.get("/catalog", params={"region": region})

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("radius_arcsec", ["5e-324", "0", "-1", "nan", "inf", "648001", "x"])
def test_a_radius_that_is_none_is_not_valid(client: Client, radius_arcsec: str) -> None:
    cone = {"ra_deg": "1", "dec_deg": "2", "radius_arcsec": radius_arcsec}

    assert client.get("/catalog", params=cone).status_code == 422
    assert client.get("/detections", params=cone).status_code == 422


@pytest.mark.parametrize("cell", ["\u0663/\u0664", "6/99999999", "30/1", "6/", "-1/1"])
def test_a_cell_that_is_none_is_not_valid(client: Client, cell: str) -> None:
    assert client.get("/detections", params={"cell": cell}).status_code == 422


def test_a_polygon_holds_what_lies_in_it(client: Client) -> None:
    found = client.get("/catalog", params={"region": "polygon(198 -2, 202 -2, 202 2, 198 2)", "limit": 200}).json()
    inside = [one for one in _objects() if 198.0 < one.ra_deg < 202.0 and -1.999 < one.dec_deg < 1.999]

    assert len(found["items"]) == len(inside)
