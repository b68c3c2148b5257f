"""Events and verdicts as they are stored, read with suspicion.

What a driver reads is not all that a database holds: several texts are one time, one UUID or one JSON object. A row
counts as whole only if writing it again would store the same.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, RowMapping, Select, Text, cast, inspect, select, text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import read
from astrid_core.adapters.db.rows.columns import to_json
from astrid_core.adapters.db.rows.curation import ValidationEventRow
from astrid_core.adapters.db.rows.events import DomainEventRow
from astrid_core.curation.audit import Fault, Head
from astrid_core.curation.entities import ValidationEvent
from astrid_core.shared.events import DomainEvent

_PAGE = 1000
_UNREADABLE = "it cannot be read"
_STRANGE = "it is not stored as we store it"


class SqlAuditTrail:
    """AuditTrail in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def head(self) -> Head | None:
        """Return the last event of the log; None for an empty one."""
        last = read(self._session, select(DomainEventRow).order_by(DomainEventRow.sequence.desc()).limit(1))
        return Head(sequence=last[0].sequence, digest=last[0].digest) if last else None

    def events(self) -> Iterator[DomainEvent | Fault]:
        """Yield every event by its number; a fault for a row that we would not have stored like that."""
        yield from self._rows(DomainEventRow, inspect(DomainEventRow).columns["sequence"])

    def verdicts(self) -> Iterator[ValidationEvent | Fault]:
        """Yield every verdict by its identity; a fault for a row that we would not have stored like that."""
        yield from self._rows(ValidationEventRow, inspect(ValidationEventRow).columns["id"])

    def search(
        self,
        *,
        subject: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        behind: int = 0,
        limit: int = 100,
    ) -> Sequence[DomainEvent]:
        """Return events with higher numbers than ``behind``, oldest first."""
        row = DomainEventRow
        wanted = select(row).where(row.sequence > behind).order_by(row.sequence).limit(limit)
        if subject is not None:
            wanted = wanted.where(row.subject == subject)
        if actor is not None:
            wanted = wanted.where(row.actor == actor)
        if since is not None:
            wanted = wanted.where(row.at >= since)
        return tuple(one.entity() for one in read(self._session, wanted))

    def _rows(self, kind: Any, key: Column[Any]) -> Iterator[Any]:
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        return _of_sqlite(self._session, kind, key) if is_sqlite else _of_postgresql(self._session, kind, key)


def _of_sqlite(session: Session, kind: Any, key: Column[Any]) -> Iterator[Any]:
    """Read the bytes of texts and the type of every value: SQLite stores anything in any column."""
    table, dialect = key.table, session.get_bind().dialect
    names = [dialect.identifier_preparer.quote(column.name) for column in table.columns]
    values = [
        f"typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END" for name in names
    ]
    wanted = f"SELECT {', '.join(values)} FROM {table.name} ORDER BY {key.name}"  # noqa: S608 - names of our own tables
    loads = {column.name: column.type.dialect_impl(dialect).result_processor(dialect, None) for column in table.columns}
    dumps = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns}
    place = list(table.columns).index(key)
    for row in session.connection().execute(text(wanted), execution_options={"yield_per": _PAGE}):
        found = list(zip(row[::2], row[1::2], strict=True))
        shown = _shown(found[place][1], key)
        try:
            stored = {column.name: _value(*one) for column, one in zip(table.columns, found, strict=True)}
            loaded = {name: _through(loads[name], value) for name, value in stored.items()}
            # What SQLAlchemy does for a row that may change takes longer than all the rest.
            entity = kind.entity(SimpleNamespace(**loaded))
            again = {name: _through(dumps[name], value) for name, value in kind.values(entity).items()}
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            yield Fault(table=table.name, row=shown, why=f"{_UNREADABLE}: {error}")
        else:
            is_same = all(type(again[name]) is type(value) and again[name] == value for name, value in stored.items())
            yield entity if is_same else Fault(table=table.name, row=shown, why=_STRANGE)


def _value(kind: str, value: Any) -> Any:
    if kind == "blob":
        raise ValueError("bytes where there should be none")
    return value.decode() if kind == "text" else value


def _through(processor: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if processor is None else processor(value)


def _shown(value: Any, key: Column[Any]) -> str:
    """Return the key of a row as a person writes it, whatever it was made into."""
    shown = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    try:
        return str(UUID(shown)) if key.type.python_type is UUID else shown
    except ValueError:
        return shown


def _of_postgresql(session: Session, kind: Any, key: Column[Any]) -> Iterator[Any]:
    """Read the text of JSON, too; every other type of PostgreSQL stores a value in one way only."""
    table = key.table
    objects = [column.name for column in table.columns if isinstance(column.type, JSON)]
    texts = [cast(table.columns[name], Text).label(_text_of(name)) for name in objects]
    wanted = select(*table.columns, *texts).order_by(key)
    keys = session.scalars(select(key).order_by(key)).all()
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        for row in _page(session, wanted, key, page):
            if isinstance(row, Fault):
                yield row
                continue
            shown = str(row[key.name])
            try:
                entity = kind(**{column.name: row[column.name] for column in table.columns}).entity()
            except (ValueError, TypeError, LookupError) as error:
                yield Fault(table=table.name, row=shown, why=f"{_UNREADABLE}: {error}")
                continue
            values = kind.values(entity)
            is_same = all(to_json(values[name]) == row[_text_of(name)] for name in objects)
            yield entity if is_same else Fault(table=table.name, row=shown, why=_STRANGE)


def _page(session: Session, wanted: Select[Any], key: Column[Any], keys: Sequence[Any]) -> Sequence[RowMapping | Fault]:
    """Return the rows with these keys; a fault for one with a value that Python does not have, such as endless time."""
    try:
        return session.execute(wanted.where(key.in_(keys))).mappings().all()
    except DataError as error:
        if len(keys) == 1:
            return [Fault(table=key.table.name, row=str(keys[0]), why=f"{_UNREADABLE}: {error.orig}")]
    half = len(keys) // 2
    return [*_page(session, wanted, key, keys[:half]), *_page(session, wanted, key, keys[half:])]


def _text_of(name: str) -> str:
    return f"{name} as text"
