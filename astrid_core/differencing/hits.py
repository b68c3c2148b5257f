"""Tell point sources from bad pixels and cosmic rays that no mask has caught."""

import numpy as np

from astrid_core.differencing.stamps import FloatArray, IntArray, Shifted, cut
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage

_HALF = 4
_REACH = 2
_STEPS = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
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
        dy, dx = (one.ravel() for one in np.meshgrid(_STEPS, _STEPS, indexing="ij"))
        psf = Shifted(difference.psf, half=_HALF).by(dx, dy)
        self._points = psf.reshape(len(dx), -1)
        near = range(-_REACH, _REACH + 1)
        self._pixels = [
            np.array([_middle(np.roll(response, (dy, dx), (0, 1))) for dy in near for dx in near])
            for response in (difference.science_pixel, difference.reference_pixel)
        ]

    def gain_chi2(self, rows: IntArray, columns: IntArray) -> FloatArray:
        """Return by how much more than a point source a few bad pixels lower the chi-square around each of n peaks.

        What is positive is a hit.
        """
        light = cut(self._image, rows, columns, _HALF, fill=np.nan).reshape(len(rows), -1).astype(float)
        seen = np.isfinite(light).astype(float)
        light = np.nan_to_num(light)
        noise2 = self._variance[rows, columns].astype(float)
        size = np.maximum(seen @ (self._points**2).T, 1e-30)
        as_point = ((light @ self._points.T) ** 2 / size).max(axis=1, initial=0.0) / noise2
        as_pixels = [_gain_of_pixels(light, seen, pixels, noise2) for pixels in self._pixels]
        return np.asarray(np.maximum(*as_pixels) - as_point)


def _gain_of_pixels(light: FloatArray, seen: FloatArray, templates: FloatArray, noise2: FloatArray) -> FloatArray:
    """Return what up to eight pixels of one sign gain in chi-square, less their price, for each of n squares: one pixel
    after the other, the one that helps most first.
    """
    normal = np.tile(templates @ templates.T, (len(light), 1, 1))
    torn = ~seen.all(axis=1)
    normal[torn] = (templates * seen[torn][:, None, :]) @ templates.T
    target = light @ templates.T
    size = np.maximum(np.diagonal(normal, axis1=1, axis2=2), 1e-30)
    strongest = np.argmax(target**2 / size, axis=1)
    sign = np.sign(np.take_along_axis(target, strongest[:, None], axis=1))
    best, rest = np.zeros(len(light)), target.copy()
    chosen = np.zeros((len(light), 0), dtype=int)
    going = np.arange(len(light))
    for n in range(1, _MAX_PIXELS + 1):
        gain = np.where(rest[going] * sign[going] > 0.0, rest[going] ** 2 / size[going], 0.0)
        np.put_along_axis(gain, chosen, 0.0, axis=1)
        helps = gain.max(axis=1) > 0.0
        going, chosen = going[helps], np.column_stack([chosen[helps], np.argmax(gain[helps], axis=1)])
        rows = normal[going[:, None, None], chosen[:, :, None], chosen[:, None, :]]
        rows = rows + np.eye(n) * 1e-9 * size[going].max(axis=1, initial=0.0)[:, None, None]
        wanted = np.take_along_axis(target[going], chosen, axis=1)
        amplitude = np.linalg.solve(rows, wanted[:, :, None])[:, :, 0]
        same = (amplitude * sign[going] > 0.0).all(axis=1)
        going, chosen, amplitude, wanted = going[same], chosen[same], amplitude[same], wanted[same]
        if not len(going):
            break
        explained = (amplitude * wanted).sum(axis=1) / noise2[going]
        best[going] = np.maximum(best[going], explained - _PRICE_OF_A_PIXEL * max(0, n - 2))
        rest[going] = target[going] - np.einsum(
            "nik,nk->ni", normal[going[:, None], :, chosen].swapaxes(1, 2), amplitude
        )
    return best


def _middle(stamp: FloatImage) -> FloatArray:
    centre = stamp.shape[0] // 2
    return stamp[centre - _HALF : centre + _HALF + 1, centre - _HALF : centre + _HALF + 1].astype(float).ravel()
