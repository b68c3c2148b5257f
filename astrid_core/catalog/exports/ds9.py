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
    for batch in table.values(names):
        yield from (_circle(*row) for row in zip(*batch, strict=True))


def _circle(entry_id: Any, ra_deg: Any, dec_deg: Any, status: Any) -> str:
    place = f'circle({ra_deg:.8f},{dec_deg:.8f},{_RADIUS_ARCSEC}")'
    return f"{place} # color={_COLOURS.get(status, 'yellow')} text={{{entry_id}}} tag={{{status}}}\n"
