"""What becomes of the vendors' exceptions, and of transactions when the database goes away."""

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exc, make_url

from astrid_core.adapters.db import engine as engine_module
from astrid_core.adapters.db.engine import open_database, open_engine
from astrid_core.adapters.db.errors import UNREACHABLE, translate, translated
from astrid_core.adapters.db.migrate import migrate
from astrid_core.shared.errors import BadConfiguration, DatabaseUnavailable, PermanentFailure
from tests.adapters.databases import PostgresServer, SqlDatabase
from tests.adapters.invented import observation

BUGS = {
    "AmbiguousColumnError",
    "AmbiguousForeignKeysError",
    "ArgumentError",
    "AwaitRequired",
    "CircularDependencyError",
    "CompileError",
    "ConstraintColumnNotFoundError",
    "DBAPIError",
    "DataError",
    "DatabaseError",
    "DuplicateColumnError",
    "IdentifierError",
    "IllegalStateChangeError",
    "IntegrityError",
    "InternalError",
    "InvalidRequestError",
    "MissingGreenlet",
    "MultipleResultsFound",
    "NoDBAPILoaded",
    "NoForeignKeysError",
    "NoInspectionAvailable",
    "NoReferenceError",
    "NoReferencedColumnError",
    "NoReferencedTableError",
    "NoResultFound",
    "NoSuchColumnError",
    "NoSuchModuleError",
    "NoSuchTableError",
    "NotSupportedError",
    "ObjectNotExecutableError",
    "PendingRollbackError",
    "ProgrammingError",
    "ResourceClosedError",
    "SQLAlchemyError",
    "StatementError",
    "UnboundExecutionError",
    "UnreflectableTableError",
    "UnsupportedCompilationError",
}
"""They mean that our code or the schema is wrong, unless the connection was lost with them."""


def classes_below(top: type[BaseException]) -> Iterator[type[BaseException]]:
    yield top
    for one in top.__subclasses__():
        yield from classes_below(one)


def test_every_exception_of_sqlalchemy_is_either_translated_or_known_to_be_a_bug() -> None:
    known = {one for one in classes_below(exc.SQLAlchemyError) if one.__module__ == "sqlalchemy.exc"}
    translated = {one.__name__ for one in known if issubclass(one, UNREACHABLE)}
    bugs = {one.__name__ for one in known} - translated
    assert translated == {
        "DisconnectionError",
        "InterfaceError",
        "InvalidatePoolError",
        "OperationalError",
        "TimeoutError",
    }
    assert bugs == BUGS


def test_what_a_driver_calls_an_operational_error_is_temporary() -> None:
    for one in (*classes_below(psycopg.OperationalError), *classes_below(sqlite3.OperationalError)):
        error = exc.OperationalError("SELECT 1", {}, one("gone"))
        assert isinstance(translate(error, "here"), DatabaseUnavailable), one


def test_a_bug_passes_and_a_lost_connection_does_not() -> None:
    lost = exc.InternalError("SELECT 1", {}, psycopg.InternalError("gone"), connection_invalidated=True)
    bug = exc.InternalError("SELECT 1", {}, psycopg.InternalError("odd"))
    assert isinstance(translate(lost, "here"), DatabaseUnavailable)
    assert translate(bug, "here") is None


def test_a_wrong_statement_is_a_bug_on_both_databases(sql_url: str) -> None:
    engine = open_engine(sql_url)
    with pytest.raises(exc.DBAPIError, match="syntax"), translated("here"), engine.connect() as connection:
        connection.exec_driver_sql("SELECT FROM WHERE")
    engine.dispose()


def test_a_server_that_is_not_there_is_temporary_and_its_password_stays_secret() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = SqlDatabase(f"postgresql+psycopg://astrid:hunter2@127.0.0.1:{port}/astrid")
    reason = rf"127\.0\.0\.1:{port}/astrid.*refused"
    with pytest.raises(DatabaseUnavailable, match=reason) as raised, database.transaction() as records:
        records.observations.search()
    assert "hunter2" not in str(raised.value)
    database.close()


def test_a_database_restarted_between_two_transactions_works_on(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    migrate(url)
    database = SqlDatabase(url)
    with database.transaction() as records:
        records.observations.add(observation())
    own_postgres.stop()
    own_postgres.start()
    with database.transaction() as records:
        assert records.observations.search() == (observation(),)
    own_postgres.stop()
    with pytest.raises(DatabaseUnavailable), database.transaction() as records:
        records.observations.search()
    own_postgres.start()
    with database.transaction() as records:
        assert records.observations.search() == (observation(),)
    database.close()


@pytest.mark.parametrize("work_on", [True, False], ids=["half way", "before the commit"])
def test_a_connection_that_is_lost_is_temporary_and_leaves_nothing(
    postgres: PostgresServer, postgres_url: str, *, work_on: bool
) -> None:
    database = SqlDatabase(postgres_url)
    name = make_url(postgres_url).database or ""

    def lose_the_connection() -> None:
        with database.transaction() as records:
            records.observations.add(observation())
            postgres.disconnect_all(name)
            if work_on:
                records.observations.search()

    with pytest.raises(DatabaseUnavailable, match="terminat"):
        lose_the_connection()
    with database.transaction() as records:
        assert records.observations.search() == ()
    database.close()


def test_a_file_that_stays_locked_is_temporary(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_BUSY_TIMEOUT_MS", 50)
    database = SqlDatabase(sqlite_url)
    with database.transaction() as writing:
        writing.catalog.lock()
        with pytest.raises(DatabaseUnavailable, match="database is locked"), database.transaction() as records:
            records.observations.add(observation())
    with database.transaction() as records:
        assert records.observations.add(observation())
    database.close()


def test_a_database_without_our_tables_says_that_it_must_be_migrated(postgres: PostgresServer, tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'empty.sqlite'}", postgres.create_database()):
        database = SqlDatabase(url)
        with pytest.raises(BadConfiguration, match=r"migrate it first.*observation"), database.transaction() as records:
            records.observations.search()
        database.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database\n" * 1000)
    database = SqlDatabase(f"sqlite:///{tmp_path / 'notes.txt'}")
    with pytest.raises(PermanentFailure, match=r"notes\.txt.*not a database"), database.transaction() as records:
        records.observations.search()
    database.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://astrid:hunter2@localhost/astrid", "neither SQLite nor PostgreSQL"),
        ("postgresql+psycopg2://astrid:hunter2@localhost/astrid", "postgresql\\+psycopg2"),
        ("hunter2", "not a database URL"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
    ],
)
def test_another_kind_of_database_is_refused(url: str, reason: str) -> None:
    with pytest.raises(BadConfiguration, match=reason) as raised:
        open_database(url)
    assert "hunter2" not in str(raised.value)
