"""What the API tells of known objects and minor planets near a detection."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.known_sources import SourceKind
from astrid_core.catalog.minor_planets import MinorPlanet
from astrid_core.settings import Settings
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages.context import run_context
from astrid_core.stages.services import Services
from include.api.app import Api
from include.api.context import Context
from tests.api.client import Client, named
from tests.api.night import services_in
from tests.catalog.known import sources
from tests.fakes.context import MemoryMinorPlanets, MemorySourceCatalog


@contextmanager
def _with_context(settings: Settings) -> Iterator[Services]:
    with services_in(settings) as services:
        place = _point(services).position
        galaxy = replace(
            sources(SourceKind.GALAXY, 0.0), ra_deg=np.array([place.ra_deg]),
            dec_deg=np.array([place.dec_deg - 4.0 / 3600.0]), redshift=np.array([0.02]),
        )  # fmt: skip
        body = MinorPlanet(
            name="(1) Ceres", is_comet=False, err_arcsec=0.5, mag_v=9.0, motion_ra_arcsec_h=30.0,
            motion_dec_arcsec_h=1.0, distance_au=1.5, sun_distance_au=2.5,
            position=SkyPosition(ra_deg=place.ra_deg, dec_deg=place.dec_deg + 10.0 / 3600.0),
        )  # fmt: skip
        yield replace(
            services, known_sources=(MemorySourceCatalog(all_sources=galaxy),),
            minor_planets=MemoryMinorPlanets(bodies=(body,)),
        )  # fmt: skip


def _point(services: Services) -> LightCurvePoint:
    """Return the point that everything is near to."""
    with services.transaction() as records:
        return records.catalog.points([records.catalog.search()[0].id])[0]


@pytest.fixture
def told(home: Path) -> LightCurvePoint:
    with services_in(Settings(home=home)) as services:
        return _point(services)


@pytest.fixture
def informed(made_app: Api, home: Path) -> Iterator[Client]:
    """Somebody who may read, where catalogs of others and orbits are on disk."""
    made_app.state.context = Context(Settings(home=home), _with_context)
    client = Client(made_app, named("vera", "viewer"))
    yield client
    client.close()


def test_known_objects_and_minor_planets_are_near_a_detection(informed: Client, told: LightCurvePoint) -> None:
    near = informed.get(f"/detections/{told.detection_id}/neighbours").json()

    (galaxy,) = near["known"]
    assert (galaxy["id"], galaxy["kind"], galaxy["redshift"], galaxy["mag"]) == ("a", "galaxy", 0.02, None)
    assert galaxy["separation_arcsec"] == pytest.approx(4.0, abs=1e-6)
    (body,) = near["minor_planets"]
    assert (body["name"], body["mag_v"]) == ("(1) Ceres", 9.0)
    assert body["separation_arcsec"] == pytest.approx(10.0, abs=1e-6)
    assert near["known_from"] == ["galaxy 1"]
    assert near["minor_planets_from"] == "bodies that stand still"


def test_where_nothing_was_imported_nothing_is_known(client: Client, told: LightCurvePoint) -> None:
    near = client.get(f"/detections/{told.detection_id}/neighbours").json()
    assert (near["known"], near["known_from"], near["minor_planets"], near["minor_planets_from"]) == ([], [], [], None)


def test_an_object_tells_its_class_after_it_was_looked_up(informed: Client, home: Path, told: LightCurvePoint) -> None:
    entry_id = told.entry_id
    assert informed.get(f"/catalog/{entry_id}/context").status_code == 404
    with _with_context(Settings(home=home)) as services:
        with services.transaction() as records:
            entries = [one.id for one in records.catalog.search()]
        run_context(services, entries, ContextConfig())

    found = informed.get(f"/catalog/{entry_id}/context").json()

    assert found["object_class"] == "hosted_transient"
    assert found["reason"].startswith("lies in a (galaxy, z = 0.02) of galaxy 1, 4.00 arcsec away")
    assert [one["source_id"] for one in found["matches"]] == ["a"]
    assert found["looked_in"] == ["bodies that stand still", "galaxy 1"]
