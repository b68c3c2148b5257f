"""The mean of many frames of one thing, without what only one of them saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.shared.images import FloatImage

_STRIP_PIX = 2_000_000
"""So many numbers of the stack are looked at together."""
_NEIGHBOURHOOD_PIX = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """A mean of frames, arrays (ny, nx)."""

    pixels: FloatImage
    variance: FloatImage
    """Of the mean, counts squared."""
    n_used: NDArray[np.uint16]
    """Frames whose pixel went into the mean; 0 where none was usable (then the pixel is NaN)."""


def combine(frames: Sequence[FloatImage], *, clip_sigma: float) -> Combined:
    """Return the mean of ``frames``, NaN left out, each pixel clipped once about the median of all frames.

    The scatter that clips is 1.48 times the median deviation of the pixel, at least that of the whole frame: of few
    values it may come out far too small. The variance is the scatter of what is left, averaged over the neighbourhood
    because that of few values says little, over the number of values.
    """
    shape = frames[0].shape
    typical = _typical_scatter(frames)
    pixels, scatter = np.full(shape, np.nan, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    n_used = np.zeros(shape, dtype=np.uint16)
    n_rows = max(1, _STRIP_PIX // (len(frames) * shape[1]))
    for row in range(0, shape[0], n_rows):
        strip = slice(row, row + n_rows)
        stack = np.stack([frame[strip] for frame in frames]).astype(np.float64)
        used = np.isfinite(stack)
        middle = _median(stack, used)
        away = np.abs(stack - middle)
        limit = clip_sigma * np.maximum(1.4826 * _median(away, used), typical)
        used &= np.where(used, away, np.inf) <= limit
        count = used.sum(axis=0)
        mean = np.where(used, stack, 0.0).sum(axis=0) / np.maximum(count, 1)
        spread = np.where(used, (stack - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1)
        n_used[strip] = count
        pixels[strip] = np.where(count > 0, mean, np.nan)
        scatter[strip] = np.where(count > 1, spread, typical**2)
    smooth = ndimage.uniform_filter(np.minimum(scatter, 9.0 * np.median(scatter)), _NEIGHBOURHOOD_PIX)
    # A pixel that is far noisier than its neighbours is so by itself.
    scatter = np.where(scatter > 9.0 * smooth, scatter, smooth)
    return Combined(pixels=pixels, variance=(scatter / np.maximum(n_used, 1)).astype(np.float32), n_used=n_used)


def _median(stack: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    if used.all():
        return np.asarray(np.median(stack, axis=0))
    filled = np.where(used, stack, np.nan)
    empty = ~used.any(axis=0)
    return np.asarray(np.nanmedian(np.where(empty, 0.0, filled), axis=0))


def _typical_scatter(frames: Sequence[FloatImage]) -> float:
    """Return the scatter of a pixel over the frames, from every seventh pixel of the middle."""
    ny, nx = frames[0].shape
    stack = np.stack([frame[ny // 4 : -ny // 4 : 7, nx // 4 : -nx // 4 : 7] for frame in frames]).astype(np.float64)
    spread = np.nanvar(np.where(np.isfinite(stack), stack, np.nanmedian(stack)), axis=0, ddof=1)
    return float(np.sqrt(np.median(spread)))
