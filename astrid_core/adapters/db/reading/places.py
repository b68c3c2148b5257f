"""Searches by place, in two steps: ranges of the index that hold the region, then the region itself."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from astrid_core.adapters.db.reading.pages import Facts
from astrid_core.shared.sky import Region, SkyPosition

_MOST_RANGES = 200
"""SQLite nests OR at most 1000 deep, and every range is a search of the index."""


def near(region: Region, hpx29: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """Return the condition that holds for all inside the region, and for some beside it."""
    ranges = coarser(region.hpx29_ranges, _MOST_RANGES)
    return or_(*(and_(hpx29 >= first, hpx29 < behind) for first, behind in ranges))


def inside(region: Region, facts: Facts) -> bool:
    """Tell whether a record with ``ra_deg`` and ``dec_deg`` lies in the region."""
    if facts["ra_deg"] is None or facts["dec_deg"] is None:
        return False
    return region.contains(SkyPosition(ra_deg=facts["ra_deg"], dec_deg=facts["dec_deg"]))


def coarser(ranges: Sequence[tuple[int, int]], n_most: int) -> list[tuple[int, int]]:
    """Return at most ``n_most`` ranges that hold all of ``ranges``: the narrowest gaps are closed."""
    if len(ranges) <= n_most:
        return list(ranges)
    gaps = sorted(range(1, len(ranges)), key=lambda number: ranges[number][0] - ranges[number - 1][1])
    starts = [0, *sorted(gaps[len(ranges) - n_most :])]
    ends = [*(start - 1 for start in starts[1:]), len(ranges) - 1]
    return [(ranges[start][0], ranges[end][1]) for start, end in zip(starts, ends, strict=True)]
