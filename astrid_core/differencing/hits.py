"""Tell point sources from bad pixels and cosmic rays that no mask has caught."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage

FloatArray = NDArray[np.float64]

_HALF = 4
_REACH = 2
_STEPS = (-0.5, -0.25, 0.0, 0.25, 0.5)
_MAX_PIXELS = 8
_PRICE_OF_A_PIXEL = 5.0
"""How much chi-square a third and further pixel must gain: the best of 25 gains about 4 from noise alone."""


class HitTest:
    """Compares, for one difference, the PSF at any position with a few lit pixels of one sign in either image.

    D has white noise, so the squared projection on templates, over the variance, is the chi-square that they gain.
    """

    def __init__(self, difference: Difference) -> None:
        self._image = difference.difference
        self._variance = difference.variance
        psf = _middle(difference.psf)
        self._points = np.array([_moved(psf, dx, dy) for dy in _STEPS for dx in _STEPS])
        near = range(-_REACH, _REACH + 1)
        self._pixels = [
            np.array([_middle(np.roll(response, (dy, dx), (0, 1))) for dy in near for dx in near])
            for response in (difference.science_pixel, difference.reference_pixel)
        ]

    def is_hit(self, row: int, column: int) -> bool:
        """Tell whether a few bad pixels explain the light around a peak of the score better than a point source."""
        light, seen = self._cut(row, column)
        noise2 = float(self._variance[row, column])
        as_point = _gain_of_point(light, self._points * seen) / noise2
        return any(_gain_of_pixels(light, pixels * seen, noise2) > as_point for pixels in self._pixels)

    def _cut(self, row: int, column: int) -> tuple[FloatArray, FloatArray]:
        """Return the pixels around a position, zero where nothing was measured, and where something was."""
        side = 2 * _HALF + 1
        ny, nx = self._image.shape
        top, left = row - _HALF, column - _HALF
        inside = self._image[max(0, top) : min(ny, top + side), max(0, left) : min(nx, left + side)]
        light = np.full((side, side), np.nan)
        y, x = max(0, -top), max(0, -left)
        light[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        return np.nan_to_num(light), np.isfinite(light).astype(float)


def _gain_of_point(light: FloatArray, templates: FloatArray) -> float:
    size = np.maximum((templates**2).sum(axis=(1, 2)), 1e-30)
    return float(((templates * light).sum(axis=(1, 2)) ** 2 / size).max())


def _gain_of_pixels(light: FloatArray, templates: FloatArray, noise2: float) -> float:
    """Return what up to eight pixels of one sign gain in chi-square, less their price: one pixel after the other, the
    one that helps most first.
    """
    flat = templates.reshape(len(templates), -1)
    normal, target = flat @ flat.T, flat @ light.ravel()
    size = np.maximum(np.diag(normal), 1e-30)
    chosen: list[int] = []
    best, rest = 0.0, target
    sign = np.sign(target[np.argmax(target**2 / size)])
    for n in range(1, _MAX_PIXELS + 1):
        gain = np.where(rest * sign > 0.0, rest**2 / size, 0.0)
        gain[chosen] = 0.0
        chosen.append(int(np.argmax(gain)))
        amplitude = np.linalg.lstsq(normal[np.ix_(chosen, chosen)], target[chosen], rcond=None)[0]
        if (amplitude * sign <= 0.0).any():
            break
        explained = float(amplitude @ target[chosen]) / noise2
        best = max(best, explained - _PRICE_OF_A_PIXEL * max(0, n - 2))
        rest = target - normal[:, chosen] @ amplitude
    return best


def _middle(stamp: FloatImage) -> FloatArray:
    centre = stamp.shape[0] // 2
    return stamp[centre - _HALF : centre + _HALF + 1, centre - _HALF : centre + _HALF + 1].astype(float)


def _moved(stamp: FloatArray, dx: float, dy: float) -> FloatArray:
    return np.asarray(np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(stamp), (dy, dx))).real)
