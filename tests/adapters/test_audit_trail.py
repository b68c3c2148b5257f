"""Contract of the AuditTrail: any byte of any row that was altered is found, and the row is named."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.repositories.audit import SqlAuditTrail
from astrid_core.curation.access import Role
from astrid_core.curation.audit import AuditReport, Head, audit
from astrid_core.curation.entities import ValidationEvent
from astrid_core.shared.events import Actor, DomainEvent, chain_digest
from astrid_core.stages.services import Records
from tests.adapters.databases import AnyDatabase, SqlDatabase
from tests.adapters.invented import verdict
from tests.adapters.test_curation_records import ADA

N_EVENTS, N_VERDICTS = 20, 6
MASKS = (0x01, 0x20, 0x80)
VERDICT_3 = str(UUID(int=0xA3))


def fill(database: AnyDatabase) -> None:
    """Write a log of twenty events, some of them about verdicts that say all that a verdict can."""
    actor = Actor(name="ada", roles=("reviewer",), via="key", request="r-1")
    with database.transaction(actor=actor) as records:
        records.curators.add(ADA)
        for number in range(1, N_EVENTS - N_VERDICTS + 1):
            facts = {"n": number, "ratio": 0.1 * number, "why": "\u00e4 b", "keys": ["a", None, True]}
            records.events.append("a.done", subject=f"subject {number}", facts=facts)
        for number in range(1, N_VERDICTS + 1):
            record(records, said(number))


def said(number: int) -> ValidationEvent:
    return replace(
        verdict(0xA0 + number, f"detect-1:{number}"),
        reason="transient",
        vocabulary=1,
        confidence=2,
        seconds=1.25 * number,
        is_blind=number % 2 == 0,
        role=Role.ARBITER if number == 3 else Role.REVIEWER,
        batch=UUID(int=0xABCDEF << 90 | number),
    )


def record(records: Records, event: ValidationEvent) -> None:
    records.validation_events.add(event)
    facts = {"event": str(event.id), "digest": event.digest}
    records.events.append("verdict.recorded", subject=event.detection_id, facts=facts)


def look(trail: Any, kept: Head | None = None) -> AuditReport:
    return audit(verdicts=trail.verdicts, events=trail.events(), kept=kept)


def rows(report: AuditReport, table: str) -> set[str]:
    return {fault.row for fault in report.faults if fault.table == table}


@pytest.fixture
def attacked(sqlite_url: str) -> Iterator["Attack"]:
    database, engine = SqlDatabase(sqlite_url), open_engine(sqlite_url)
    fill(database)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for trigger in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
            connection.exec_driver_sql(f"DROP TRIGGER {trigger[0]}")
        connection.commit()
        yield Attack(connection)
    engine.dispose()
    database.close()


class Attack:
    """Somebody with the database file, whom no trigger stops."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def trail(self) -> SqlAuditTrail:
        return SqlAuditTrail(Session(self.connection))

    @property
    def head(self) -> Head:
        head = self.trail.head()
        assert head is not None
        return head

    def look(self, kept: Head | None = None) -> AuditReport:
        return look(self.trail, kept)

    def alter(self, statement: str, **values: object) -> None:
        assert self.connection.execute(text(statement), values).rowcount > 0

    def set(self, table: str, column: str, where: str, *, shown: str = ":other", **values: object) -> None:
        self.alter(f"UPDATE {table} SET {column} = {shown} WHERE {where}", **values)  # noqa: S608 - names of our own

    def undo(self) -> None:
        self.connection.rollback()

    def stored(self, table: str) -> list[tuple[int, dict[str, Any]]]:
        """Return every row as bytes, whole numbers and doubles, by its place in the file."""
        names = [one[1] for one in self.connection.exec_driver_sql(f"PRAGMA table_info({table})")]
        values = ", ".join(f"CASE typeof({one}) WHEN 'text' THEN CAST({one} AS BLOB) ELSE {one} END" for one in names)
        wanted = f"SELECT rowid, {values} FROM {table} ORDER BY rowid"  # noqa: S608 - names of our own
        found = self.connection.exec_driver_sql(wanted).all()
        return [(row[0], dict(zip(names, row[1:], strict=True))) for row in found]

    def seal_anew(self, *numbers: int) -> None:
        """Forge the actor of these events, and what seals them."""
        events = {one.sequence: one for one in self.trail.events() if isinstance(one, DomainEvent)}
        for number in numbers:
            previous = events[number - 1].digest
            forged = replace(events[number], actor="nobody", previous=previous, digest="")
            named = {name: getattr(forged, name) for name in ("sequence", "name", "subject", "actor", "at", "facts")}
            events[number] = replace(forged, digest=chain_digest(**named, previous=previous))
            self.alter("UPDATE domain_event SET actor = 'nobody' WHERE sequence = :number", number=number)
            for column in ("previous", "digest"):
                value = getattr(events[number], column)
                self.set("domain_event", column, "sequence = :key", key=number, other=value)


