"""Reading our own database without holding up a thread: for whoever serves many people at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from astrid_core.adapters.db.engine import CONNECT_TIMEOUT_S, read_url
from astrid_core.adapters.db.errors import translated
from astrid_core.adapters.db.rows.columns import to_json

_SQLITE = "sqlite"
_LONGEST_STATEMENT_MS = 20_000
"""PostgreSQL breaks off what takes longer: a reader who asks for too much must not hold up the others."""

_CONNECTIONS = 20


class ReadingDatabase:
    """A pool of connections that can only read; it belongs to one event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._address = engine.url.render_as_string(hide_password=True)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for a few statements, each of which sees what was committed before it."""
        with translated(self._address):
            async with self._engine.connect() as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def open_reading(url: str) -> ReadingDatabase:
    """Open what ``open_database`` opens; nothing is connected before the first question."""
    parsed = read_url(url)
    if parsed.get_backend_name() != _SQLITE:
        told = f"-c default_transaction_read_only=on -c statement_timeout={_LONGEST_STATEMENT_MS}"
        return ReadingDatabase(
            create_async_engine(
                parsed,
                pool_pre_ping=True,
                # None is closed when it comes back: a fresh one knows no plans and costs PostgreSQL a process.
                pool_size=_CONNECTIONS,
                max_overflow=0,
                # Each statement is a transaction of its own: it sees what READ COMMITTED would show it, and nobody
                # waits for the answers to BEGIN and ROLLBACK.
                isolation_level="AUTOCOMMIT",
                json_serializer=to_json,
                connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": told},
            )
        )
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), json_serializer=to_json, pool_size=10)
    event.listen(engine.sync_engine, "connect", _only_read)
    return ReadingDatabase(engine)


def _only_read(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()
