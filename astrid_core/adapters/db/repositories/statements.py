"""The few statements that every repository is made of."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, and_, delete, inspect, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from astrid_core.adapters.db.ranges import MOST_AT_ONCE, Range, coarser, in_ranges
from astrid_core.adapters.db.rows.sky import held
from astrid_core.adapters.db.rows.table import Row
from astrid_core.shared.runs import RunStatus
from astrid_core.shared.sky import Region

R = TypeVar("R", bound=Row)
T = TypeVar("T")

_BATCH = 200
"""Keys in one statement."""

_A_SAMPLE = 100

_MANY = 2_000
"""Keys in one statement where many rows are read as plain values."""

_PAGE = 5_000
"""Rows that are read at once of a table that is too large to be read whole."""


def read(session: Session, statement: Select[R]) -> Sequence[R]:
    """Return the rows as the database has them now, whatever the session has seen before."""
    return session.scalars(statement.execution_options(populate_existing=True)).all()


def read_in(session: Session, statement: Select[R], column: InstrumentedAttribute[T], wanted: Sequence[T]) -> list[R]:
    """Return the rows whose ``column`` is one of ``wanted``, however many these are."""
    rows: list[R] = []
    for batch in _batches(sorted(set(wanted), key=str)):
        rows.extend(read(session, statement.where(column.in_(batch))))
    return rows


def delete_in(session: Session, row: type[Row], column: InstrumentedAttribute[T], wanted: Sequence[T]) -> None:
    """Delete the rows whose ``column`` is one of ``wanted``, however many these are."""
    for batch in _batches(sorted(set(wanted), key=str)):
        session.execute(delete(row).where(column.in_(batch)))


def typical(
    session: Session, seconds: InstrumentedAttribute[float], status: InstrumentedAttribute[str]
) -> float | None:
    """Return the median seconds of a hundred runs that succeeded, or of as many as there are; None without any."""
    some = session.scalars(select(seconds).where(status == RunStatus.SUCCEEDED).limit(_A_SAMPLE)).all()
    return statistics.median(some) if some else None


def plain(row: type[Row]) -> Select[Any]:
    """Return the statement that gives rows as plain values, under the names of the columns: ``row.entity`` takes them.

    What is read by the million is never changed here: that the session keeps an eye on it would take as long again.
    """
    return select(*row.__table__.columns)


def plain_in(
    session: Session, statement: Select[Any], column: InstrumentedAttribute[T], wanted: Sequence[T]
) -> Iterator[Any]:
    """Yield plain rows whose ``column`` is one of ``wanted``, however many these are."""
    for batch in _batches(sorted(set(wanted), key=str), _MANY):
        yield from session.connection().execute(statement.where(column.in_(batch))).all()


def read_region(session: Session, statement: Select[R], hpx29: InstrumentedAttribute[int], region: Region) -> list[R]:
    """Return the rows, which have ``ra_deg`` and ``dec_deg``, that lie in ``region``: ``hpx29`` tells where to look."""
    rows: list[R] = []
    for batch in _batches(coarser(region.hpx29_ranges), MOST_AT_ONCE):
        rows.extend(_in_region(region, read(session, statement.where(in_ranges(hpx29, batch)))))
    return rows


def plain_pages(
    session: Session, statement: Select[Any], hpx29: InstrumentedAttribute[int], region: Region | None
) -> Iterator[Sequence[Any]]:
    """Yield plain rows of ``statement``, which orders by ``hpx29`` first, page by page from the server's cursor.

    With a region only those in it: its ranges of ``hpx29`` rise, and so does the order of the rows.
    """
    paged = statement.execution_options(yield_per=_PAGE)
    if region is None:
        yield from session.connection().execute(paged).partitions()
        return
    for near in _neighbours(coarser(region.hpx29_ranges)):
        # Databases that read in the order of the index would go through all of it without the outer bounds.
        bounds = and_(hpx29 >= near[0][0], hpx29 < near[-1][1])
        for rows in session.connection().execute(paged.where(bounds, in_ranges(hpx29, near))).partitions():
            yield _in_region(region, rows)


def insert_new(session: Session, row: type[Row], values: Mapping[str, object]) -> bool:
    """Insert and tell whether the key is new; a known one changes nothing, also when two insert it at once."""
    return insert_all_new(session, row, [values]) == 1


def insert_all_new(session: Session, row: type[Row], values: Sequence[Mapping[str, object]]) -> int:
    """Insert rows of the same columns in this order, and return how many keys are new; see ``insert_new``."""
    return _n_changed(session, _insert(session, row).on_conflict_do_nothing(index_elements=_key(row)), values)


def values_in(session: Session, column: InstrumentedAttribute[T], wanted: Sequence[T]) -> frozenset[T]:
    """Return those of ``wanted``, however many these are, that ``column`` holds."""
    batches = _batches(sorted(set(wanted), key=str))
    return frozenset(one for batch in batches for one in session.scalars(select(column).where(column.in_(batch))))


def insert_or_replace(session: Session, row: type[Row], *values: Mapping[str, object]) -> bool:
    """Insert rows, or replace what known keys say; tell whether anything changed."""
    statement = _insert(session, row)
    fresh = {name: statement.excluded[name] for name in values[0] if name not in _key(row)}
    differs = or_(*(getattr(row, name).is_distinct_from(value) for name, value in fresh.items()))
    replacing = statement.on_conflict_do_update(index_elements=_key(row), set_=fresh, where=differs)
    return _n_changed(session, replacing, values) > 0


def _in_region(region: Region, rows: Sequence[R]) -> list[R]:
    places = [(getattr(row, "ra_deg", None), getattr(row, "dec_deg", None)) for row in rows]
    return [row for row, holds in zip(rows, held(region, places), strict=True) if holds]


def _neighbours(ranges: Sequence[Range]) -> Iterator[Sequence[Range]]:
    """Yield ranges in groups that hold no wider gap than all of them together cover."""
    covered = sum(behind - first for first, behind in ranges)
    group: list[Range] = []
    for one in ranges:
        if group and (one[0] - group[-1][1] > covered or len(group) == MOST_AT_ONCE):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _insert(session: Session, row: type[Row]) -> "postgresql.Insert | sqlite.Insert":
    return sqlite.insert(row) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(row)


def _key(row: type[Row]) -> list[str]:
    return [column.name for column in inspect(row).primary_key]


def _n_changed(
    session: Session, statement: "postgresql.Insert | sqlite.Insert", values: Sequence[Mapping[str, object]]
) -> int:
    # The rows are parameters, so that the statement is compiled once and the driver sends it once for all of them.
    # SQLAlchemy forgets the count of an INSERT unless it is asked to keep it.
    counting = statement.execution_options(preserve_rowcount=True)
    return session.connection().execute(counting, [dict(one) for one in values]).rowcount


def _batches(items: Sequence[T], size: int = _BATCH) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
