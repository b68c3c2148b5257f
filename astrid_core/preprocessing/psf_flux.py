"""PSF fluxes of the stars of a prepared image."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import fft

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.images import PsfModel, SkyImage

_LEAST_COVERED = 0.9
"""Of the weights of the PSF: with more pixels missing the rest says too little."""
_CORE_FWHM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PsfFluxes:
    """PSF fluxes at n places, in their order, counts; NaN where unusable pixels or the edge leave none. Arrays (n,)."""

    x_pix: FloatArray
    """0-based: where the flux was measured."""
    y_pix: FloatArray
    flux: FloatArray
    flux_err: FloatArray
    """Standard deviation from the variance of the pixels: the source's own photons are in it as far as seen."""


def measure_psf_fluxes(image: SkyImage, x_pix: FloatArray, y_pix: FloatArray, *, recentre: bool = True) -> PsfFluxes:
    """Return the PSF fluxes of stars at 0-based places, moved to their windowed centroids unless told otherwise.

    The flux is sum(P d) / sum(P^2) over the usable pixels of the stamp of the PSF, which sums to 1: the same total PSF
    flux as S / F_S of a difference with a noiseless reference (Zackay et al. 2016, eq. 42), so that a zero point from
    these fluxes is right for those of candidates. All pixels weigh alike: bright stars are measured less
    precisely than their photons allow, but with the same errors of the PSF as faint ones. Centroids are those of
    SExtractor's XWIN_IMAGE; where one moves by more than half a FWHM the place is kept. Raises ValueError without a
    PSF.
    """
    if image.psf is None:
        raise ValueError("PSF fluxes need a PSF")
    usable = image.usable
    pixels = np.where(usable, image.pixels, np.float32(0.0))
    x, y, fwhm = np.asarray(x_pix, dtype=float), np.asarray(y_pix, dtype=float), image.psf.fwhm_pix
    if recentre:
        x, y = _windowed(pixels, x, y, fwhm)
    variance = np.where(usable, image.variance, np.float32(0.0))
    planes = pixels, variance, usable
    core = max(1, int(np.ceil(_CORE_FWHM * fwhm)))
    measured = [_flux(planes, image.psf, *at, core_pix=core) for at in zip(x, y, strict=True)]
    flux, error = np.array(measured, dtype=float).reshape(-1, 2).T
    return PsfFluxes(x_pix=x, y_pix=y, flux=flux, flux_err=error)


def shift_stamp(stamp: NDArray[np.floating], dx_pix: float, dy_pix: float) -> FloatArray:
    """Return a stamp moved by part of a pixel, its sum kept, by the shift theorem: exact for band-limited light.

    The same theorem centres the stars that the PSF is measured from.
    """
    size = stamp.shape[0]
    padded = np.zeros((2 * size, 2 * size))
    corner = size // 2
    padded[corner : corner + size, corner : corner + size] = stamp
    fy, fx = fft.fftfreq(2 * size)[:, None], fft.rfftfreq(2 * size)[None, :]
    moved = fft.irfft2(fft.rfft2(padded) * np.exp(-2j * np.pi * (fx * dx_pix + fy * dy_pix)), s=padded.shape)
    inside = moved[corner : corner + size, corner : corner + size]
    return np.asarray(inside * (float(stamp.sum()) / inside.sum()))


def _windowed(pixels: NDArray[np.float32], x: FloatArray, y: FloatArray, fwhm: float) -> tuple[FloatArray, FloatArray]:
    ny, nx = pixels.shape
    inside = np.isfinite(x) & np.isfinite(y) & (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
    if not inside.any():
        return x, y
    found_x, found_y, flag = sep.winpos(pixels, x[inside], y[inside], fwhm / 2.3548, subpix=11)
    moved = (flag == 0) & (np.hypot(found_x - x[inside], found_y - y[inside]) < 0.5 * fwhm)
    better_x, better_y = x.copy(), y.copy()
    better_x[inside] = np.where(moved, found_x, x[inside])
    better_y[inside] = np.where(moved, found_y, y[inside])
    return better_x, better_y


def _flux(
    planes: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]],
    psf: PsfModel,
    x: float,
    y: float,
    *,
    core_pix: int,
) -> tuple[float, float]:
    pixels, variance, usable = planes
    if not (np.isfinite(x) and np.isfinite(y)):
        return np.nan, np.nan
    column, row, half = round(x), round(y), psf.size // 2
    ny, nx = pixels.shape
    if not (half <= column < nx - half and half <= row < ny - half):
        return np.nan, np.nan
    box = np.s_[row - half : row + half + 1, column - half : column + half + 1]
    good = usable[box]
    model = shift_stamp(psf.at(x, y), x - column, y - row)
    core = np.s_[half - core_pix : half + core_pix + 1]
    power = float((model**2).sum())
    seen = np.where(good, model, 0.0)
    known = float((seen**2).sum())
    if known < _LEAST_COVERED * power or not good[core, core].all():
        return np.nan, np.nan
    return float((seen * pixels[box]).sum()) / known, float(np.sqrt((seen**2 * variance[box]).sum())) / known
