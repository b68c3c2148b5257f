"""Where a point source is, how well that is known, and how well a point source explains what is seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.stamps import FloatArray, IntArray, Shifted, cut, surface
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage

_CLIMB = 2
_NEWTON_STEPS = 6
_MAX_SHIFT_PIX = 0.49
"""A source lies in the pixel where the PSF flux is highest: otherwise the next one would be higher."""
_SAMPLE = 200_000
_FITTED = 3
"""Flux and two coordinates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Sub-pixel positions (0-based pixels) and the PSF flux there (counts, signed), each (n,)."""

    x_pix: FloatArray
    y_pix: FloatArray
    flux: FloatArray

    def take(self, which: NDArray[np.bool_]) -> "Places":
        """Return some of them."""
        return Places(x_pix=self.x_pix[which], y_pix=self.y_pix[which], flux=self.flux[which])


def locate(difference: Difference, rows: IntArray, columns: IntArray, sign: FloatArray) -> Places:
    """Return the extremum of the PSF flux next to each of n peaks of ``sign``.

    The PSF flux S / F_S as a function of position is the likelihood of a source there, so its extremum is the position
    of highest likelihood. It is taken there rather than in S_corr, whose noise changes across a bright source, so that
    its peak may lie up to two pixels off.
    """
    plane = difference.flux
    for _ in range(_CLIMB):
        rows, columns = _climbed(difference, rows, columns, sign)
    dx, dy = np.zeros(len(rows)), np.zeros(len(rows))
    for _ in range(_NEWTON_STEPS):
        here = surface(plane, columns + dx, rows + dy)
        bend = here.dxx * here.dyy - here.dxy**2
        peaked = (bend > 0.0) & (here.dxx * sign < 0.0)
        bend = np.where(peaked, bend, 1.0)
        step_x = np.where(peaked, (here.dyy * here.dx - here.dxy * here.dy) / bend, 0.0)
        step_y = np.where(peaked, (here.dxx * here.dy - here.dxy * here.dx) / bend, 0.0)
        dx = np.clip(dx - step_x, -_MAX_SHIFT_PIX, _MAX_SHIFT_PIX)
        dy = np.clip(dy - step_y, -_MAX_SHIFT_PIX, _MAX_SHIFT_PIX)
    x, y = columns + dx, rows + dy
    return Places(x_pix=x, y_pix=y, flux=surface(plane, x, y).value)


def _climbed(difference: Difference, rows: IntArray, columns: IntArray, sign: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the highest unmasked pixels of the PSF flux among n pixels and their neighbours."""
    height = cut(difference.flux, rows, columns, 1, fill=0.0) * sign[:, None, None]
    height = np.where(cut(difference.mask, rows, columns, 1, fill=1) == 0, height, -np.inf)
    highest = np.argmax(height.reshape(len(rows), -1), axis=1)
    return rows + highest // 3 - 1, columns + highest % 3 - 1


def position_errors(
    difference: Difference, rows: IntArray, columns: IntArray, flux: FloatArray, *, half: int
) -> tuple[FloatArray, FloatArray]:
    """Return the standard deviations (pixels) of the positions of n sources in x and y.

    The score of a point source with signal-to-noise rho is rho times the autocorrelation of P_D; its curvature at the
    peak gives the Cramer-Rao bound sigma_x = 1 / (rho sqrt(sum (dP/dx)^2 / sum P^2)) for white noise (Kay 1993,
    Fundamentals of Statistical Signal Processing I, eq. 3.14; Mendez, Silva & Lobos 2013, PASP 125, 580). Here the
    noise may differ from pixel to pixel, so the variance of the gradient is summed over it. What ``flux_err`` allows
    for beyond the pixels' noise widens the position alike.
    """
    step, still = np.array([0.01]), np.zeros(1)
    psf = Shifted(difference.psf, half=half)
    p = psf.by(still, still)[0]
    px = (psf.by(-step, still) - psf.by(step, still))[0] / (2.0 * step)
    py = (psf.by(still, -step) - psf.by(still, step))[0] / (2.0 * step)
    variance = cut(difference.variance, rows, columns, half, fill=np.nan).astype(float)
    own = difference.variance[rows, columns].astype(float)[:, None, None]
    variance = np.where(np.isfinite(variance), variance, own)
    products = np.stack([px * px, px * py, py * py])
    bent = products.sum(axis=(1, 2))
    shaken = np.einsum("kij,nij->nk", products, variance)
    inverse = np.linalg.inv(np.array([[bent[0], bent[1]], [bent[1], bent[2]]]))
    spread = inverse @ shaken[:, [0, 1, 1, 2]].reshape(-1, 2, 2) @ inverse / flux[:, None, None] ** 2
    of_pixels = np.einsum("ij,nij->n", p**2, variance) / (p**2).sum() ** 2
    beyond = np.maximum(difference.flux_err[rows, columns].astype(float) ** 2 / of_pixels, 1.0)
    return np.sqrt(spread[:, 0, 0] * beyond), np.sqrt(spread[:, 1, 1] * beyond)


