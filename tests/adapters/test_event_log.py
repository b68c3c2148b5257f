"""Contract of the EventLog, and what the databases refuse."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import nan

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.repositories import events
from astrid_core.shared.errors import PermanentFailure, Unprocessable
from astrid_core.shared.events import GENESIS, Actor, Told, verify_chain
from tests.adapters.databases import AnyDatabase, SqlDatabase
from tests.adapters.invented import verdict
from tests.adapters.test_curation_records import ADA


@pytest.fixture
def engine(sql_url: str) -> Iterator[Engine]:
    """The same database as that of ``sql_database``."""
    engine = open_engine(sql_url)
    yield engine
    engine.dispose()


def test_every_event_names_the_one_before_it(database: AnyDatabase) -> None:
    with database.transaction(actor=Actor(name="ingest")) as records:
        first = records.events.append("observation.recorded", subject="demo:a", facts={"n": 1})
        second = records.events.append("observation.recorded", subject="demo:b")
    with database.transaction(actor=Actor(name="ada")) as records:
        third = records.events.append("verdict.recorded", subject="detect-1:1")
    with database.transaction() as records:
        told = list(records.events.all())
        assert list(records.events.of("demo:b")) == [second]
        assert list(records.events.of("demo:c")) == []
        assert list(records.events.named("observation.recorded")) == [first, second]
    assert told == [first, second, third]
    assert [event.sequence for event in told] == [1, 2, 3]
    assert [event.previous for event in told] == [GENESIS, first.digest, second.digest]
    assert [event.actor for event in told] == ["ingest", "ingest", "ada"]
    assert verify_chain(told) == 3


def test_events_of_one_act_follow_each_other_in_one_chain(database: AnyDatabase) -> None:
    act = [Told(name="verdict.recorded", subject=f"detect-1:{number}", facts={"n": number}) for number in (3, 1, 2)]
    with database.transaction() as records:
        first = records.events.append("verdict.recorded", subject="detect-1:0")
        told = records.events.append_all(act)
        assert list(records.events.append_all([])) == []
    with database.transaction() as records:
        log = list(records.events.all())
    assert log == [first, *told]
    assert [event.facts for event in told] == [{"n": 3}, {"n": 1}, {"n": 2}]
    assert verify_chain(log) == 4


def test_an_event_tells_what_is_known_of_its_actor(database: AnyDatabase) -> None:
    ada = Actor(name="ada", roles=("reviewer", "arbiter"), via="key", request="r-1")
    with database.transaction(actor=ada) as records:
        event = records.events.append("verdict.recorded", subject="detect-1:1", facts={"n": 1})
        with pytest.raises(ValueError, match="tells who acts"):
            records.events.append("verdict.recorded", subject="detect-1:1", facts={"by": "eve"})
    assert event.actor == "ada"
    assert event.facts == {"n": 1, "by": {"roles": ["arbiter", "reviewer"], "via": "key", "request": "r-1"}}
    with database.transaction() as records:
        assert list(records.events.all()) == [event]
        assert verify_chain([event]) == 1


def test_events_are_dated_in_utc(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.events.append("a.done", subject="a")
    with database.transaction() as records:
        (event,) = records.events.all()
    assert event.at.tzinfo is UTC
    assert timedelta(0) <= datetime.now(UTC) - event.at < timedelta(minutes=5)


def test_facts_are_told_as_they_will_be_read(database: AnyDatabase) -> None:
    facts = {
        "keys": ("a", "b"),
        "ratio": 0.1 + 0.2,
        "big": 10**18,
        "huge": 1e22,
        "one": 1.0,
        "name": "\u00e4\u2603",
        "no": None,
    }
    with database.transaction() as records:
        event = records.events.append("a.done", subject="a", facts=facts)
    with database.transaction() as records:
        assert list(records.events.all()) == [event]
        assert event.facts == {**facts, "keys": ["a", "b"]}
        assert verify_chain(records.events.all()) == 1


def test_facts_that_are_no_json_are_refused(database: AnyDatabase) -> None:
    with database.transaction() as records:
        with pytest.raises(ValueError, match="not JSON compliant"):
            records.events.append("a.done", subject="a", facts={"ratio": nan})
        with pytest.raises(TypeError, match="not JSON serializable"):
            records.events.append("a.done", subject="a", facts={"at": datetime.now(UTC)})
        assert list(records.events.all()) == []


def test_an_event_that_was_rolled_back_leaves_no_gap(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.events.append("a.done", subject="a")
    with suppress(Unprocessable), database.transaction() as records:
        records.events.append("b.done", subject="b")
        raise Unprocessable("b cannot be done")
    with database.transaction() as records:
        assert records.events.append("c.done", subject="c").sequence == 2
        assert verify_chain(records.events.all()) == 2


def test_a_long_log_is_read_page_by_page(sql_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PAGE", 4)
    with sql_database.transaction() as records:
        for number in range(10):
            records.events.append("a.done", subject=str(number))
        assert [event.subject for event in records.events.all()] == [str(number) for number in range(10)]


def test_many_who_append_at_once_neither_fork_nor_skip(sql_database: SqlDatabase) -> None:
    def append(worker: int) -> None:
        for number in range(20):
            with sql_database.transaction(actor=Actor(name=f"worker {worker}")) as records:
                list(records.events.all())
                records.events.append("a.done", subject=f"{worker}/{number}")
                records.events.append("b.done", subject=f"{worker}/{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(8)))
    with sql_database.transaction() as records:
        told = list(records.events.all())
    assert verify_chain(told) == 8 * 20 * 2
    # The two events of one transaction follow one another: nobody appended between them.
    assert all(a.subject == b.subject for a, b in zip(told[::2], told[1::2], strict=True))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE domain_event SET actor = 'nobody'",
        "UPDATE domain_event SET actor = actor WHERE sequence = 1",
        "DELETE FROM domain_event WHERE sequence = 2",
        "DELETE FROM domain_event",
        "UPDATE validation_event SET verdict = 'bogus'",
        "DELETE FROM validation_event",
    ],
)
def test_the_database_refuses_to_rewrite_what_was_said(sql_database: SqlDatabase, engine: Engine, change: str) -> None:
    with sql_database.transaction() as records:
        records.events.append("a.done", subject="a")
        records.events.append("b.done", subject="b")
        records.curators.add(ADA)
        records.validation_events.add(verdict(1))
    with pytest.raises(DBAPIError, match="is append-only"), engine.begin() as connection:
        connection.execute(text(change))
    with sql_database.transaction() as records:
        assert verify_chain(records.events.all()) == 2
        assert records.validation_events.of_detections(["detect-1:1"]) == (verdict(1),)


def test_postgresql_refuses_to_empty_the_log(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    for table in ("domain_event", "validation_event"):
        with pytest.raises(DBAPIError, match="is append-only"), engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {table}"))
    engine.dispose()


def test_sqlite_replaces_no_event(sqlite_url: str) -> None:
    database, engine = SqlDatabase(sqlite_url), open_engine(sqlite_url)
    with database.transaction() as records:
        event = records.events.append("a.done", subject="a")
    with engine.begin() as connection:
        connection.execute(
            text("INSERT OR REPLACE INTO domain_event VALUES (1, 'forged', 'a', 'b', '2026-01-01', '{}', 'x', 'y')")
        )
    with database.transaction() as records:
        assert list(records.events.all()) == [event]
    database.close()
    engine.dispose()


def test_a_log_that_was_forged_past_the_triggers_does_not_verify(sqlite_url: str) -> None:
    database, engine = SqlDatabase(sqlite_url), open_engine(sqlite_url)
    with database.transaction() as records:
        for name in ("a.done", "b.done", "c.done"):
            records.events.append(name, subject="a")
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER domain_event_refuses_update"))
        connection.execute(text("UPDATE domain_event SET actor = 'nobody' WHERE sequence = 2"))
    with database.transaction() as records, pytest.raises(PermanentFailure, match="sequence=2"):
        verify_chain(records.events.all())
    database.close()
    engine.dispose()
