"""Geometry of many positions at once, on unit vectors: the poles and RA 0 are places like any other."""

import math
from collections.abc import Sequence
from functools import cache

import astropy.units as u
import numpy as np
from astropy_healpix import HEALPix
from numpy.typing import NDArray
from scipy.spatial import KDTree

from astrid_core.shared.sky import Region, SkyCell, SkyPosition, separation_arcsec

ARCSEC = math.radians(1.0 / 3600.0)
"""In radians."""

Pair = tuple[float, int, int]
"""Separation in arcsec, index of the one, index of the other."""


def unit_vectors(positions: Sequence[SkyPosition]) -> NDArray[np.float64]:
    """Return directions as vectors of length 1, shape (n, 3)."""
    ra = np.radians([position.ra_deg for position in positions])
    dec = np.radians([position.dec_deg for position in positions])
    return _vectors(ra, dec).reshape(-1, 3)


def axes(around: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the directions to the east and to the north at places (..., 3), as vectors of length 1.

    At a pole they are those of RA 0.
    """
    across = np.hypot(around[..., 0], around[..., 1])
    is_pole = across == 0.0
    cos_ra = np.where(is_pole, 1.0, around[..., 0] / np.where(is_pole, 1.0, across))
    sin_ra = np.where(is_pole, 0.0, around[..., 1] / np.where(is_pole, 1.0, across))
    z = around[..., 2]
    east = np.stack([-sin_ra, cos_ra, np.zeros_like(z)], axis=-1)
    return east, np.stack([-z * cos_ra, -z * sin_ra, across], axis=-1)


def on_plane(places: NDArray[np.float64], around: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gnomonic projection of directions (n, 3) about one of them: east and north, arcsec, shape (n, 2)."""
    east, north = axes(around)
    return np.stack([places @ east, places @ north], axis=-1) / (places @ around)[:, None] / ARCSEC


def from_plane(offset: NDArray[np.float64], around: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction that ``on_plane`` shows at ``offset``: east and north, arcsec."""
    east, north = axes(around)
    place = around + (offset[0] * east + offset[1] * north) * ARCSEC
    return np.asarray(place / np.linalg.norm(place))


def mean_position(positions: Sequence[SkyPosition], weights: Sequence[float]) -> SkyPosition:
    """Return the direction of the weighted sum of unit vectors; equal weights where all are zero."""
    if not positions:
        raise ValueError("a mean needs at least one position")
    if len(set(positions)) == 1:
        return positions[0]
    weighed = np.asarray(weights, dtype=np.float64)
    if not weighed.sum() > 0.0:
        weighed = np.ones(len(positions))
    # fsum rounds once, at the end: the order of the positions does not show in the last digit.
    x, y, z = (math.fsum(column) / math.fsum(weighed) for column in (unit_vectors(positions) * weighed[:, None]).T)
    if math.hypot(x, y, z) < 1e-9:
        raise ValueError("opposite directions have no mean")
    ra_deg = math.degrees(math.atan2(y, x)) % 360.0
    return SkyPosition(ra_deg=0.0 if ra_deg >= 360.0 else ra_deg, dec_deg=math.degrees(math.atan2(z, math.hypot(x, y))))


def neighbours(some: Sequence[SkyPosition], others: Sequence[SkyPosition], *, radius_arcsec: float) -> tuple[Pair, ...]:
    """Return every pair not farther apart than ``radius_arcsec``, nearest first, ties by index."""
    if not some or not others:
        return ()
    chord = 2.0 * math.sin(math.radians(radius_arcsec / 3600.0) / 2.0)
    # The tree only preselects, a little too widely; the exact separation decides.
    near = KDTree(unit_vectors(some)).query_ball_tree(KDTree(unit_vectors(others)), chord * (1.0 + 1e-6) + 1e-15)
    pairs = (
        (separation_arcsec(some[one], others[other]), one, other) for one, found in enumerate(near) for other in found
    )
    return tuple(sorted(pair for pair in pairs if pair[0] <= radius_arcsec))


def cone_around(positions: Sequence[SkyPosition], *, margin_arcsec: float) -> Region:
    """Return a cone that holds every position with ``margin_arcsec`` to spare."""
    centre = mean_position(positions, [1.0] * len(positions))
    reach_arcsec = max(separation_arcsec(centre, position) for position in positions)
    return Region.cone(centre, radius_deg=min(180.0, (reach_arcsec + margin_arcsec) / 3600.0))


def cells_near(positions: Sequence[SkyPosition], *, radius_deg: float, order: int) -> frozenset[SkyCell]:
    """Return every cell of ``order`` of which some place lies within ``radius_deg`` of a position, and a few around."""
    if not positions:
        return frozenset()
    centres, cell_radius = _cells(order)
    reach = min(math.radians(radius_deg) + cell_radius, math.pi)
    distances, _ = KDTree(unit_vectors(positions)).query(centres, distance_upper_bound=2.0 * math.sin(reach / 2.0))
    return frozenset(SkyCell(order=order, number=number) for number in np.flatnonzero(np.isfinite(distances)).tolist())


@cache
def _cells(order: int) -> tuple[NDArray[np.float64], float]:
    """Return the directions of the centres of all cells, and how far the farthest corner lies from one, radians."""
    healpix = HEALPix(nside=2**order, order="nested")
    numbers = np.arange(healpix.npix)
    centres = _vectors(*(angle.to_value(u.rad) for angle in healpix.healpix_to_lonlat(numbers)))
    corners = _vectors(*(angle.to_value(u.rad) for angle in healpix.boundaries_lonlat(numbers, step=1)))
    chord = float(np.linalg.norm(corners - centres[:, None], axis=2).max())
    # A little more than rounding takes away.
    return centres, 2.0 * math.asin(chord / 2.0) * 1.001


def _vectors(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
