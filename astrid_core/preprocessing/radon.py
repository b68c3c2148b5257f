"""Sums along every straight line of an image, all at once.

The fast Radon transform (Goetz & Druck 1996; Brady 1998, SIAM J. Comput. 27, 107; for streaks Nir, Zackay & Ofek 2018,
AJ 156, 229): lines of 2h rows are pairs of lines of h rows, so n rows take log2(n) steps instead of n.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line through an image: ``start`` and ``end`` are (row, column), 0-based, on its first and last row or
    column, and may lie beyond the others.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    snr: float
    """Sum along it over the square root of the summed weights."""


def strongest_line(values: Array, weights: Array, *, min_weight: float) -> Line | None:
    """Return the line along which ``values`` sum to the most, in units of the root of its summed ``weights``.

    ``values`` (ny, nx) are weighted already: in units of sigma times the weight. Lines with less than ``min_weight``
    in all do not count; None where there is no other.
    """
    best: Line | None = None
    for is_turned in (False, True):
        for is_mirrored in (False, True):
            seen, weight = (plane.T if is_turned else plane for plane in (values, weights))
            seen, weight = (plane[:, ::-1] if is_mirrored else plane for plane in (seen, weight))
            total, known = _transform(seen), _transform(weight)
            snr = np.where(known >= min_weight, total / np.sqrt(np.maximum(known, 1e-6)), -np.inf)
            shift, column = np.unravel_index(int(np.argmax(snr)), snr.shape)
            if not np.isfinite(snr[shift, column]) or (best is not None and snr[shift, column] <= best.snr):
                continue
            n_rows, n_columns = seen.shape
            height = snr.shape[0]
            first = float(column) - (height - 1)
            last = first + float(shift) * (n_rows - 1) / max(height - 1, 1)
            if is_mirrored:
                first, last = n_columns - 1 - first, n_columns - 1 - last
            start, end = (0.0, first), (float(n_rows - 1), last)
            if is_turned:
                start, end = start[::-1], end[::-1]
            best = Line(start=start, end=end, snr=float(snr[shift, column]))
    return best


def _transform(image: Array) -> Array:
    """Return sums (h, nx + h - 1): [s, c] along the line from column c - (h - 1) of the first row to s columns further.

    h is the number of rows, filled up with zeros to a power of two.
    """
    n_rows, n_columns = image.shape
    height = 1 << max(0, n_rows - 1).bit_length()
    width = n_columns + 2 * (height - 1)
    # blocks of rows, shift within the block, column of its first row
    part = np.zeros((height, 1, width), dtype=np.float32)
    part[:n_rows, 0, height - 1 : height - 1 + n_columns] = image
    while len(part) > 1:
        n_shifts = 2 * part.shape[1]
        joined = np.empty((len(part) // 2, n_shifts, width), dtype=np.float32)
        for shift in range(n_shifts):
            half, step = shift // 2, (shift + 1) // 2
            upper, lower = part[0::2, half], part[1::2, half]
            joined[:, shift, : width - step] = upper[:, : width - step] + lower[:, step:]
            joined[:, shift, width - step :] = upper[:, width - step :]
        part = joined
    return part[0, :, : n_columns + height - 1]
