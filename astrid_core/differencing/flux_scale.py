"""The ratio of science to reference counts, from the stars both images hold, and what is left of the background."""

import numpy as np
import sep
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astrid_core.preprocessing.background import fit_background
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, SkyImage

_MIN_STARS = 3


def measure_flux_ratio(science: SkyImage, reference: SkyImage, sources: SourceList) -> float:
    """Return science counts per reference count, the weighted median over sources of the ratio of their fluxes.

    Fluxes are sums in equal apertures of two of the larger FWHM on both images, so neither PSF matters much. Raises
    TooFewSources.
    """
    assert science.psf is not None and reference.psf is not None  # noqa: S101, PT018 - callers measure both first
    radius = 1.5 * max(science.psf.fwhm_pix, reference.psf.fwhm_pix)
    both_bad = ~(science.usable & reference.usable)
    picked = sources.take(sources.clean & (sources.snr > 10.0)).take(slice(0, 400))
    science_flux, science_err = _aperture(science, picked, radius, both_bad)
    reference_flux, reference_err = _aperture(reference, picked, radius, both_bad)
    good = (science_flux > 5.0 * science_err) & (reference_flux > 5.0 * reference_err)
    if good.sum() < _MIN_STARS:
        raise TooFewSources("too few common stars for the flux scale", n_stars=int(good.sum()), required=_MIN_STARS)
    ratio = science_flux[good] / reference_flux[good]
    error = ratio * np.hypot(science_err[good] / science_flux[good], reference_err[good] / reference_flux[good])
    # Variables and PSF differences leave a floor of some per cent: the brightest star must not decide alone.
    weight = 1.0 / np.hypot(error, 0.03 * ratio)
    return _weighted_median(ratio, weight)


def match_background(science: SkyImage, reference: SkyImage, *, box_pix: int) -> FloatImage:
    """Return the smooth part of science minus reference (on one flux scale), to be taken from the science pixels."""
    bad = ~(science.usable & reference.usable)
    return fit_background((science.pixels - reference.pixels).astype(np.float32), bad, box_pix=box_pix).level


def _aperture(
    image: SkyImage, sources: SourceList, radius: float, bad: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    data = np.ascontiguousarray(np.where(bad, 0.0, image.pixels), dtype=np.float32)
    var = np.ascontiguousarray(np.where(bad, 0.0, image.variance), dtype=np.float32)
    flux, err, flag = sep.sum_circle(
        data, sources.x_pix, sources.y_pix, radius, var=var, mask=np.ascontiguousarray(bad), subpix=5
    )
    crowded = _has_neighbour(sources, 2.0 * radius)
    spoiled = (flag & (sep.APER_HASMASKED | sep.APER_TRUNC)) != 0
    return np.where(spoiled | crowded, np.nan, flux), np.where(spoiled | crowded, np.nan, err)


def _has_neighbour(sources: SourceList, reach: float) -> NDArray[np.bool_]:
    xy = np.stack([sources.x_pix, sources.y_pix], axis=1)
    return np.asarray(cKDTree(xy).query_ball_point(xy, reach, return_length=True)) > 1


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])