def noise_unit(difference: Difference) -> float:
    """Return the robust variance of D over its stated variance on unmasked pixels.

    The variance is calibrated on the score, which sees what noise has in common over a PSF; resampling has taken that
    from the single pixels.
    """
    usable = np.flatnonzero((difference.mask == 0) & (difference.variance > 0.0) & np.isfinite(difference.difference))
    usable = usable[:: max(1, len(usable) // _SAMPLE)]
    if not len(usable):
        return 1.0
    ratio = np.abs(difference.difference.ravel()[usable]) / np.sqrt(difference.variance.ravel()[usable])
    return max(float(1.4826 * np.median(ratio)) ** 2, 1e-12)


def reduced_chi2(
    difference: Difference, rows: IntArray, columns: IntArray, places: Places, *, radius_pix: float, unit: float
) -> FloatArray:
    """Return the reduced chi-square of D against the best multiple of P_D at each of n places.

    Over the pixels within ``radius_pix``; D has white noise (Zackay et al. 2016, eq. 13), so chi-squares add up. The
    variance holds the source's own photons; ``unit`` is what it must be multiplied by. NaN where too few pixels are
    known. Errors of the PSF model show in bright sources as large values.
    """
    half = int(np.ceil(radius_pix))
    light = cut(difference.difference, rows, columns, half, fill=np.nan).astype(float)
    variance = cut(difference.variance, rows, columns, half, fill=np.nan).astype(float) * unit
    model = Shifted(difference.psf, half=half).by(places.x_pix - columns, places.y_pix - rows)
    weight = _weights(light, variance, half, radius_pix)
    light = np.where(weight > 0.0, light, 0.0)
    power = np.maximum((weight * model**2).sum(axis=(1, 2)), 1e-30)
    flux = (weight * model * light).sum(axis=(1, 2)) / power
    chi2 = (weight * (light - flux[:, None, None] * model) ** 2).sum(axis=(1, 2))
    freedom = (weight > 0.0).sum(axis=(1, 2)) - _FITTED
    return np.where(freedom > 0, chi2 / np.maximum(freedom, 1), np.nan)


def _weights(light: FloatArray, variance: FloatArray, half: int, radius_pix: float) -> FloatArray:
    near = np.arange(-half, half + 1)
    disc = np.hypot(near[:, None], near) <= radius_pix
    known = disc & np.isfinite(light) & np.isfinite(variance) & (variance > 0.0)
    return np.where(known, 1.0 / np.where(known, variance, 1.0), 0.0)


def shapes(
    difference: FloatImage, rows: IntArray, columns: IntArray, sign: FloatArray, *, fwhm_pix: float
) -> tuple[FloatArray, FloatArray]:
    """Return FWHM (pixels) and ellipticity of n sources from Gaussian-weighted second moments, the weight's own width
    taken out; NaN where noise or masks leave no positive moments.
    """
    half = round(2.0 * fwhm_pix)
    width2 = (fwhm_pix / 2.3548) ** 2
    near = np.arange(-half, half + 1)
    weight = np.exp(-0.5 * (near[:, None] ** 2 + near**2) / width2)
    light = np.nan_to_num(cut(difference, rows, columns, half, fill=0.0).astype(float)) * weight * sign[:, None, None]
    along_x, along_y = light.sum(axis=1), light.sum(axis=2)
    total = along_x.sum(axis=1)
    lit = total > 0.0
    total = np.where(lit, total, 1.0)
    mx, my = along_x @ near / total, along_y @ near / total
    xx, yy = along_x @ near**2 / total - mx**2, along_y @ near**2 / total - my**2
    xy = np.einsum("nij,i,j->n", light, near, near) / total - mx * my
    root = np.hypot(xx - yy, 2.0 * xy)
    major, minor = (xx + yy + root) / 2.0, (xx + yy - root) / 2.0
    good: NDArray[np.bool_] = lit & (minor > 0.0) & (major < width2)
    # A Gaussian of variance s times a weight of variance w has variance s w / (s + w).
    major, minor = (np.where(good, one, 0.5 * width2) for one in (major, minor))
    major, minor = (one * width2 / (width2 - one) for one in (major, minor))
    fwhm = np.where(good, 2.3548 * (major * minor) ** 0.25, np.nan)
    return fwhm, np.where(good, 1.0 - np.sqrt(minor / major), np.nan)
