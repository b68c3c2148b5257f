"""What is known at the places of entries, looked up and recorded."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from astrid_core.catalog.context import EntryContext, ObjectClass
from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.catalog.known_sources import KnownSources, SourceKind
from astrid_core.catalog.minor_planets import MinorPlanet
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import CatalogUnavailable
from astrid_core.shared.sky import Region, SkyPosition
from astrid_core.stages.context import entries_of_night, run_context
from astrid_core.stages.services import Services
from tests.adapters.invented import entry, observation, point
from tests.catalog.known import HERE, sources
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.context import MemoryMinorPlanets, MemorySourceCatalog
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase
from tests.fakes.star_catalog import MemoryStarCatalog

CONFIG = ContextConfig()


def _east(arcsec: float) -> SkyPosition:
    return SkyPosition(ra_deg=HERE.ra_deg + arcsec / 3600.0 / float(np.cos(np.radians(2.0))), dec_deg=HERE.dec_deg)


def _exposures() -> tuple[Observation, Observation]:
    one = observation(1, at=HERE)
    return one, observation(2, at=HERE, mid_mjd=one.mid_mjd + 1.0)


@pytest.fixture
def database() -> MemoryDatabase:
    """Three entries 30 arcsec apart, each seen in two nights."""
    made = MemoryDatabase()
    with made.transaction() as records:
        for one in _exposures():
            records.observations.add(one)
        for number in (1, 2, 3):
            known = replace(entry(number, at=_east(30.0 * number)), best_score=0.9)
            records.catalog.put(known)
            for exposure in _exposures():
                measured = point(f"{exposure.id}:{number}", of=known, mid_mjd=exposure.mid_mjd)
                records.catalog.put_points([replace(measured, observation_id=exposure.id)])
    return made


def _services(database: MemoryDatabase, *catalogs: MemorySourceCatalog, **other: object) -> Services:
    return Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=database.transaction,
        known_sources=catalogs, **other,  # type: ignore[arg-type]
    )  # fmt: skip


def _all(database: MemoryDatabase) -> tuple[UUID, ...]:
    with database.transaction() as records:
        return tuple(one.id for one in records.catalog.search())


def _contexts(database: MemoryDatabase) -> Mapping[UUID, EntryContext]:
    with database.transaction() as records:
        return records.contexts.of([entry(number).id for number in (1, 2, 3)])


def _catalog(kind: SourceKind, *east_arcsec: float, covered: Region | None = None) -> MemorySourceCatalog:
    return MemorySourceCatalog(all_sources=sources(kind, *east_arcsec), covered=covered)


def test_entries_are_matched_with_every_catalog_and_classed(database: MemoryDatabase) -> None:
    services = _services(database, _catalog(SourceKind.AGN, 30.1), _catalog(SourceKind.GALAXY, 66.0))

    summary = run_context(services, _all(database), CONFIG)

    found = _contexts(database)
    assert [one.object_class for one in found.values()] == [
        ObjectClass.AGN, ObjectClass.HOSTED_TRANSIENT, ObjectClass.HOSTED_TRANSIENT,
    ]  # fmt: skip
    agn = found[entry(1).id].nearest(SourceKind.AGN)
    assert agn is not None
    assert agn.separation_arcsec == pytest.approx(0.1, abs=1e-4)
    assert found[entry(1).id].looked_in == ("agn 1", "galaxy 1")
    assert found[entry(3).id].nearest(SourceKind.AGN) is None
    assert (summary.n_entries, summary.n_changed) == (3, 3)
    assert summary.n_classes == {"agn": 1, "hosted_transient": 2}


def test_looking_up_again_changes_nothing_and_tells_nobody(database: MemoryDatabase) -> None:
    services = _services(database, _catalog(SourceKind.STAR, 30.1))
    run_context(services, _all(database), CONFIG)
    with database.transaction() as records:
        before = len(list(records.events.all()))

    assert run_context(services, _all(database)[::-1], CONFIG).n_changed == 0

    with database.transaction() as records:
        assert len(list(records.events.all())) == before


def test_what_people_say_changes_the_class(database: MemoryDatabase) -> None:
    services = _services(database, _catalog(SourceKind.STAR, 30.1))
    run_context(services, _all(database), CONFIG)
    with database.transaction() as records:
        records.catalog.put(replace(records.catalog.get(entry(1).id), status=EntryStatus.REJECTED))

    assert run_context(services, _all(database), CONFIG).n_changed == 1

    assert _contexts(database)[entry(1).id].object_class is ObjectClass.ARTEFACT
    assert _contexts(database)[entry(1).id].nearest(SourceKind.STAR) is not None


def test_stars_that_frames_are_tied_to_count_as_well(database: MemoryDatabase) -> None:
    at = _east(60.1)
    stars = CatalogStars(
        catalog="gaia dr3", epoch_yr=2016.0, ra_deg=np.array([at.ra_deg]), dec_deg=np.array([at.dec_deg]),
        ra_err_mas=np.array([1.0]), dec_err_mas=np.array([1.0]), pm_ra_mas_yr=np.array([np.nan]),
        pm_dec_mas_yr=np.array([np.nan]), mags={"G": np.array([17.0])}, mag_errs={"G": np.array([0.01])},
    )  # fmt: skip
    run_context(_services(database, stars=MemoryStarCatalog(all_stars=stars)), _all(database), CONFIG)
    assert _contexts(database)[entry(2).id].object_class is ObjectClass.STAR


def test_a_catalog_that_does_not_know_the_place_says_nothing(database: MemoryDatabase) -> None:
    elsewhere = _catalog(SourceKind.AGN, 30.1, covered=Region.parse("cone(10.0,2.0,1deg)"))
    run_context(_services(database, elsewhere), _all(database), CONFIG)
    assert {one.looked_in for one in _contexts(database).values()} == {()}
    assert _contexts(database)[entry(1).id].object_class is ObjectClass.HOSTLESS_TRANSIENT


def test_an_entry_at_the_edge_of_a_catalog_is_still_looked_up(database: MemoryDatabase) -> None:
    """The cone around all three reaches out of it, the one around the first does not."""
    edge = Region.cone(_east(30.0), radius_deg=310.0 / 3600.0)
    run_context(_services(database, _catalog(SourceKind.AGN, 30.1, covered=edge)), _all(database), CONFIG)
    assert _contexts(database)[entry(1).id].object_class is ObjectClass.AGN
    assert _contexts(database)[entry(3).id].looked_in == ()


class _Down(MemorySourceCatalog):
    def sources(self, region: Region) -> KnownSources:
        raise CatalogUnavailable("no answer", region=region.text)


def test_a_catalog_that_is_down_leaves_everything_as_it_was(database: MemoryDatabase) -> None:
    run_context(_services(database, _catalog(SourceKind.AGN, 30.1)), _all(database), CONFIG)
    before = _contexts(database)
    with pytest.raises(CatalogUnavailable):
        run_context(_services(database, _Down(all_sources=sources(SourceKind.AGN))), _all(database), CONFIG)
    assert _contexts(database) == before


def _body(east_arcsec: float, **other: float) -> MinorPlanet:
    return MinorPlanet(
        name="(1) Ceres", is_comet=False, position=_east(east_arcsec), err_arcsec=other.get("err_arcsec", 0.5),
        mag_v=9.0, motion_ra_arcsec_h=30.0, motion_dec_arcsec_h=1.0, distance_au=1.5, sun_distance_au=2.5,
    )  # fmt: skip


def test_a_body_that_was_there_in_every_exposure_is_the_entry(database: MemoryDatabase) -> None:
    planets = MemoryMinorPlanets(bodies=(_body(30.2),))
    config = replace(CONFIG, sites=("demo 33.3563 -116.8648",))

    run_context(_services(database, minor_planets=planets), _all(database), config)

    found = _contexts(database)[entry(1).id]
    assert found.object_class is ObjectClass.MINOR_PLANET
    assert {one.observation_id for one in found.matches} == {one.id for one in _exposures()}
    assert found.looked_in == (planets.name,)
    assert _contexts(database)[entry(2).id].object_class is ObjectClass.HOSTLESS_TRANSIENT
    assert planets.sites == [config.site_of("demo")] * 2


def test_a_body_whose_place_is_poorly_known_explains_nothing(database: MemoryDatabase) -> None:
    planets = MemoryMinorPlanets(bodies=(_body(30.2, err_arcsec=100.0),))
    run_context(_services(database, minor_planets=planets), _all(database), CONFIG)
    assert _contexts(database)[entry(1).id].matches == ()


def test_the_entries_of_a_night_are_those_that_it_shows(database: MemoryDatabase) -> None:
    first, second = _exposures()
    lonely: CatalogEntry = replace(entry(4, at=_east(5.0)), best_score=0.9)
    with database.transaction() as records:
        records.catalog.put(lonely)
        records.catalog.put_points([replace(point("x:1", of=lonely), observation_id=second.id, mid_mjd=second.mid_mjd)])
    services = _services(database)

    assert entries_of_night(services, "demo", first.night) == tuple(entry(number).id for number in (1, 2, 3))
    assert entries_of_night(services, "demo", second.night) == tuple(entry(number).id for number in (1, 2, 3, 4))
    assert entries_of_night(services, "other", first.night) == ()


def test_nothing_to_look_up_is_nothing(database: MemoryDatabase) -> None:
    assert run_context(_services(database), [], CONFIG).n_entries == 0