def key_of(table: str, stored: dict[str, Any]) -> str:
    return str(stored["sequence"]) if table == "domain_event" else str(UUID(stored["id"].decode()))


def flipped(value: Any) -> Iterator[tuple[Any, str]]:
    """Yield the value with each of its bytes flipped, and how SQL writes it."""
    match value:
        case bytes():
            for place in range(len(value)):
                mask = MASKS[place % len(MASKS)]
                yield value[:place] + bytes([value[place] ^ mask]) + value[place + 1 :], "CAST(:other AS TEXT)"
        case int():
            for place in range(7):
                yield value ^ (0x40 << (8 * place)), ":other"
        case float():
            (bits,) = struct.unpack("<q", struct.pack("<d", value))
            for place in range(6):
                yield struct.unpack("<d", struct.pack("<q", bits ^ (1 << (8 * place))))[0], ":other"


def test_a_log_that_nobody_touched_has_no_fault(database: AnyDatabase) -> None:
    fill(database)
    with database.transaction() as records:
        report, head = look(records.audit), records.audit.head()
        (last,) = records.events.of(f"detect-1:{N_VERDICTS}")
    assert report == AuditReport(n_events=N_EVENTS, n_verdicts=N_VERDICTS, faults=())
    assert head == Head(sequence=N_EVENTS, digest=last.digest)
    with database.transaction() as records:
        assert look(records.audit, head).faults == ()


def test_a_log_without_an_event_has_no_head(database: AnyDatabase) -> None:
    with database.transaction() as records:
        assert records.audit.head() is None
        assert look(records.audit) == AuditReport(n_events=0, n_verdicts=0, faults=())


def test_events_are_searched_by_subject_actor_and_time(database: AnyDatabase) -> None:
    fill(database)
    with database.transaction(actor=Actor(name="ben")) as records:
        late = records.events.append("a.done", subject="subject 3")
    with database.transaction() as records:
        search = records.audit.search
        assert [event.sequence for event in search(subject="subject 3")] == [3, 21]
        assert search(actor="ben") == (late,)
        assert search(since=late.at) == (late,)
        assert search(since=late.at + timedelta(seconds=1)) == ()
        assert [event.sequence for event in search(actor="ada", behind=7, limit=3)] == [8, 9, 10]


@pytest.mark.parametrize("table", ["domain_event", "validation_event"])
def test_every_byte_that_is_altered_is_found_at_its_row(attacked: Attack, table: str) -> None:
    stored = attacked.stored(table)
    # One row alone at both ends, every other row at once: to look at each alone takes minutes.
    groups = (stored[:1], stored[-1:], stored[::2], stored[1::2])
    flips = {rowid: {name: list(flipped(value)) for name, value in row.items()} for rowid, row in stored}
    n_flipped = 0
    for group in groups:
        for name in stored[0][1]:
            for place in range(max(len(flips[rowid][name]) for rowid, _ in group)):
                changes = {rowid: flips[rowid][name][place] for rowid, _ in group if place < len(flips[rowid][name])}
                for rowid, (other, shown) in changes.items():
                    attacked.set(table, name, "rowid = :key", shown=shown, key=rowid, other=other)
                found = rows(attacked.look(), table)
                attacked.undo()
                for rowid, (other, _) in changes.items():
                    row = key_of(table, dict(stored)[rowid])
                    assert found & ({row, str(other)} if name == "sequence" else {row}), (row, name, other)
                n_flipped += len(changes)
    assert attacked.look().faults == ()
    assert n_flipped > 1000


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("domain_event", "at = replace(at, ' ', 'T')"),
        ("domain_event", "facts = replace(facts, ': ', ':')"),
        ("domain_event", "facts = CAST(facts AS BLOB)"),
        ("domain_event", "facts = '[]'"),
        ("domain_event", "digest = upper(digest)"),
        ("domain_event", "actor = actor || char(0)"),
        ("domain_event", "sequence = 'five'"),
        ("validation_event", "id = upper(id)"),
        ("validation_event", "batch = upper(batch)"),
        ("validation_event", "seconds = seconds + 1e-9"),
        ("validation_event", "is_blind = 2"),
        ("validation_event", "verdict = 'perhaps'"),
        ("validation_event", "supersedes = id"),
        ("validation_event", "confidence = NULL"),
    ],
)
def test_other_ways_to_store_nearly_the_same_are_found(attacked: Attack, table: str, change: str) -> None:
    rowid, stored = attacked.stored(table)[4]
    column, _, shown = change.partition(" = ")
    attacked.set(table, column, "rowid = :key", shown=shown, key=rowid)
    assert key_of(table, stored) in rows(attacked.look(), table)


