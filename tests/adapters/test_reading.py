"""Reading for many at once: the same pages and searches on SQLite and PostgreSQL, and nothing but reading."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from astrid_core.adapters.db.reading.catalog import find_entry, limits_at, list_alerts, list_entries, points_of
from astrid_core.adapters.db.reading.detections import (
    DetectionFilter,
    find_detection,
    find_detections,
    list_detections,
)
from astrid_core.adapters.db.reading.engine import open_reading
from astrid_core.adapters.db.reading.events import list_events
from astrid_core.adapters.db.reading.observations import (
    ObservationFilter,
    Progress,
    count_observations,
    exposures_of,
    find_observation,
    list_nights,
    list_observations,
)
from astrid_core.adapters.db.reading.pages import Ask, BadKey, Facts, Key, Page
from astrid_core.adapters.db.reading.runs import list_candidates, list_runs
from astrid_core.catalog.context import EntryContext, ObjectClass
from astrid_core.shared.errors import AstridError, UnknownRecord
from astrid_core.shared.sky import Region, SkyCell
from tests.adapters.databases import SqlDatabase
from tests.adapters.invented import (
    candidate,
    difference_run,
    entry,
    model_run,
    observation,
    point,
    position,
    record_difference,
    reference,
)
from tests.adapters.test_alert_records import announced

T = TypeVar("T")
Ask_ = Callable[[AsyncConnection], Awaitable[T]]


@pytest.fixture
def url(sql_url: str) -> str:
    """A database with a night in it: of three exposures one was searched and shows four candidates."""
    database = SqlDatabase(sql_url)
    places = [position(), position(ra_deg=10.69), None, position(dec_deg=-41.0)]
    candidates = tuple(candidate(number, at=place) for number, place in enumerate(places, start=1))
    odd = replace(candidates[3], chi2=float("nan"))
    searched = difference_run(candidates=(*candidates[:3], odd))
    with database.transaction() as records:
        for number in (1, 2, 3):
            records.observations.add(observation(number))
        record_difference(records, searched)
        records.model_runs.add(model_run(of=searched))
        records.catalog.put(entry())
        records.catalog.put_points([point("detect-1:1")])
        for number in (1, 2):
            said, alert = announced(number)
            records.alerts.add([said], [alert])
        records.events.append("night.looked-at", subject="night")
    database.close()
    return sql_url


def _read(url: str, ask: "Ask_[T]") -> T:
    async def read() -> T:
        database = open_reading(url)
        try:
            async with database.reading() as connection:
                return await ask(connection)
        finally:
            await database.close()

    return asyncio.run(read())


def _ids(page: Page) -> list[object]:
    return [one["id"] for one in page.items]


def test_pages_of_detections_add_up_whatever_is_in_them(url: str) -> None:
    whole = _read(url, lambda connection: list_detections(connection, DetectionFilter(), Ask()))
    pages: list[Facts] = []
    after: Key | None = None
    while True:
        page = _read(url, partial(list_detections, wanted=DetectionFilter(), ask=Ask(after=after, limit=1)))
        pages += page.items
        after = page.next
        if after is None:
            break

    assert _ids(whole) == [f"detect-1:{number}" for number in (1, 2, 3, 4)]
    assert pages == whole.items
    assert [one["chi2"] for one in whole.items] == [1.07, 1.07, 1.07, None]
    assert whole.items[2]["ra_deg"] is None
    assert whole.items[0]["reference_digests"] == [reference().digest]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (DetectionFilter(min_score=0.5), [1, 3]),
        (DetectionFilter(max_score=0.5), []),
        (DetectionFilter(kind="dipole", night=observation().night, survey="demo", band="r"), [1, 3]),
        (DetectionFilter(band="g"), []),
        (DetectionFilter(cell=SkyCell.containing(position(), order=12)), [1, 2]),
        (DetectionFilter(region=Region.cone(position(), radius_deg=0.001)), [1]),
        (DetectionFilter(region=Region.parse("polygon(10 41, 11 41, 11 42, 10 42)")), [1, 2]),
        (DetectionFilter(run="detect-1", observation=observation().id), [1, 2, 3, 4]),
        (DetectionFilter(survey="'; DROP TABLE detection; --"), []),
    ],
)
def test_filters_keep_what_fits(url: str, wanted: DetectionFilter, numbers: list[int]) -> None:
    found = _read(url, lambda connection: list_detections(connection, wanted, Ask()))

    assert _ids(found) == [f"detect-1:{number}" for number in numbers]


def test_detections_come_in_the_order_in_which_they_are_named(url: str) -> None:
    wanted = ["detect-1:3", "detect-9:1", "detect-1:1", "detect-1:3", "detect-1:", ":", "detect-1:-1"]
    found = _read(url, lambda connection: find_detections(connection, wanted))

    assert [one["id"] for one in found] == ["detect-1:3", "detect-1:1"]
    with pytest.raises(UnknownRecord):
        _read(url, lambda connection: find_detection(connection, "detect-1:9"))


def test_observations_say_how_far_they_are(url: str) -> None:
    for status, expected in ((Progress.SEARCHED, [1]), (Progress.WAITING, [2, 3]), (Progress.SKIPPED, [])):
        wanted = ObservationFilter(status=status)
        found = _read(url, partial(list_observations, wanted=wanted, ask=Ask()))
        assert _ids(found) == [observation(number).id for number in expected]
    assert _read(url, count_observations) == {"demo": 3}
    assert _read(url, lambda connection: find_observation(connection, observation().id))["night"] == observation().night


def test_a_night_is_counted_and_mapped(url: str) -> None:
    (night,) = _read(url, lambda connection: list_nights(connection, Ask(), survey="demo")).items
    exposures = _read(url, lambda connection: exposures_of(connection, observation().night, survey=None))

    assert (night["n_observations"], night["n_detections"], night["n_bands"]) == (3, 4, 1)
    assert [one["depth_mag"] for one in exposures] == [21.3, None, None]


def test_other_lists_are_read_alike(url: str) -> None:
    entries = _read(url, lambda connection: list_entries(connection, Ask(), region=None))
    runs = _read(url, lambda connection: list_runs(connection, Ask(), stage=None, observation=observation().id))
    candidates = _read(url, lambda connection: list_candidates(connection, Ask(), run="difference-1"))
    alerts = _read(url, lambda connection: list_alerts(connection, Ask(limit=1), channel="all"))
    events = _read(url, lambda connection: list_events(connection, Ask(), subject="night"))

    assert _ids(entries) == [entry().id]
    assert {one["stage"] for one in runs.items} == {"preprocess", "difference", "detect"}
    assert len(candidates.items) == 4
    assert alerts.next == [UUID(int=1), 1, "all"]
    assert [one["name"] for one in events.items] == ["night.looked-at"]
    assert len(_read(url, lambda connection: points_of(connection, entry().id))) == 1
    with pytest.raises(UnknownRecord):
        _read(url, lambda connection: find_entry(connection, UUID(int=0)))


def test_exposures_without_a_point_are_limits_where_they_were_compared(url: str) -> None:
    here = _read(url, lambda connection: limits_at(connection, position(), seen=[]))
    seen = _read(url, lambda connection: limits_at(connection, position(), seen=[observation().id]))
    elsewhere = _read(url, lambda connection: limits_at(connection, position(dec_deg=-41.0), seen=[]))

    assert [one["limit_mag"] for one in here] == [21.3]
    assert seen == elsewhere == []


@pytest.mark.parametrize("after", [[], ["detect-1"], ["detect-1", "1"], ["x\0", 1], ["x", 2**63], ["x", True], [1, 1]])
def test_a_key_of_another_list_is_refused(url: str, after: list[object]) -> None:
    with pytest.raises(BadKey):
        _read(url, lambda connection: list_detections(connection, DetectionFilter(), Ask(after=after)))


@pytest.mark.parametrize(
    "statement", ["DELETE FROM detection", "UPDATE alert SET n_attempts = 1", "CREATE TABLE x (y INT)"]
)
def test_nothing_is_ever_written(url: str, statement: str) -> None:
    with pytest.raises((SQLAlchemyError, AstridError)):
        _read(url, lambda connection: connection.execute(text(statement)))
    assert len(_read(url, lambda connection: list_alerts(connection, Ask(), channel=None)).items) == 2


def test_objects_are_listed_by_what_they_are_taken_for(url: str) -> None:
    database = SqlDatabase(url)
    with database.transaction() as records:
        records.catalog.put(entry(2))
        records.contexts.put(EntryContext(entry_id=entry().id, object_class=ObjectClass.AGN, reason="so"))
    database.close()
    for told, expected in (("agn", [entry().id]), ("star", []), (None, [entry().id, entry(2).id])):
        found = _read(url, partial(list_entries, ask=Ask(), region=None, object_class=told))
        assert _ids(found) == expected
