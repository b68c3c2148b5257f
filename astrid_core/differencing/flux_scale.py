"""The ratio of science to reference counts, from the stars both images hold, and what is left of the background."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import fft

from astrid_core.differencing.ratio_fit import fit_ratio
from astrid_core.preprocessing.background import fit_background
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, PsfModel, SkyImage

_MIN_STARS = 3
_MOST_STARS = 400
_LEAST_ERROR = 0.03
"""Variables and colours leave a floor of some per cent: the brightest star must not decide alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FluxScale:
    """Science counts per reference count, as it varies over the frame."""

    ratio: float
    """At the centre of the frame."""
    relative_error: float
    """Standard deviation of ``ratio`` as a fraction of it."""
    coefficients: FloatArray
    """Of ln(ratio(x, y) / ratio) in x and y, which run from -1 to 1 over the frame; empty where one ratio does."""
    n_stars: int
    scatter: float
    """Robust relative scatter of the stars about it: their noise, colours and variability."""

    def over(self, shape: tuple[int, int]) -> FloatImage:
        """Return the ratio at every pixel of a frame (ny, nx)."""
        if not len(self.coefficients):
            return np.full(shape, self.ratio, dtype=np.float32)
        along_x, along_y = self.coefficients
        y, x = (np.linspace(-1.0, 1.0, side) for side in shape)
        return np.asarray(self.ratio * np.outer(np.exp(along_y * y), np.exp(along_x * x)), dtype=np.float32)


def measure_flux_scale(science: SkyImage, reference: SkyImage, sources: SourceList) -> FluxScale:
    """Return science counts per reference count from the fluxes of ``sources`` in both images.

    Each image is first blurred with the PSF of the other: both then have the same PSF, and equal apertures hold equal
    parts of every star and galaxy and of their neighbours. It is the PSF of the middle of the frame: how PSFs are
    normalised elsewhere is less sure than what the apertures hold. Raises TooFewSources.
    """
    if science.psf is None or reference.psf is None:
        raise ValueError("both images need a PSF")
    radius = 1.5 * float(np.hypot(science.psf.fwhm_pix, reference.psf.fwhm_pix))
    bad = ~(science.usable & reference.usable)
    picked = sources.take(sources.clean & (sources.snr > 10.0)).take(slice(0, _MOST_STARS))
    science_flux, science_err = _aperture(science, reference.psf, picked, radius, bad)
    reference_flux, reference_err = _aperture(reference, science.psf, picked, radius, bad)
    good = (science_flux > 5.0 * science_err) & (reference_flux > 5.0 * reference_err)
    if good.sum() < _MIN_STARS:
        raise TooFewSources("too few common stars for the flux scale", n_stars=int(good.sum()), required=_MIN_STARS)
    error = np.hypot(science_err[good] / science_flux[good], reference_err[good] / reference_flux[good])
    ny, nx = science.shape
    fit = fit_ratio(
        np.log(science_flux[good] / reference_flux[good]),
        # Relative errors, so that exchanging the images inverts the ratio.
        np.hypot(error, _LEAST_ERROR),
        x=2.0 * picked.x_pix[good] / (nx - 1) - 1.0,
        y=2.0 * picked.y_pix[good] / (ny - 1) - 1.0,
    )
    return FluxScale(
        ratio=float(np.exp(fit.middle)),
        relative_error=fit.error,
        coefficients=fit.coefficients,
        n_stars=int(good.sum()),
        scatter=fit.scatter,
    )


def measure_flux_ratio(science: SkyImage, reference: SkyImage, sources: SourceList) -> float:
    """Return the ratio of measure_flux_scale() at the centre of the frame. Raises TooFewSources."""
    return measure_flux_scale(science, reference, sources).ratio


def match_background(science: SkyImage, reference: SkyImage, *, box_pix: int) -> FloatImage:
    """Return the smooth part of science minus reference (on one flux scale), to be taken from the science pixels."""
    bad = ~(science.usable & reference.usable)
    return fit_background((science.pixels - reference.pixels).astype(np.float32), bad, box_pix=box_pix).level


def _aperture(
    image: SkyImage, blur: PsfModel, sources: SourceList, radius: float, bad: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return fluxes in the image blurred with ``blur`` and their errors; NaN where the aperture holds unusable pixels.

    To blur and sum over an aperture is to weigh the pixels with the blurred aperture. The errors are those of the
    unblurred pixels, which blurring within the aperture hardly changes.
    """
    pixels = np.ascontiguousarray(np.where(bad, np.float32(0.0), image.pixels))
    var = np.ascontiguousarray(np.where(bad, np.float32(0.0), image.variance))
    x, y = sources.x_pix, sources.y_pix
    _, err, flag = sep.sum_circle(pixels, x, y, radius, var=var, mask=np.ascontiguousarray(bad), subpix=5)
    spoiled = (flag & (sep.APER_HASMASKED | sep.APER_TRUNC)) != 0
    half = int(np.ceil(radius)) + 1 + blur.size // 2
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    padded = np.pad(pixels, half)
    stamps = np.array([
        padded[r : r + 2 * half + 1, c : c + 2 * half + 1] for r, c in zip(row, column, strict=True)
    ])  # fmt: skip
    flux = (stamps * _weights(blur, x, y, radius, half)).sum(axis=(1, 2), dtype=float)
    return np.where(spoiled, np.nan, flux), np.where(spoiled, np.nan, err)


def _weights(blur: PsfModel, x: FloatArray, y: FloatArray, radius: float, half: int) -> NDArray[np.floating]:
    """Return each aperture (n, 2 half + 1, 2 half + 1), correlated with the PSF of the middle of the frame."""
    grid = np.arange(-half, half + 1)
    dx, dy = grid[None, :] - (x - np.rint(x))[:, None], grid[None, :] - (y - np.rint(y))[:, None]
    discs = np.clip(radius + 0.5 - np.hypot(dy[:, :, None], dx[:, None, :]), 0.0, 1.0).astype(np.float32)
    size = fft.next_fast_len(2 * half + blur.size)
    product = fft.rfft2(discs, s=(size, size)) * np.conj(fft.rfft2(blur.middle, s=(size, size)))
    shifted = np.roll(fft.irfft2(product, s=(size, size)), (blur.size // 2, blur.size // 2), axis=(1, 2))
    return np.asarray(shifted[:, : 2 * half + 1, : 2 * half + 1])
