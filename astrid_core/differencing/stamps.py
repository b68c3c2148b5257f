"""Many small squares out of one plane, and values between its pixels."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import BSpline

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]

_Kind = TypeVar("_Kind", bound=np.generic)
_DEGREE = 5
_HALF = 5
_BASIS = BSpline.basis_element(np.arange(_DEGREE + 2) - (_DEGREE + 1) / 2, extrapolate=False)


@dataclass(frozen=True, slots=True)
class Surface:
    """A plane at n places between its pixels: value, gradient (per pixel) and curvature (per pixel^2), each (n,)."""

    value: FloatArray
    dx: FloatArray
    dy: FloatArray
    dxx: FloatArray
    dxy: FloatArray
    dyy: FloatArray


def cut(plane: NDArray[_Kind], rows: IntArray, columns: IntArray, half: int, *, fill: float | bool) -> NDArray[_Kind]:
    """Return squares (n, 2 half + 1, 2 half + 1) around n pixels of ``plane``, ``fill`` beyond its edge."""
    near = np.arange(-half, half + 1)
    y, x = rows[:, None, None] + near[:, None], columns[:, None, None] + near
    ny, nx = plane.shape
    inside = (y >= 0) & (y < ny) & (x >= 0) & (x < nx)
    values = plane[np.clip(y, 0, ny - 1), np.clip(x, 0, nx - 1)]
    return np.where(inside, values, np.asarray(fill, dtype=plane.dtype))


def surface(plane: NDArray[np.float32], x_pix: FloatArray, y_pix: FloatArray) -> Surface:
    """Return ``plane`` at 0-based positions, by the quintic B-spline through the 11 x 11 pixels around each.

    A matched-filtered image holds no detail finer than the square of the PSF's spectrum, which is why a spline of this
    degree suffices: the peak of a source of FWHM 2.4 pixels is reproduced to 0.2 %. What is not a number counts as 0.
    """
    columns, rows = np.rint(x_pix).astype(int), np.rint(y_pix).astype(int)
    squares = np.nan_to_num(cut(plane, rows, columns, _HALF, fill=0.0).astype(float), posinf=0.0, neginf=0.0)
    for axis in (1, 2):
        squares = ndimage.spline_filter1d(squares, order=_DEGREE, axis=axis, mode="mirror")
    along_x, along_y = ([_weights(offset, order) for order in range(3)] for offset in (x_pix - columns, y_pix - rows))

    def at(order_y: int, order_x: int) -> FloatArray:
        return np.asarray(np.einsum("nij,ni,nj->n", squares, along_y[order_y], along_x[order_x], optimize=True))

    return Surface(value=at(0, 0), dx=at(0, 1), dy=at(1, 0), dxx=at(0, 2), dxy=at(1, 1), dyy=at(2, 0))


def _weights(offset: FloatArray, order: int) -> FloatArray:
    """Return what each of the eleven spline coefficients along an axis contributes to a derivative at ``offset``."""
    basis = _BASIS.derivative(order) if order else _BASIS
    return np.asarray(np.nan_to_num(basis(offset[:, None] - np.arange(-_HALF, _HALF + 1))))


class Shifted:
    """A centred stamp of odd side, moved by fractions of a pixel by trigonometric interpolation."""

    def __init__(self, stamp: NDArray[np.floating], *, half: int) -> None:
        self._half = half
        side = max(int(stamp.shape[0]), 2 * half + 1)
        margin = (side - int(stamp.shape[0])) // 2
        self._stamp = np.pad(np.asarray(stamp, dtype=float), margin)

    def by(self, dx_pix: FloatArray, dy_pix: FloatArray) -> FloatArray:
        """Return (n, 2 half + 1, 2 half + 1): the middle of the stamp after each of n moves."""
        return np.asarray(self._kernels(dy_pix) @ self._stamp @ self._kernels(dx_pix).swapaxes(1, 2))

    def _kernels(self, move: FloatArray) -> FloatArray:
        """Return (n, 2 half + 1, side): the Dirichlet kernel between where pixels were and where they are wanted."""
        side = self._stamp.shape[0]
        distance = np.arange(-self._half, self._half + 1)[:, None] - np.arange(-(side // 2), side // 2 + 1)
        at = distance - move[:, None, None]
        rest = np.sin(np.pi * at / side)
        on_pixel = np.abs(rest) < 1e-12
        return np.where(on_pixel, 1.0, np.sin(np.pi * at) / (side * np.where(on_pixel, 1.0, rest)))
