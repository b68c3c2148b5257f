"""Laying one picture on many stamps at once, each at its own sub-pixel place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.sources import FloatArray

BoolArray = NDArray[np.bool_]

_FEWEST_PIX = 4
_STEPS = 4
_STRIDE_PIX = 0.5
_SINGULAR = 1e-12
"""Slopes that differ by less, of their square, are one."""
_DARK = 1e-300


@dataclass(frozen=True, slots=True)
class PictureFits:
    """The picture on ``n`` stamps, where it fits best, and how far from the middle that is."""

    model: FloatArray
    """(n, side, side); zero where nothing fits."""
    dx: FloatArray
    dy: FloatArray
    found: BoolArray
    """Where there is light of the picture's form, (n,)."""

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "PictureFits":
        """Return some of the fits."""
        return PictureFits(self.model[which], self.dx[which], self.dy[which], self.found[which])


def fit_picture(data: FloatArray, known: BoolArray, picture: FloatArray, dx: FloatArray, dy: FloatArray) -> PictureFits:
    """Return the scaled picture that fits each stamp best, moved from (dx, dy) by its own slopes.

    ``data`` and ``known`` are (n, side, side), ``dx`` and ``dy`` (n,): only known pixels count.
    """
    light_of = np.where(known, data, 0.0)
    enough = known.sum(axis=(1, 2)) >= _FEWEST_PIX
    best = PictureFits(np.zeros_like(light_of), dx.copy(), dy.copy(), np.zeros(len(data), dtype=bool))
    least = np.full(len(data), np.inf)
    dx, dy = dx.copy(), dy.copy()
    for _ in range(_STEPS):
        moved = _moved(picture, dx, dy)
        slope_y, slope_x = np.gradient(moved, axis=(1, 2))
        terms = np.stack([np.where(known, one, 0.0) for one in (moved, slope_x, slope_y)], axis=1)
        terms = terms.reshape(len(data), 3, picture.size)
        products = terms @ terms.transpose(0, 2, 1)
        along = (terms @ light_of.reshape(len(data), picture.size, 1))[:, :, 0]
        light = along[:, 0] / np.maximum(products[:, 0, 0], _DARK)
        model = light[:, None, None] * moved
        rest = (np.where(known, data - model, 0.0) ** 2).sum(axis=(1, 2))
        # One whose scale is not positive stays where it is: it does not get better, and is not taken again.
        better = enough & (light > 0.0) & (rest < least)
        least[better], best.model[better] = rest[better], model[better]
        best.dx[better], best.dy[better], best.found[better] = dx[better], dy[better], True
        inverse = np.linalg.pinv(products, rcond=_SINGULAR, hermitian=True)
        scale, along_x, along_y = (inverse @ along[:, :, None])[:, :, 0].T
        dx -= _stride(along_x, scale)
        dy -= _stride(along_y, scale)
    return best


def _moved(picture: FloatArray, dx: FloatArray, dy: FloatArray) -> FloatArray:
    """Return the picture moved by every (dx, dy), (n, side, side)."""
    rows, columns = np.indices(picture.shape, dtype=np.float64)
    places = np.stack([rows - dy[:, None, None], columns - dx[:, None, None]])
    return np.asarray(ndimage.map_coordinates(picture, places, order=3, mode="nearest"))


def _stride(along: FloatArray, scale: FloatArray) -> FloatArray:
    ratio = np.divide(along, scale, out=np.zeros_like(along), where=scale > 0.0)
    return np.asarray(np.clip(ratio, -_STRIDE_PIX, _STRIDE_PIX))
