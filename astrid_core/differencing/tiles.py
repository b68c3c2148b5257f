"""A frame in overlapping tiles, each with the PSF of its own middle, and joins that do not show."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid_core.shared.images import FloatImage

_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Window:
    """A tile: what is computed (``outer``), and where in the frame its blended part goes."""

    outer: tuple[slice, slice]
    pad: tuple[int, int]
    """Rows and columns of zeros before the frame's own pixels, where the tile reaches over the edge."""
    weight: FloatImage
    centre: tuple[float, float]


def windows(frame: tuple[int, int], tile_pix: int, overlap: int, guard: int) -> Iterator[Window]:
    """Cut a frame into equal tiles whose weights ramp linearly across ``overlap`` and sum to a constant."""
    rows, columns = _cuts(frame[0], tile_pix), _cuts(frame[1], tile_pix)
    for top, bottom in rows:
        for left, right in columns:
            y_weight, y_start = _ramp(top, bottom, frame[0], overlap, guard)
            x_weight, x_start = _ramp(left, right, frame[1], overlap, guard)
            first = (max(y_start, 0), max(x_start, 0))
            last = (min(y_start + len(y_weight), frame[0]), min(x_start + len(x_weight), frame[1]))
            yield Window(
                outer=(slice(first[0], last[0]), slice(first[1], last[1])),
                pad=(first[0] - y_start, first[1] - x_start),
                weight=np.outer(y_weight, x_weight).astype(np.float32),
                centre=((left + right - 1) / 2, (top + bottom - 1) / 2),
            )


def _cuts(side: int, tile_pix: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, side, max(1, round(side / tile_pix)) + 1).round().astype(int)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _ramp(start: int, stop: int, side: int, overlap: int, guard: int) -> tuple[NDArray[np.float64], int]:
    """Return weights along one axis, as long as a fast transform, and the frame coordinate of the first of them."""
    half = overlap / 2
    length = fft.next_fast_len(stop - start + overlap + 2 * guard, real=True)
    begin = start - (length - (stop - start)) // 2
    at = np.arange(begin, begin + length) + 0.5
    rise = np.clip((at - (start - half)) / overlap, 0.0, 1.0) if start > 0 else (at > 0).astype(float)
    fall = np.clip(((stop + half) - at) / overlap, 0.0, 1.0) if stop < side else (at < side).astype(float)
    return np.minimum(rise, fall), begin


def lift(plane: NDArray[_Kind], window: Window, *, fill: float | bool = 0.0) -> NDArray[_Kind]:
    """Copy the pixels of a tile out of the frame, ``fill`` beyond its edge."""
    tile = np.full(window.weight.shape, fill, dtype=plane.dtype)
    part = plane[window.outer]
    tile[window.pad[0] : window.pad[0] + part.shape[0], window.pad[1] : window.pad[1] + part.shape[1]] = part
    return tile
