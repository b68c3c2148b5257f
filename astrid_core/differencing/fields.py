"""Six numbers that vary smoothly over a frame, and the six shapes of light that they belong to.

A static source leaves in the score what a slightly wrong kernel makes of it. To second order in the moments of that
kernel this is a combination of the light T that both images show and its derivatives: T itself (flux scale), T_x and
T_y (displacement), T_xx, T_xy and T_yy (width and shape of the PSFs).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.shared.images import FloatImage

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

N_MODES = 6
REACH = 2
"""Pixels that the derivatives look to each side."""


@dataclass(frozen=True, slots=True)
class Field:
    """Six coefficients at every pixel: c_m(y, x) = sum_ij rows[y, i] values[m, i, j] columns[x, j]."""

    rows: FloatArray
    """(ny, n_i)."""
    values: FloatArray
    """(6, n_i, n_j)."""
    columns: FloatArray
    """(nx, n_j)."""

    def over(self, rows: slice) -> FloatImage:
        """Return the coefficients in some rows of the frame: (6, n_rows, nx)."""
        left = np.tensordot(self.values, self.rows[rows], axes=(1, 1)).transpose(0, 2, 1)
        return np.asarray(left.astype(np.float32) @ self.columns.T.astype(np.float32))

    def every(self, step: int) -> FloatImage:
        """Return the coefficients at every so many rows and columns: (6, ny / step, nx / step), rounded up."""
        left = self.rows[::step].astype(np.float32) @ self.values.astype(np.float32)
        return np.asarray(left @ self.columns[::step].T.astype(np.float32))

    def plus(self, other: "Field") -> "Field":
        """Return the sum of two fields over one frame."""
        values = np.zeros((
            N_MODES, self.values.shape[1] + other.values.shape[1], self.values.shape[2] + other.values.shape[2]
        ))  # fmt: skip
        values[:, : self.values.shape[1], : self.values.shape[2]] = self.values
        values[:, self.values.shape[1] :, self.values.shape[2] :] = other.values
        return Field(np.hstack([self.rows, other.rows]), values, np.hstack([self.columns, other.columns]))


def shapes(at: Callable[[int, int], FloatImage]) -> tuple[FloatImage, ...]:
    """Return T, T_x, T_y, T_xx, T_xy and T_yy, where ``at(dy, dx)`` is T that many pixels away.

    First derivatives are exact to fourth order: that of a score as narrow as 4 pixels is right to 1 %.
    """
    here = at(0, 0)
    left, right, below, above = at(0, -1), at(0, 1), at(-1, 0), at(1, 0)
    return (
        here,
        _slope(at(0, -2), left, right, at(0, 2)),
        _slope(at(-2, 0), below, above, at(2, 0)),
        left + right - 2 * here,
        (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) * np.float32(0.25),
        below + above - 2 * here,
    )


def _slope(far_before: FloatImage, before: FloatImage, behind: FloatImage, far_behind: FloatImage) -> FloatImage:
    slope = behind - before
    slope *= np.float32(8.0 / 12.0)
    slope -= (far_behind - far_before) * np.float32(1.0 / 12.0)
    return slope


def around(plane: FloatImage, y: IntArray, x: IntArray) -> Callable[[int, int], FloatImage]:
    """Return what ``shapes`` asks for, at n pixels at least REACH from the edge."""
    flat, width = plane.reshape(-1), plane.shape[1]
    index = y * width + x
    return lambda dy, dx: flat[index + (dy * width + dx)]


def inside(block: FloatImage) -> Callable[[int, int], FloatImage]:
    """Return what ``shapes`` asks for, for all pixels of a block but a margin of REACH."""
    ny, nx = block.shape
    return lambda dy, dx: block[REACH + dy : ny - REACH + dy, REACH + dx : nx - REACH + dx]
