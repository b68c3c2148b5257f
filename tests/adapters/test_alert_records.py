"""Contract of Alerts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from astrid_core.alerts.entities import Alert, AlertKind, AlertState, Announcement, Channel
from astrid_core.shared.errors import UnknownRecord
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import entry, point

AT = datetime(2026, 3, 1, 22, 15, 7, 123456, tzinfo=UTC)
ALL = Channel(name="all", format="avro", min_score=0.25, updates=False)
SURE = Channel(name="sure", format="tns", min_status="confirmed", ask=True)


def announced(
    number: int,
    *,
    version: int = 1,
    channel: str = "all",
    kind: AlertKind = AlertKind.NEW,
    state: AlertState = AlertState.PENDING,
    batch: str = "",
    after_s: float = 0.0,
) -> tuple[Announcement, Alert]:
    at = AT + timedelta(seconds=after_s)
    seen = replace(entry(), id=UUID(int=number))
    points = (replace(point(f"detect-1:{number}"), entry_id=seen.id),)
    said = Announcement(entry=seen, version=version, points=points, reasons=("object", "point"), at=at)
    alert = Alert(entry_id=seen.id, version=version, channel=channel, kind=kind, raised_at=at, state=state, batch=batch)
    return said, alert


def keep(database: AnyDatabase, *pairs: tuple[Announcement, Alert]) -> list[Alert]:
    with database.transaction() as records:
        for said, alert in pairs:
            records.alerts.add([said], [alert])
    return [alert for _, alert in pairs]


def test_what_was_said_comes_back_as_it_was_and_never_changes(database: AnyDatabase) -> None:
    said, alert = announced(1)
    keep(database, (said, alert))
    keep(database, (replace(said, reasons=("status",)), replace(alert, channel="sure")))
    with database.transaction() as records:
        assert records.alerts.announcement(UUID(int=1), 1) == said
        assert records.alerts.of([UUID(int=1), UUID(int=2)]) == {UUID(int=1): [alert, replace(alert, channel="sure")]}
        with pytest.raises(UnknownRecord):
            records.alerts.announcement(UUID(int=1), 2)


def test_what_becomes_of_an_alert_is_recorded(database: AnyDatabase) -> None:
    (alert,) = keep(database, announced(1))
    now = replace(
        alert, state=AlertState.DELIVERED, batch="b", n_attempts=3, try_after=AT, settled_at=AT, error="was away"
    )
    with database.transaction() as records:
        records.alerts.put([now])
        assert records.alerts.search() == (now,)
        assert records.alerts.search(state=AlertState.PENDING) == ()
        assert records.alerts.search(state=AlertState.DELIVERED, channel="all", batch="b", limit=1) == (now,)
        assert records.alerts.search(channel="sure") == ()


def test_alerts_on_one_object_are_due_one_after_the_other_and_each_when_its_time_has_come(
    database: AnyDatabase,
) -> None:
    first, _, other, held, _, late = keep(
        database,
        announced(1),
        announced(1, version=2, after_s=1),
        announced(2, after_s=-1),
        announced(3, state=AlertState.HELD),
        announced(3, version=2),
        announced(4),
    )
    with database.transaction() as records:
        records.alerts.put([replace(late, try_after=AT + timedelta(seconds=5))])
        assert records.alerts.due("all", at=AT, limit=9) == (other, first)
        assert records.alerts.due("all", at=AT, limit=1) == (other,)
        assert records.alerts.due("sure", at=AT, limit=9) == ()
        records.alerts.put([replace(first, state=AlertState.DELIVERED), replace(held, state=AlertState.DROPPED)])
        due = records.alerts.due("all", at=AT + timedelta(seconds=5), limit=9)
    assert [(one.entry_id.int, one.version) for one in due] == [(2, 1), (3, 2), (4, 1), (1, 2)]


def test_channels_open_and_close_and_a_closed_one_is_busy_until_everything_is_sent(database: AnyDatabase) -> None:
    keep(database, announced(1), announced(2, channel="sure", state=AlertState.DELIVERED))
    with database.transaction() as records:
        assert records.alerts.open([SURE, ALL])
        assert not records.alerts.open([ALL, SURE])
        assert records.alerts.channels() == (ALL, SURE)
        assert records.alerts.open([replace(SURE, ask=False)])
        assert records.alerts.channels() == (replace(SURE, ask=False),)
        assert records.alerts.busy() == (ALL,)
        assert records.alerts.open([])
        assert records.alerts.channels() == ()
        assert records.alerts.channels(closed=True) == (ALL, replace(SURE, ask=False))
        assert not records.alerts.open([])


def test_batches_are_counted_without_retractions(database: AnyDatabase) -> None:
    keep(
        database,
        announced(1, batch="a"),
        announced(2, batch="a"),
        announced(3, batch="a", kind=AlertKind.RETRACTION),
        announced(4, batch="b", after_s=60),
        announced(5, batch="b", after_s=60, channel="sure"),
        announced(6, after_s=70),
        announced(7, batch="c", after_s=-60, state=AlertState.DROPPED),
    )
    with database.transaction() as records:
        assert tuple(records.alerts.counts("all", limit=9)) == (1, 2, 1)
        assert tuple(records.alerts.counts("all", limit=1)) == (1,)
        assert records.alerts.count_since("all", AT) == 4
        assert records.alerts.count_since("all", AT - timedelta(seconds=61)) == 4
        assert records.alerts.count_since("all", AT + timedelta(seconds=61)) == 1
        records.alerts.lock()


def test_thousands_of_alerts_are_put_at_once(database: AnyDatabase) -> None:
    alerts = keep(database, *(announced(number) for number in range(1, 1201)))
    with database.transaction() as records:
        records.alerts.put([replace(one, state=AlertState.DELIVERED) for one in alerts])
        assert len(records.alerts.search(state=AlertState.DELIVERED)) == 1200
