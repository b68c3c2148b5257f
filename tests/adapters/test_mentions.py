"""No record that names an artifact is overlooked, whatever column it stands in."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, Column, DateTime, Double, String, Uuid, inspect, text

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.repositories.mentions import SEALS, naming_columns
from astrid_core.adapters.db.rows.columns import ExactFloat, ExactInt, UtcDateTime
from astrid_core.adapters.db.rows.every import TABLES
from astrid_core.catalog.entities import ExportJob
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from tests.adapters.databases import AnyDatabase, SqlDatabase
from tests.adapters.invented import artifact, observation, record_difference, reference

HOLDS_NO_DIGEST = (ExactInt, ExactFloat, UtcDateTime, Boolean, Uuid)


def _columns() -> list[Column[Any]]:
    return [column for table in TABLES.sorted_tables for column in table.columns]


def _digest(column: Column[Any]) -> str:
    return hashlib.sha256(str(column).encode()).hexdigest()


def test_every_table_of_the_database_is_declared(sql_url: str) -> None:
    engine = open_engine(sql_url)
    assert set(inspect(engine).get_table_names()) - {"alembic_version"} == set(TABLES.tables)
    engine.dispose()


def test_every_column_is_looked_at_or_cannot_hold_a_digest() -> None:
    looked_at = {str(column) for column in naming_columns()}
    left_out = [column for column in _columns() if str(column) not in looked_at | SEALS]
    for column in left_out:
        copied = {str(key.column) for key in column.foreign_keys}
        assert isinstance(column.type, HOLDS_NO_DIGEST) or copied, f"nobody looks at {column}"
    assert {str(column) for column in _columns()} >= SEALS
    assert {"difference_run.image_digest", "export_job.files", "observation.companions", "alert.error"} <= looked_at


def test_a_digest_is_found_in_whatever_column_it_stands(sqlite_url: str) -> None:
    # One row in every table, with a digest of its own in every text and every JSON.
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA foreign_keys = OFF"))
        for table in TABLES.sorted_tables:
            connection.execute(table.insert().values({one.name: _invented(one) for one in table.columns}))
        connection.commit()
    engine.dispose()
    database = SqlDatabase(sqlite_url)
    with database.transaction() as records:
        found = set(records.mentions.all())
    database.close()
    expected = {_digest(column): str(column) for column in naming_columns()}
    assert len(expected) > 100
    assert {name for digest, name in expected.items() if digest not in found} == set()


def _invented(column: Column[Any]) -> object:
    values: dict[type, object] = {
        JSON: {"deep": [{"er": _digest(column)}]}, ExactInt: 1, ExactFloat: 1.0, Boolean: False,
        DateTime: datetime(2026, 1, 1, tzinfo=UTC), UtcDateTime: datetime(2026, 1, 1, tzinfo=UTC), Double: 1.0,
        Uuid: UUID(int=1), String: f"before {_digest(column)}\nbehind",
    }  # fmt: skip
    return next(value for kind, value in values.items() if isinstance(column.type, kind))


def test_the_log_of_what_was_deleted_keeps_nothing(database: AnyDatabase) -> None:
    kept, gone = "a" * 64, "b" * 64
    with database.transaction() as records:
        records.events.append("reference.imported", subject="one", facts={"source": kept})
        records.events.append("artifacts.deleted", subject="store", facts={"digests": [gone]})
    with database.transaction() as records:
        found = set(records.mentions.all())
    assert kept in found
    assert gone not in found


def test_a_longer_number_is_no_digest(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.events.append(
            "anything.happened", subject="one", facts={"key": "c" * 65, "list": json.dumps(["d" * 64])}
        )
    with database.transaction() as records:
        found = set(records.mentions.all())
    assert "c" * 64 not in found
    assert "d" * 64 in found


def test_what_is_on_record_with_its_length_must_be_stored(database: AnyDatabase) -> None:
    pages = {
        name: ArtifactRef(digest=digit * 64, media_type="text/csv", n_bytes=7)
        for name, digit in (("a", "e"), ("b", "f"))
    }
    job = ExportJob(key=RunKey("export-1"), files=pages, n_entries=0, n_points=0)
    with database.transaction() as records:
        record_difference(records)
        records.exports.add(job)
        named, stored = set(records.mentions.all()), set(records.mentions.stored())
    assert {"e" * 64, "f" * 64, artifact(30).digest, reference().digest} <= stored
    assert stored <= named
    assert observation().file_digest in named - stored