@pytest.mark.parametrize("table", ["domain_event", "validation_event"])
def test_every_row_that_is_deleted_is_missed(attacked: Attack, table: str) -> None:
    kept = attacked.head
    for rowid, stored in attacked.stored(table):
        attacked.alter(f"DELETE FROM {table} WHERE rowid = :rowid", rowid=rowid)  # noqa: S608 - names of our own
        assert rows(attacked.look(kept), table) == {key_of(table, stored)}
        attacked.undo()
    assert attacked.look(kept).faults == ()


def test_an_end_that_was_cut_off_is_missed_by_whoever_kept_the_head(attacked: Attack) -> None:
    kept = attacked.head
    attacked.alter("DELETE FROM domain_event WHERE sequence > 17")
    attacked.alter(
        "DELETE FROM validation_event WHERE id IN (SELECT id FROM validation_event ORDER BY id DESC LIMIT 3)"
    )
    assert attacked.look().faults == ()
    (fault,) = attacked.look(kept).faults
    assert (fault.row, fault.why) == ("18-20", "it is missing: the end was cut off")


def test_a_row_that_was_sealed_anew_does_not_fit_the_one_behind_it(attacked: Attack) -> None:
    attacked.seal_anew(5)
    (fault,) = attacked.look().faults
    assert (fault.row, fault.why) == ("5", "the event behind it seals another digest")


def test_a_log_that_was_sealed_anew_to_its_end_has_another_head(attacked: Attack) -> None:
    kept = attacked.head
    attacked.seal_anew(*range(5, N_EVENTS + 1))
    assert attacked.look().faults == ()
    (fault,) = attacked.look(kept).faults
    assert (fault.row, fault.why) == ("20", "its digest is not the one that was kept")


def test_a_verdict_that_was_slipped_in_is_found(attacked: Attack) -> None:
    attacked.connection.exec_driver_sql("CREATE TEMP TABLE slip AS SELECT * FROM validation_event LIMIT 1")
    attacked.alter("UPDATE slip SET id = :id", id=UUID(int=77).hex)
    attacked.alter("INSERT INTO validation_event SELECT * FROM slip")
    (fault,) = attacked.look().faults
    assert (fault.row, fault.why) == (str(UUID(int=77)), "no event of the log tells of it")


@pytest.mark.parametrize(
    ("table", "change", "row"),
    [
        ("domain_event", "UPDATE domain_event SET actor = 'nobody' WHERE sequence = 3", "3"),
        ("domain_event", "UPDATE domain_event SET facts = replace(facts::text, ' ', '')::json WHERE sequence = 3", "3"),
        ("domain_event", "UPDATE domain_event SET facts = '[]' WHERE sequence = 3", "3"),
        ("domain_event", "UPDATE domain_event SET at = 'infinity' WHERE sequence = 3", "3"),
        ("domain_event", "DELETE FROM domain_event WHERE sequence = 3", "3"),
        ("validation_event", "UPDATE validation_event SET verdict = 'bogus'", VERDICT_3),
        ("validation_event", "UPDATE validation_event SET at = '-infinity'", VERDICT_3),
        ("validation_event", "UPDATE validation_event SET seconds = 'NaN'", VERDICT_3),
        ("validation_event", "DELETE FROM validation_event", VERDICT_3),
    ],
)
def test_whoever_owns_the_tables_of_postgresql_cannot_hide_a_change(
    postgres_url: str, table: str, change: str, row: str
) -> None:
    database, engine = SqlDatabase(postgres_url), open_engine(postgres_url)
    fill(database)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(change))
    with database.transaction() as records:
        assert row in rows(look(records.audit, records.audit.head()), table)
    engine.dispose()
    database.close()
