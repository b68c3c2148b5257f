"""Ranges of the position index, as conditions of a statement."""

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import BigInteger, BindParameter, ColumnElement, and_, bindparam, or_
from sqlalchemy.orm import InstrumentedAttribute

Range: TypeAlias = tuple[int, int]
"""Half-open."""
Index: TypeAlias = InstrumentedAttribute[int] | InstrumentedAttribute[int | None]

MOST_AT_ONCE = 400
"""SQLite nests OR at most 1000 deep, and every range is a search of the index."""
_MOST_BESIDE = 0.05
"""What of a region may be read in vain: a search of the index costs about as much as some tens of rows."""


def in_ranges(hpx29: Index, ranges: Sequence[Range]) -> ColumnElement[bool]:
    """Return the condition that an index lies in any of the ranges."""
    return or_(*(and_(hpx29 >= _literal(first), hpx29 < _literal(behind)) for first, behind in ranges))


def coarser(ranges: Sequence[Range], n_most: int | None = None) -> list[Range]:
    """Return fewer ranges that hold all of ``ranges``: narrow gaps are closed, and more of them above ``n_most``."""
    gaps = [ranges[number][0] - ranges[number - 1][1] for number in range(1, len(ranges))]
    room = _MOST_BESIDE * sum(behind - first for first, behind in ranges)
    n_to_close = 0 if n_most is None else len(ranges) - n_most
    closed: set[int] = set()
    for number in sorted(range(len(gaps)), key=gaps.__getitem__):
        room -= gaps[number]
        if room < 0 and len(closed) >= n_to_close:
            break
        closed.add(number + 1)
    starts = [number for number in range(len(ranges)) if number not in closed]
    ends = [*(start - 1 for start in starts[1:]), len(ranges) - 1]
    return [(ranges[start][0], ranges[end][1]) for start, end in zip(starts, ends, strict=True)]


def _literal(number: int) -> BindParameter[int]:
    # Written into the statement: of a statement with parameters PostgreSQL soon reuses a plan that knows no numbers,
    # takes every range for wide, and walks through the whole table in the order of its keys.
    return bindparam(None, number, BigInteger, literal_execute=True)
