"""Which source is which catalog star, under a given WCS, and how many would meet by chance."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import gammaln, pdtrc

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.tangent_plane import pixel_scale_deg, plane_at, sky_of, to_plane

_N_SHIFTS = 24
_SHIFT_REACHES = (6.0, 17.0)
"""Displaced by so many times the reach, no source is near its own star any more, but still in the same crowd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlane:
    """Sources (n, 2) and stars (m, 2) in the tangent plane at the middle of a frame, in pixels of the frame's size."""

    sources: FloatArray
    stars: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class StarPairs:
    """Mutual nearest neighbours: ``source[i]`` is ``star[i]``."""

    source: NDArray[np.intp]
    star: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.source)

    def take(self, selection: NDArray[np.bool_]) -> "StarPairs":
        """Return the selected pairs."""
        return StarPairs(source=self.source[selection], star=self.star[selection])


def in_plane(wcs: WCS, shape: tuple[int, int], xy: FloatArray, sky: FloatArray) -> InPlane:
    """Lay sources (0-based pixels) and stars (degrees) into one plane, by ``wcs`` of a frame of ``shape`` (ny, nx)."""
    plane = plane_at(*sky_of(wcs, middle_pixel(shape))[0])
    scale = pixel_scale_deg(wcs)
    stars = to_plane(plane, sky) / scale
    return InPlane(
        sources=to_plane(plane, sky_of(wcs, xy)) / scale,
        stars=np.where(np.isfinite(stars), stars, 1e9),  # behind the horizon
    )


def middle_pixel(shape: tuple[int, int]) -> FloatArray:
    """Return the centre of a frame (ny, nx), (1, 2)."""
    return np.array([[(shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0]])


def pair_up(sources: FloatArray, stars: FloatArray, reach_pix: float) -> StarPairs:
    """Return mutual nearest neighbours not further apart than ``reach_pix``."""
    if not len(sources) or not len(stars):
        return StarPairs(source=np.empty(0, dtype=np.intp), star=np.empty(0, dtype=np.intp))
    distance, star = cKDTree(stars).query(sources, distance_upper_bound=reach_pix)
    source = np.flatnonzero(np.isfinite(distance))
    star = star[source]
    _, back = cKDTree(sources).query(stars[star])
    mutual = back == source
    return StarPairs(source=source[mutual], star=star[mutual])


def chance_pairs(sources: FloatArray, stars: FloatArray, reach_pix: float) -> float:
    """Return how many pairs to expect from unrelated lists.

    The larger of two: from the mean density, and counted with the sources displaced in all directions, which also
    knows of crowds.
    """
    low, high = sources.min(axis=0), sources.max(axis=0)
    n_here = int(((stars >= low) & (stars <= high)).all(axis=1).sum())
    expected = len(sources) * n_here / max(float(np.prod(high - low)), 1.0) * np.pi * reach_pix**2
    angle = 2.0 * np.pi * np.arange(_N_SHIFTS) / _N_SHIFTS
    far = reach_pix * np.linspace(*_SHIFT_REACHES, _N_SHIFTS)
    shifts = np.column_stack([np.cos(7.0 * angle), np.sin(7.0 * angle)]) * far[:, None]
    counted = np.mean([len(pair_up(sources + shift, stars, reach_pix)) for shift in shifts])
    return max(float(expected), float(counted))


def log_chance(n_matched: int, n_expected: float, *, n_free: int, n_tried: float) -> float:
    """Return log10 of the probability that ``n_matched`` pairs meet where ``n_expected`` do, in the best of ``n_tried``
    solutions, each fitted to ``n_free`` of its own pairs.
    """
    n = n_matched - n_free
    if n <= 0:
        return 0.0
    # pdtrc(k, m): probability of more than k events where m are expected; its first term once it underflows.
    tail = float(pdtrc(n - 1, n_expected))
    log_tail = np.log10(tail) if tail > 0.0 else (n * np.log(n_expected) - n_expected - gammaln(n + 1)) / np.log(10.0)
    return float(min(log_tail + np.log10(n_tried), 0.0))
