"""HEALPix cells that cover a shape of which is known what lies inside, and how far from its edge."""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from astropy_healpix import HEALPix
from mocpy import MOC
from numpy.typing import NDArray

from astrid_core.shared.polygons import Bools, Floats, unit_vectors

Shape: TypeAlias = Callable[[Floats], tuple[Bools, Floats]]
"""Tells of vectors, one a row, which lie inside, and how far each is from the edge, radians."""
_INDEX_ORDER = 29
_ROUNDING_RAD = 1e-14


def cover(shape: Shape, order: int) -> MOC:
    """Return the cells that are inside and those of ``order`` that may touch the edge: all of the shape, and a rim."""
    cells = np.arange(12, dtype=np.int64)
    ranges: list[NDArray[np.int64]] = []
    for now in range(order + 1):
        inside, apart = shape(_centres(now, cells))
        reaches = apart <= _largest_radius(now) * (1.0 + 1e-9) + _ROUNDING_RAD
        kept = inside & ~reaches
        if now == order:
            kept |= reaches
        shift = 2 * (_INDEX_ORDER - now)
        ranges.append(np.stack([cells[kept] << shift, (cells[kept] + 1) << shift], axis=1))
        cells = (4 * cells[reaches][:, None] + np.arange(4)).ravel()
    return MOC.from_depth29_ranges(order, np.concatenate(ranges).astype(np.uint64))


def _centres(order: int, cells: NDArray[np.int64]) -> Floats:
    lon, lat = HEALPix(nside=2**order, order="nested").healpix_to_lonlat(cells)
    return unit_vectors(lon.deg, lat.deg)


def _largest_radius(order: int) -> float:
    """Return how far the corners of any cell are from its middle at most, radians (Gorski et al. 2005)."""
    n_side = 2**order
    at_corner = _at(2.0 / 3.0, math.pi / (4.0 * n_side))
    at_middle = _at(1.0 - (1.0 - 1.0 / n_side) ** 2 / 3.0, 0.0)
    return float(2.0 * math.asin(min(1.0, float(np.linalg.norm(at_corner - at_middle)) / 2.0)))


def _at(z: float, phi: float) -> Floats:
    across = math.sqrt((1.0 - z) * (1.0 + z))
    return np.array([across * math.cos(phi), across * math.sin(phi), z])
