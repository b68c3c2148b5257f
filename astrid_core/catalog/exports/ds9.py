"""The objects as regions of SAOImage DS9."""

from collections.abc import Iterator
from typing import Any

from astrid_core.catalog.exports.frozen import FrozenTable

_COLOURS = {"confirmed": "green", "candidate": "yellow", "rejected": "red"}
_RADIUS_ARCSEC = 2.0
"""Large enough to be seen around a star, small enough to name one."""


def region_lines(table: FrozenTable) -> Iterator[str]:
    """Yield the lines of a region file: a circle around each object, coloured by its status."""
    yield "# Region file format: DS9 version 4.1\n"
    yield "global color=yellow width=1 select=1 edit=0 move=0 delete=1\n"
    yield "icrs\n"
    names = ["entry_id", "ra_deg", "dec_deg", "status"]
    for batch in table.batches(names):
        yield from (_circle(row) for row in batch.to_pylist())


def _circle(row: dict[str, Any]) -> str:
    place = f'circle({row["ra_deg"]:.8f},{row["dec_deg"]:.8f},{_RADIUS_ARCSEC}")'
    colour = _COLOURS.get(row["status"], "yellow")
    return f"{place} # color={colour} text={{{row['entry_id']}}} tag={{{row['status']}}}\n"
