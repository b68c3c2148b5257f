"""What is asked of every table that people are given detections from."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, exists, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from astrid_core.adapters.db.repositories.statements import R, read
from astrid_core.adapters.db.rows.injected import InjectedSeedRow
from astrid_core.adapters.db.rows.review import ClaimRow, ReviewItemRow
from astrid_core.curation.queue import QueueFilters

Q = TypeVar("Q", ReviewItemRow, InjectedSeedRow)


def is_free(login: str, at: datetime, row: type[Q]) -> ColumnElement[bool]:
    """Return ``Claim.is_free``, which no claim is, too."""
    return ~exists().where(
        ClaimRow.detection_id == row.detection_id,
        ClaimRow.login == login,
        or_(ClaimRow.is_answered, ClaimRow.until > at, ClaimRow.hidden_until > at),
    )


def fitting(filters: QueueFilters, row: type[Q]) -> list[ColumnElement[bool]]:
    """Return ``QueueFilters.fits``."""
    equal = (
        (row.survey, filters.survey),
        (row.night, filters.night),
        (row.band, filters.band),
        (row.kind, None if filters.kind is None else filters.kind.value),
    )
    wanted: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    if filters.min_score is not None:
        wanted.append(row.score >= filters.min_score)
    if filters.max_score is not None:
        wanted.append(row.score <= filters.max_score)
    if filters.cell is not None:
        first, behind = filters.cell.hpx29_range
        wanted += [row.hpx29 >= first, row.hpx29 < behind]
    return wanted


def shuffled(
    session: Session, wanted: Select[R], shuffle: InstrumentedAttribute[int], *, start: int, limit: int
) -> Sequence[R]:
    """Read from ``start`` to the end of the shuffle and on from its beginning, each along the index."""
    ordered = wanted.order_by(shuffle).limit(limit)
    found = [*read(session, ordered.where(shuffle >= start))]
    if len(found) < limit:
        found += read(session, ordered.where(shuffle < start).limit(limit - len(found)))
    return found
