"""Searches by place, in two steps: ranges of the index that hold the region, then the region itself."""

from sqlalchemy import ColumnElement

from astrid_core.adapters.db.ranges import MOST_AT_ONCE, Index, coarser, in_ranges
from astrid_core.adapters.db.reading.pages import Keep
from astrid_core.adapters.db.rows.sky import held
from astrid_core.shared.sky import Region


def near(region: Region, hpx29: Index) -> ColumnElement[bool]:
    """Return the condition that holds for all inside the region, and for some beside it."""
    return in_ranges(hpx29, coarser(region.hpx29_ranges, MOST_AT_ONCE))


def inside(region: Region | None) -> Keep | None:
    """Return what tells which records, each with ``ra_deg`` and ``dec_deg``, lie in a region; None: all of them."""
    if region is None:
        return None
    return lambda records: held(region, [(facts["ra_deg"], facts["dec_deg"]) for facts in records])
