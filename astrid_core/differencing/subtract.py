"""Subtract a reference from a science image: tiles with their own PSFs, joined without seams, calibrated noise."""

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.calibrate import calibrate
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.frame import Pair, subtract_tiles
from astrid_core.differencing.masks import union_mask
from astrid_core.differencing.noise import ResidualNoise
from astrid_core.differencing.psf_pair import match_psfs, psfs_of_stars
from astrid_core.differencing.trails import find_trails
from astrid_core.shared.errors import TooFewSources, TooLittleOverlap
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane, SkyImage

VERSION = 3
"""Raise when the same inputs should give a different result."""

_SAMPLE = 200_000
_WORTH = 0.95
"""A kernel must lower the error on sources to this part to be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One subtracted pair on the science grid; arrays (ny, nx), fluxes in science counts."""

    difference: FloatImage
    """D: a new source of flux F appears as F times ``psf``."""
    variance: FloatImage
    """Variance of D, counts^2."""
    score: FloatImage
    """Signed S_corr in sigma, the PSF flux over its error; NaN nowhere, meaningless where masked."""
    flux_err: FloatImage
    """Standard deviation of the PSF flux of a source at each pixel, counts, with all that the score allows for."""
    mask: MaskImage
    psf: FloatImage
    """P_D at the centre of the frame, sum 1."""
    science_pixel: FloatImage
    """What unit light in one pixel of the science image leaves in D: the rival explanation of a peak."""
    reference_pixel: FloatImage
    overlap: float
    """Usable fraction of the science pixels that the reference covers."""
    score_noise: float
    """Robust standard deviation of the score before it was divided by it: 1 for uncorrelated, well-known noise."""
    residual: ResidualNoise
    """What the score allows for beyond photons and read noise."""
    source_noise: float
    """How much noisier, at least, the score is on bright sources than on the sky before ``residual`` is allowed for: 1
    where PSFs, registration and flux scale fit.
    """
    source_flux_err: float
    """Median flux error on bright sources, counts, raised where it does not explain what is seen; NaN for none."""
    method: str
    """``zogy`` with PSFs measured on stars, ``kernel`` with PSFs matched on all light (see psf_pair)."""
    method_reason: str
    """Why that one."""

    @property
    def flux(self) -> FloatImage:
        """PSF flux of a source at each pixel, counts."""
        return self.score * self.flux_err


def subtract(
    science: SkyImage,
    reference: SkyImage,
    config: DifferenceConfig,
    *,
    workers: int | None = None,
    arrays: ModuleType = np,
) -> Difference:
    """Subtract ``reference`` (on the science grid and flux scale, both with PSF, no background) from ``science``.

    ``workers`` tiles are computed at a time, by default as many as this process has cores; the result does not depend
    on it. ``arrays`` is the library that computes them (see ``arrays.open_arrays``); results of two libraries differ by
    rounding. Raises TooLittleOverlap; TooFewSources where a kernel is asked for and nothing tells it.
    """
    measured = psfs_of_stars(science, reference)
    good = science.usable
    n_good = int(good.sum())
    good &= reference.usable
    overlap = float(good.sum() / max(n_good, 1))
    if overlap < config.min_overlap:
        raise TooLittleOverlap("reference covers too little", overlap=overlap, required=config.min_overlap)
    pair = Pair(
        science, reference, measured, None if good.all() else ~good,
        _typical(science.variance, good), _typical(reference.variance, good), arrays,
    )  # fmt: skip
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        if config.method == "kernel":
            pair = replace(pair, psfs=match_psfs(science, reference))
            return _subtracted(pair, config, pool, overlap=overlap, reason="set")
        first = _subtracted(pair, config, pool, overlap=overlap, reason="set")
        if config.method == "zogy":
            return first
        return _better(first, pair, config, pool)


def _better(first: Difference, pair: Pair, config: DifferenceConfig, pool: Executor) -> Difference:
    """Return ``first``, or the difference with matched PSFs where those of the stars do not fit and it does better."""
    found = f"with the PSFs of the stars the score is {first.source_noise:.2f} times as noisy on sources as on the sky"
    if first.source_noise <= config.max_source_noise:
        return replace(first, method_reason=found)
    try:
        matched = match_psfs(pair.science, pair.reference, min_stamps=config.min_kernel_sources)
    except TooFewSources as error:
        return replace(first, method_reason=f"{found}; {error}")
    second = _subtracted(replace(pair, psfs=matched), config, pool, overlap=first.overlap, reason="")
    errors = f"{second.source_flux_err:.4g} counts with a kernel, {first.source_flux_err:.4g} without"
    reason = f"{found}; the median error there is {errors}"
    best = second if second.source_flux_err < _WORTH * first.source_flux_err else first
    return replace(best, method_reason=reason)


def _subtracted(pair: Pair, config: DifferenceConfig, pool: Executor, *, overlap: float, reason: str) -> Difference:
    science, reference, psfs = pair.science, pair.reference, pair.psfs
    fwhm = max(psfs.science.fwhm_pix, psfs.reference.fwhm_pix)
    tiles = subtract_tiles(pair, config, pool)
    planes = tiles.planes
    mask = union_mask(science, reference, pair.bad, planes, max_mask_weight=config.max_mask_weight, fwhm_pix=fwhm)
    if not (mask == 0).any():
        raise TooLittleOverlap("no usable pixel is left", overlap=overlap, required=config.min_overlap)
    per_light2 = (psfs.science.pixel_error**2) * float(tiles.middle.science_variance[0, 0].real) + (
        psfs.reference.pixel_error**2
    ) * float(tiles.middle.reference_variance[0, 0].real)
    result = calibrate(
        planes, mask == 0, tiles.drift, config, pool,
        fwhm_pix=fwhm, psf_error=(per_light2, max(psfs.science.size, psfs.reference.size) // 2),
    )  # fmt: skip
    mask |= find_trails(result.score, mask == 0, fwhm_pix=fwhm).astype(np.uint16) * np.uint16(MaskPlane.TRAIL)
    variance = science.variance + reference.variance
    variance *= np.float32(result.noise**2)
    if pair.bad is not None:
        planes.difference[pair.bad] = np.nan
        variance[pair.bad] = np.nan
    return Difference(
        difference=planes.difference,
        variance=variance,
        score=result.score,
        flux_err=result.flux_err,
        mask=mask,
        psf=tiles.responses.point_source,
        science_pixel=tiles.responses.science_pixel,
        reference_pixel=tiles.responses.reference_pixel,
        overlap=overlap,
        score_noise=result.noise,
        residual=result.residual,
        source_noise=result.source_noise,
        source_flux_err=result.source_flux_err,
        method=psfs.method,
        method_reason=reason,
    )


def _typical(variance: FloatImage, good: NDArray[np.bool_]) -> float:
    """Return the median variance of good pixels: the sky's."""
    step = max(1, round(np.sqrt(variance.size / _SAMPLE)))
    values = variance[::step, ::step][good[::step, ::step]]
    return float(np.median(values if len(values) else variance[good]))
