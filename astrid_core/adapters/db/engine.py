"""Our own database: connections and transactions, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from astrid_core.adapters.db.errors import translated
from astrid_core.adapters.db.locks import begin_writing
from astrid_core.adapters.db.records import SqlRecords, records_in
from astrid_core.adapters.db.rows.columns import to_json
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.events import Actor

_DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}
_BUSY_TIMEOUT_MS = 60_000
"""How long SQLite waits for another writer."""
CONNECT_TIMEOUT_S = 10
_CONNECTIONS = 15
"""Of one process at most; none is closed when it comes back, because a fresh one knows no plans and costs a process."""
_READING = ("SELECT", "PRAGMA", "EXPLAIN", "BEGIN")
"""How statements begin that need no write lock of SQLite."""


class Database:
    """A pool of connections to our own database; threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def transaction(self, *, actor: Actor) -> Iterator[SqlRecords]:
        """Commit on exit, roll back on error; ``actor`` is named in the event log.

        Every statement sees what others have committed before it (read committed, on both databases): whoever reads
        and then writes what follows from it takes a lock first.
        """
        with (
            translated(address_of(self._engine)),
            Session(self._engine, autoflush=False, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield records_in(session, actor=actor)

    def maker_of(self, digest: str) -> str | None:
        """Return the difference whose image this was, if that is not kept; None for anything else."""
        with self.transaction(actor=Actor(name="")) as records:
            found = records.dropped_images.find(digest)
        return None if found is None else found.run

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open ``sqlite:///file`` or ``postgresql+psycopg://...``; nothing is connected before the first transaction."""
    return Database(open_engine(url))


def open_engine(url: str) -> Engine:
    """Return an engine whose connections behave alike on both databases; BadConfiguration for any other URL."""
    parsed = read_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed,
            pool_pre_ping=True,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            isolation_level="READ COMMITTED",
            json_serializer=to_json,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
    engine = create_engine(parsed, json_serializer=to_json, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000.0})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "before_cursor_execute", _lock_before_writing)
    return engine


def address_of(engine: Engine) -> str:
    """Return where the database is, without the password."""
    return engine.url.render_as_string(hide_password=True)


def read_url(url: str) -> URL:
    """Return the URL with the driver that we use; BadConfiguration for a database that is not ours."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # The text may hold a password: it is not repeated.
        raise BadConfiguration("not a database URL; write sqlite:///FILE or postgresql+psycopg://...") from error
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS or parsed.drivername not in (backend, f"{backend}+{_DRIVERS[backend]}"):
        raise BadConfiguration("database is neither SQLite nor PostgreSQL by psycopg 3", driver=parsed.drivername)
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise BadConfiguration("SQLite needs a file: every connection would have a memory of its own", url=url)
    return parsed.set(drivername=f"{backend}+{_DRIVERS[backend]}")


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver begins no transaction by itself: reads need none, writes begin theirs in _lock_before_writing.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")


def _lock_before_writing(connection: Connection, _: object, statement: str, *_told: object) -> None:
    # A transaction that began by reading could not write any more once somebody else has written
    # (SQLITE_BUSY_SNAPSHOT), and one that began by locking would hold up others for nothing if it only reads.
    if not statement.lstrip().upper().startswith(_READING):
        begin_writing(connection)
