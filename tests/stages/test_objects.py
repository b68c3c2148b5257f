"""What the catalog makes of the nights of a survey, over memory twins: truth known, in any order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from astrid_core.catalog.associate import entry_id
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.catalog.tracklets import find_tracklets
from astrid_core.observations.entities import night_of
from astrid_core.stages.held_sky import HeldSky
from astrid_core.stages.objects import Changes, gather, write
from tests.catalog.invented import measured
from tests.catalog.night import observation
from tests.fakes.records import MemoryDatabase
from tests.synthetic.sky_year import Year, year_of

CONFIG = PublishConfig()


class Catalog:
    """A catalog to which measurements are added."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()

    def publish(self, points: Sequence[LightCurvePoint], night: str) -> Changes:
        with self.database.transaction() as records:
            for name, mid_mjd in sorted({(point.observation_id, point.mid_mjd) for point in points}):
                archive_id = name.partition(":")[2]
                records.observations.add(replace(observation(1, mid_mjd=mid_mjd), survey="sim", archive_id=archive_id))
            tonight = [*records.catalog.points_of_night("sim", night), *points]
            return write(records, gather(records, tonight, find_tracklets(tonight, CONFIG), CONFIG, HeldSky(CONFIG)))

    def content(self) -> tuple[tuple[CatalogEntry, ...], tuple[LightCurvePoint, ...]]:
        with self.database.transaction() as records:
            entries = records.catalog.search()
            return tuple(entries), tuple(records.catalog.points([entry.id for entry in entries]))

    def entry(self, detection_id: str) -> CatalogEntry:
        with self.database.transaction() as records:
            return records.catalog.get(entry_id(detection_id))

    def events(self) -> list[str]:
        with self.database.transaction() as records:
            return [event.name for event in records.events.all()]


def catalog_of(portions: Iterable[tuple[str, Sequence[LightCurvePoint]]]) -> Catalog:
    catalog = Catalog()
    for night, points in portions:
        catalog.publish(points, night)
    return catalog


@pytest.fixture(scope="module")
def year() -> Year:
    return year_of(64, seed=11, side_deg=0.1, n_lunations=3)


def test_the_objects_of_a_year_come_out_whole(year: Year) -> None:
    entries, points = catalog_of(year.nights().items()).content()
    whole: dict[UUID, set[str]] = {}
    for point in points:
        whole.setdefault(point.entry_id, set()).add(year.truth[point.detection_id])
    assert all(len(objects) == 1 for objects in whole.values())
    assert len(points) == len(year.points)
    moving = {entry.id for entry in entries if entry.motion is not None}
    assert {next(iter(whole[one])).split()[0] for one in moving} == {"moving"}
    n_parts = Counter(next(iter(objects)) for objects in whole.values())
    assert sum(n_parts.values()) - len(n_parts) <= 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nights_in_any_order_and_in_portions_give_the_same_catalog(year: Year, seed: int) -> None:
    rng = np.random.default_rng(seed)
    portions = []
    for night, points in year.nights().items():
        part = rng.integers(0, 2, len(points))
        portions += [(night, [one for one, of in zip(points, part, strict=True) if of == half]) for half in (0, 1)]
    shuffled = [portions[number] for number in rng.permutation(len(portions))]
    assert catalog_of(shuffled).content() == catalog_of(year.nights().items()).content()


def test_nights_in_the_order_of_their_time_withdraw_nothing(year: Year) -> None:
    assert catalog_of(year.nights().items()).events() == []


def test_publishing_a_night_again_changes_nothing(year: Year) -> None:
    nights = year.nights()
    catalog = catalog_of(nights.items())
    assert catalog.publish([], min(nights)) == Changes()
    assert catalog.publish(nights[max(nights)], max(nights)) == Changes()


def _night(number: int) -> str:
    return night_of(60370.0 + number)


def _at(name: str, night: int, east_arcsec: float) -> LightCurvePoint:
    return measured(
        name, east_arcsec=east_arcsec, mid_mjd=60370.0 + night, observation=f"sim:{night}-0", err_arcsec=0.2
    )


def test_a_late_night_joins_what_was_two_objects() -> None:
    catalog = catalog_of([(_night(2), [_at("b:1", 2, 0.0)]), (_night(3), [_at("c:1", 3, 1.2)])])
    assert len(catalog.content()[0]) == 2
    assert catalog.publish([_at("a:1", 1, 0.6)], _night(1)) == Changes(n_founded=1, n_withdrawn=2)
    (entry,), points = catalog.content()
    assert (entry.id, len(points)) == (entry_id("a:1"), 3)
    gone = catalog.entry("b:1")
    assert (gone.status, gone.successor) == (EntryStatus.WITHDRAWN, entry.id)
    assert catalog.events() == ["entry.merged", "entry.merged"]


def test_a_late_night_parts_what_was_one_object() -> None:
    catalog = catalog_of([(_night(2), [_at("b:1", 2, 0.0)]), (_night(3), [_at("c:1", 3, 0.9)])])
    assert len(catalog.content()[0]) == 1
    catalog.publish([_at("a:1", 1, -0.9)], _night(1))
    entries, points = catalog.content()
    assert {point.detection_id: point.entry_id for point in points} == {
        "a:1": entry_id("a:1"),
        "b:1": entry_id("a:1"),
        "c:1": entry_id("c:1"),
    }
    assert len(entries) == 2
    assert catalog.entry("b:1").successor == entry_id("a:1")
    assert catalog.events() == ["entry.split"]


def test_an_asteroid_is_one_object_only_when_enough_exposures_have_shown_it(year: Year) -> None:
    name = next(one for one in year.truth.values() if one.startswith("moving"))
    points = [one for one in year.points if year.truth[one.detection_id] == name]
    first, *_, last = points
    tonight = [one for one in points if night_of(one.mid_mjd) == night_of(first.mid_mjd)]
    catalog = catalog_of([(night_of(first.mid_mjd), tonight[:2])])
    assert [entry.motion for entry in catalog.content()[0]] == [None, None]
    catalog.publish(tonight[2:], night_of(first.mid_mjd))
    (entry,), _ = catalog.content()
    assert entry.motion is not None
    assert 20.0 < entry.motion.rate_arcsec_h < 60.0
    assert entry.id == entry_id(first.detection_id)
    catalog.publish([one for one in points if night_of(one.mid_mjd) != night_of(first.mid_mjd)], night_of(last.mid_mjd))
    (entry,), held = catalog.content()
    assert (entry.n_detections, len(held)) == (8, 8)
