"""Simple Cone Search 1.03 of the IVOA: what is asked, and the document that answers it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from astropy.coordinates import angular_separation

from astrid_core.catalog.exports.columns import Cell, Column
from astrid_core.catalog.exports.tables import ENTRIES
from astrid_core.catalog.exports.votable import document, rows
from astrid_core.shared.sky import Region, SkyPosition, separation_arcsec

_FORMATS = ("votable", "application/x-votable+xml", "text/xml", "text/xml;content=x-votable")
_LARGEST_CONE_DEG = 180.0
"""Of those that we know as regions; beyond it everything is looked at."""


class BadQuery(ValueError):
    """A query that cannot be answered; the text is for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConeQuery:
    """One question."""

    centre: SkyPosition
    radius_deg: float
    most: int
    """Rows that are answered at most."""
    verbosity: int = 2

    @property
    def region(self) -> Region | None:
        """Where to look; None for everywhere."""
        if not 0.0 < self.radius_deg <= _LARGEST_CONE_DEG:
            return None
        return Region.cone(self.centre, radius_deg=self.radius_deg)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is told of each object: with the least verbosity its name and place only."""
        return tuple(one for one in ENTRIES.columns if one.ucd1 or self.verbosity > 1)

    @property
    def asks_for_rows(self) -> bool:
        """False for a question about the columns only."""
        return self.radius_deg > 0.0 and self.most > 0

    def holds(self, position: SkyPosition) -> bool:
        """Tell whether a place lies in the cone, its edge included."""
        return separation_arcsec(self.centre, position) <= self.radius_deg * 3600.0


def read_query(told: Mapping[str, str], *, most: int) -> ConeQuery:
    """Read the parameters, whose names may be written in any case; BadQuery says what is wrong with them."""
    given = {name.upper(): value for name, value in told.items()}
    ra_deg, dec_deg, radius_deg = (_number(given, name) for name in ("RA", "DEC", "SR"))
    if not (0.0 <= ra_deg < 360.0 and -90.0 <= dec_deg <= 90.0 and 0.0 <= radius_deg <= 180.0):
        message = "RA must lie in [0, 360), DEC in [-90, 90] and SR in [0, 180] degrees"
        raise BadQuery(message)
    verbosity = _integer(given, "VERB", 2)
    if verbosity not in (1, 2, 3):
        message = "VERB must be 1, 2 or 3"
        raise BadQuery(message)
    wanted = given.get("RESPONSEFORMAT", _FORMATS[0]).replace(" ", "").lower()
    if wanted not in _FORMATS:
        message = f"RESPONSEFORMAT must be one of {', '.join(_FORMATS)}"
        raise BadQuery(message)
    centre = SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)
    return ConeQuery(
        centre=centre, radius_deg=radius_deg, most=min(most, _integer(given, "MAXREC", most)), verbosity=verbosity
    )


def answer(query: ConeQuery, found: Iterable[Sequence[Cell]]) -> str:
    """Return the document with the first rows of ``found``, which hold all columns; it says if there are more."""
    some = list(islice(found, query.most + 1))
    columns = query.columns
    before, after = document(ENTRIES, columns=columns, infos={"QUERY_STATUS": "OK"}, has_ucd1=True)
    if len(some) > query.most:
        after = after.replace("</TABLE>", '</TABLE>\n  <INFO name="QUERY_STATUS" value="OVERFLOW"/>')
    places = [ENTRIES.columns.index(one) for one in columns]
    told = rows(columns, [[[row[place] for row in some[: query.most]] for place in places]])
    return f"{before}{''.join(told)}{after}"


def search_frozen(file: Any, query: ConeQuery) -> Iterator[tuple[Cell, ...]]:
    """Yield the objects in a cone from a frozen table, a file or like one: only groups that may hold some are read."""
    ranges = query.region.hpx29_ranges if query.region else ((0, 2**62),)
    names = [one.name for one in ENTRIES.columns]
    with pq.ParquetFile(file) as table:
        # An extract may have been frozen before a column was declared.
        known = [name for name in names if name in table.schema_arrow.names]
        for number in range(table.num_row_groups):
            if _may_hold(table.metadata.row_group(number), ranges):
                group = table.read_row_group(number, columns=known, use_threads=False)
                for row in _inside(group, query).to_pylist():
                    yield tuple(row.get(name) for name in names)


def _may_hold(group: Any, ranges: Sequence[tuple[int, int]]) -> bool:
    places = {group.column(number).path_in_schema: number for number in range(group.num_columns)}
    told = group.column(places["hpx29"]).statistics
    return any(first <= told.max and told.min < behind for first, behind in ranges)


def _inside(group: Any, query: ConeQuery) -> Any:
    ra, dec = (np.radians(group.column(name).to_numpy()) for name in ("ra_deg", "dec_deg"))
    centre = query.centre
    distance = angular_separation(math.radians(centre.ra_deg), math.radians(centre.dec_deg), ra, dec)
    return group.filter(np.degrees(distance) <= query.radius_deg)


def _number(given: Mapping[str, str], name: str) -> float:
    try:
        value = float(given[name])
    except KeyError as error:
        message = f"{name} is missing"
        raise BadQuery(message) from error
    except ValueError as error:
        message = f"{name} is not a number"
        raise BadQuery(message) from error
    if not math.isfinite(value):
        message = f"{name} is not a finite number"
        raise BadQuery(message)
    return value


def _integer(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        message = f"{name} is not a whole number"
        raise BadQuery(message)
    return int(text)
