"""What SQLAlchemy and the drivers raise, in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from astrid_core.shared.errors import AstridError, BadConfiguration, DatabaseUnavailable

UNREACHABLE: tuple[type[exc.SQLAlchemyError], ...] = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.DisconnectionError,
    exc.TimeoutError,
)
"""Lost, refused, overloaded, deadlocked: the same transaction may succeed later. Everything else is a bug."""

_NO_SUCH_TABLE_OR_COLUMN = ("42P01", "42703")
"""PostgreSQL's SQLSTATE (appendix A of its manual)."""


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raise our own error where the database at ``address`` is away or has another schema; let the unknown pass."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        ours = translate(error, address)
        if ours is None:
            raise
        raise ours from error


def translate(error: exc.SQLAlchemyError, address: str) -> AstridError | None:
    """Return our own error that says the same; None for a bug."""
    if _is_schema_error(error):
        return BadConfiguration("database has another schema; migrate it first", database=address, cause=_cause(error))
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    if lost or (isinstance(error, UNREACHABLE) and not _is_sqlite_bug(error)):
        return DatabaseUnavailable("database cannot be used now", database=address, cause=_cause(error))
    return None


def _is_schema_error(error: exc.SQLAlchemyError) -> bool:
    vendor = error.orig if isinstance(error, exc.DBAPIError) else None
    if getattr(vendor, "sqlstate", None) in _NO_SUCH_TABLE_OR_COLUMN:
        return True
    return _is_sqlite_bug(error) and any(
        words in str(vendor) for words in ("no such table", "no such column", "has no column")
    )


def _is_sqlite_bug(error: exc.SQLAlchemyError) -> bool:
    # SQLITE_ERROR stands for a statement that cannot be right; busy, full or unreadable files have codes of their own.
    return isinstance(error, exc.DBAPIError) and getattr(error.orig, "sqlite_errorname", None) == "SQLITE_ERROR"


def _cause(error: exc.SQLAlchemyError) -> str:
    vendor = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(vendor).strip().partition("\n")[0]
