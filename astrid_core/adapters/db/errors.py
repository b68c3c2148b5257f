"""What SQLAlchemy and the drivers raise, in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from astrid_core.shared.errors import AstridError, BadConfiguration, DatabaseUnavailable, PermanentFailure

UNREACHABLE: tuple[type[exc.SQLAlchemyError], ...] = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.DisconnectionError,
    exc.TimeoutError,
)
"""Lost, refused, overloaded, deadlocked: the same transaction may succeed later. Everything else is a bug."""

_NO_SUCH_TABLE_OR_COLUMN = ("42P01", "42703")
"""PostgreSQL's SQLSTATE (appendix A of its manual)."""
_BROKEN_FILE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


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
    if _sqlite_code(error) in _BROKEN_FILE:
        return PermanentFailure("database file cannot be read", database=address, cause=_cause(error))
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    # SQLITE_ERROR stands for a statement that cannot be right; busy, full or unreadable files have codes of their own.
    if lost or (isinstance(error, UNREACHABLE) and _sqlite_code(error) != "SQLITE_ERROR"):
        return DatabaseUnavailable("database cannot be used now", database=address, cause=_cause(error))
    return None


def _is_schema_error(error: exc.SQLAlchemyError) -> bool:
    if getattr(_vendor(error), "sqlstate", None) in _NO_SUCH_TABLE_OR_COLUMN:
        return True
    return _sqlite_code(error) == "SQLITE_ERROR" and any(
        words in str(_vendor(error)) for words in ("no such table", "no such column", "has no column")
    )


def _sqlite_code(error: exc.SQLAlchemyError) -> str | None:
    code: str | None = getattr(_vendor(error), "sqlite_errorname", None)
    return code


def _cause(error: exc.SQLAlchemyError) -> str:
    return str(_vendor(error)).strip().partition("\n")[0]


def _vendor(error: exc.SQLAlchemyError) -> BaseException:
    return error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
