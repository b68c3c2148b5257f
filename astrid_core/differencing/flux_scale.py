"""The ratio of science to reference counts, from the stars both images hold, and what is left of the background."""

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import signal

from astrid_core.preprocessing.background import fit_background
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, SkyImage

_MIN_STARS = 3


def measure_flux_ratio(science: SkyImage, reference: SkyImage, sources: SourceList) -> float:
    """Return science counts per reference count, the weighted median over sources of the ratio of their fluxes.

    Each image is first blurred with the PSF of the other: both then have the same PSF, and equal apertures hold equal
    parts of every star and galaxy and of their neighbours. Raises TooFewSources.
    """
    assert science.psf is not None and reference.psf is not None  # noqa: S101, PT018 - callers measure both first
    radius = 1.5 * float(np.hypot(science.psf.fwhm_pix, reference.psf.fwhm_pix))
    bad = ~(science.usable & reference.usable)
    picked = sources.take(sources.clean & (sources.snr > 10.0)).take(slice(0, 400))
    science_flux, science_err = _aperture(_blurred(science, reference, bad), science, picked, radius, bad)
    reference_flux, reference_err = _aperture(_blurred(reference, science, bad), reference, picked, radius, bad)
    good = (science_flux > 5.0 * science_err) & (reference_flux > 5.0 * reference_err)
    if good.sum() < _MIN_STARS:
        raise TooFewSources("too few common stars for the flux scale", n_stars=int(good.sum()), required=_MIN_STARS)
    ratio = science_flux[good] / reference_flux[good]
    error = np.hypot(science_err[good] / science_flux[good], reference_err[good] / reference_flux[good])
    # Relative errors, so that exchanging the images inverts the ratio. Variables and colours leave a floor of some per
    # cent: the brightest star must not decide alone.
    return _weighted_median(ratio, 1.0 / np.hypot(error, 0.03))


def match_background(science: SkyImage, reference: SkyImage, *, box_pix: int) -> FloatImage:
    """Return the smooth part of science minus reference (on one flux scale), to be taken from the science pixels."""
    bad = ~(science.usable & reference.usable)
    return fit_background((science.pixels - reference.pixels).astype(np.float32), bad, box_pix=box_pix).level


def _blurred(image: SkyImage, other: SkyImage, bad: NDArray[np.bool_]) -> FloatImage:
    assert other.psf is not None  # noqa: S101 - measure_flux_ratio() checked
    ny, nx = other.shape
    psf = other.psf.at((nx - 1) / 2, (ny - 1) / 2)
    return np.asarray(signal.oaconvolve(np.where(bad, np.float32(0.0), image.pixels), psf, mode="same"), np.float32)


def _aperture(
    blurred: FloatImage, image: SkyImage, sources: SourceList, radius: float, bad: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return fluxes in the blurred image and their errors; NaN where the aperture holds unusable pixels.

    The errors are those of the unblurred pixels, which blurring within the aperture hardly changes.
    """
    var = np.ascontiguousarray(np.where(bad, 0.0, image.variance), dtype=np.float32)
    mask = np.ascontiguousarray(bad)
    flux, err, flag = sep.sum_circle(
        np.ascontiguousarray(blurred), sources.x_pix, sources.y_pix, radius, var=var, mask=mask, subpix=5
    )
    spoiled = (flag & (sep.APER_HASMASKED | sep.APER_TRUNC)) != 0
    return np.where(spoiled, np.nan, flux), np.where(spoiled, np.nan, err)


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])
