"""Diffraction spikes of bright stars, told from the trails that they resemble."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from astrid_core.preprocessing.sources import FloatArray

_MOST_STARS = 6
"""So many of the brightest stars on a line may have spikes."""
_BESIDE_PIX = (4, 9)
"""A star is seen this far beside the line; what runs along the line is not."""
_NEAR_PIX = 3
_STAR_SIGMA = 5.0
_FADES_PIX = (12.0, 25.0, 50.0, 100.0, 200.0)
"""Lengths in which spikes fade by e that are tried."""
_GAIN = 16.0
"""Spikes must lower chi-square by more than this."""
_LEFT = 0.6
"""A line is a trail where this part of its median light is left without the spikes."""
_UNEVEN = 0.1
"""Trails and spikes vary by so much of their light from piece to piece."""


def stars_along(strip: FloatArray, across: NDArray[np.int_]) -> NDArray[np.intp]:
    """Return where bright stars lie on a line, brightest first, in steps along it.

    ``strip`` (n across, n along) holds the light beside the line in units of sigma, NaN where it is unusable, as cores
    of saturated stars are; ``across`` is the distance of each of its rows, pixels. A star is light on both sides of the
    line, next to it.
    """
    near, far = _BESIDE_PIX
    sides = []
    for side in (-1, 1):
        part = strip[(side * across >= near) & (side * across <= far)]
        known = np.isfinite(part)
        mean = np.where(known, part, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        sides.append(np.where(known.mean(axis=0) > 0.5, mean, np.inf))
    both = np.minimum(*sides)
    # A core that is unusable outshines all others; steps in the middle of it count.
    lost = ~np.isfinite(both)
    both = both - (np.median(both[~lost]) if not lost.all() else 0.0)
    depth = ndimage.distance_transform_edt(np.pad(lost, 1))[1:-1]
    light = np.where(lost, 1e6 + depth, ndimage.uniform_filter1d(np.where(lost, 0.0, both), 2 * _NEAR_PIX + 1))
    is_first = np.append(True, light[1:] != light[:-1])
    peaks = np.flatnonzero(is_first & (light > _STAR_SIGMA / np.sqrt(far - near + 1)) & (light >= _widest(light)))
    return np.asarray(peaks[np.argsort(-light[peaks], kind="stable")][:_MOST_STARS])


def _widest(light: FloatArray) -> FloatArray:
    return np.asarray(ndimage.maximum_filter1d(light, 4 * _NEAR_PIX + 1))


def is_spike(light: FloatArray, error: FloatArray, middle: FloatArray, stars: NDArray[np.intp]) -> bool:
    """Tell whether light along a line is that of spikes: bright at stars, fading by e on both sides alike.

    ``light`` and its ``error`` are those of pieces of the line whose ``middle`` is given in steps, NaN where unknown.
    It is fitted as an even trail plus a spike for each of the stars, none of them negative; it is no trail where the
    spikes are significant and little is left without them.
    """
    known = np.isfinite(light)
    if not len(stars) or known.sum() < len(stars) + 3:
        return False
    seen, place = light[known], middle[known]
    scale = np.hypot(error[known], _UNEVEN * np.abs(seen))
    even = np.ones_like(seen)
    level = float((seen / scale**2).sum() / (1.0 / scale**2).sum())
    alone = float((((seen - level) / scale) ** 2).sum())
    best, left = alone, level
    for fade in _FADES_PIX:
        terms = np.column_stack([even, np.exp(-np.abs(place[:, None] - stars[None, :]) / fade)])
        parts, rest = optimize.nnls(terms / scale[:, None], seen / scale)
        if rest**2 < best:
            best, left = float(rest**2), float(parts[0])
    return alone - best > _GAIN and left < _LEFT * float(np.median(seen))
