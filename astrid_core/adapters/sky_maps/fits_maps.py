"""Sky maps of LIGO, Virgo and KAGRA: flat (PROB, NESTED or RING) and multi-order (UNIQ, PROBDENSITY)."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from astrid_core.adapters.sky_maps.files import find_table, numbers, opened
from astrid_core.shared.credible import FlatMap, MultiOrderMap
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import HPX_ORDER

FINEST_FLAT_ORDER = 11
"""Pixels of 1.7 arcminutes, 50 million of them: 0.4 GB, three times while they are sorted. Finer maps are published
with many orders.
"""
MOST_PIXELS = 12 * 4**10
"""Of many orders."""
SUM_TOLERANCE = 0.01
"""By how much the probabilities may miss 1."""


def read_sky_map(path: Path) -> FlatMap | MultiOrderMap:
    """Read a file, packed by gzip or not; BadConfiguration names it and the number that is wrong."""
    with opened(path) as hdus:
        table = find_table(hdus, [["UNIQ", "PROBDENSITY"], ["PROB"]], path=path)
        system = str(table.header.get("COORDSYS", "C")).strip().upper()
        if system not in ("C", "ICRS", "CELESTIAL", "EQUATORIAL"):
            raise BadConfiguration("a sky map in other coordinates than ICRS", file=path, coordsys=system)
        # The case of names says nothing: astropy finds columns by any.
        is_multi_order = "UNIQ" in {name.upper() for name in table.columns.names}
        found = _multi_order(table, path) if is_multi_order else _flat(table, path)
    whole = float(found.probability.sum(dtype=np.float64))
    if not abs(whole - 1.0) <= SUM_TOLERANCE:
        raise BadConfiguration("probabilities that do not sum to 1", file=path, sum=whole, tolerance=SUM_TOLERANCE)
    return found


def _flat(table: fits.BinTableHDU, path: Path) -> FlatMap:
    ordering = str(table.header.get("ORDERING", "")).strip().upper()
    if ordering not in ("RING", "NESTED", "NEST"):
        raise BadConfiguration("ORDERING is neither RING nor NESTED", file=path, ordering=ordering)
    if str(table.header.get("INDXSCHM", "IMPLICIT")).strip().upper() != "IMPLICIT":
        raise BadConfiguration("a sky map of a part of the sky", file=path, indxschm=table.header["INDXSCHM"])
    n_side = table.header.get("NSIDE")
    if not isinstance(n_side, int) or n_side < 1 or n_side & (n_side - 1):
        raise BadConfiguration("NSIDE is no power of two", file=path, nside=n_side)
    order = n_side.bit_length() - 1
    if order > FINEST_FLAT_ORDER:
        raise BadConfiguration(
            "too fine; take the file with many orders", file=path, order=order, finest=FINEST_FLAT_ORDER
        )
    probability = numbers(table, "PROB", path=path)
    if probability.size != 12 * n_side**2:
        raise BadConfiguration("NSIDE tells another number of pixels", file=path, pixels=probability.size, nside=n_side)
    _require_probabilities(probability, path)
    return FlatMap(order=order, is_nested=ordering != "RING", probability=probability)


def _multi_order(table: fits.BinTableHDU, path: Path) -> MultiOrderMap:
    ordering = str(table.header.get("ORDERING", "NUNIQ")).strip().upper()
    if ordering != "NUNIQ":
        raise BadConfiguration("ORDERING is not NUNIQ", file=path, ordering=ordering)
    n_pixels = int(table.header["NAXIS2"])
    if n_pixels > MOST_PIXELS:
        raise BadConfiguration("too many pixels", file=path, pixels=n_pixels, allowed=MOST_PIXELS)
    density = numbers(table, "PROBDENSITY", path=path).astype(np.float64)
    _require_probabilities(density, path)
    orders, cells = _cells_of(numbers(table, "UNIQ", path=path).astype(np.int64), path)
    _require_no_overlap(orders, cells, path)
    return MultiOrderMap(orders=orders, numbers=cells, density=density)


def _require_probabilities(values: NDArray[np.floating], path: Path) -> None:
    # A comparison with NaN is never true.
    bad = np.flatnonzero(~((values >= 0.0) & (values < np.inf)))
    if bad.size:
        first = int(bad[0])
        raise BadConfiguration(
            "a probability that is none", file=path, pixel=first, value=float(values[first]), bad=bad.size
        )


def _cells_of(uniq: NDArray[np.int64], path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return order and number of cells that are written 4 4^order + number."""
    bad = np.flatnonzero((uniq < 4) | (uniq >= 16 * 4**HPX_ORDER))
    if bad.size:
        first = int(bad[0])
        raise BadConfiguration("no cell of HEALPix", file=path, row=first, uniq=int(uniq[first]), finest=HPX_ORDER)
    # By whole numbers: floating logarithms are wrong just below powers of four.
    begins = 4 * 4 ** np.arange(HPX_ORDER + 1, dtype=np.int64)
    orders = np.searchsorted(begins, uniq, side="right") - 1
    return orders, uniq - begins[orders]


def _require_no_overlap(orders: NDArray[np.int64], numbers: NDArray[np.int64], path: Path) -> None:
    shift = 2 * (HPX_ORDER - orders)
    first, behind = numbers << shift, (numbers + 1) << shift
    by_place = np.argsort(first)
    over = np.flatnonzero(first[by_place][1:] < behind[by_place][:-1])
    if over.size:
        one, other = (int(by_place[over[0] + step]) for step in (0, 1))
        raise BadConfiguration("pixels that overlap", file=path, rows=f"{one} and {other}", overlapping=over.size)
