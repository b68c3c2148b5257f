"""Subtract a reference from a science image: tiles with their own PSFs, joined without seams, calibrated noise."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.calibrate import Calibrated, calibrate
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.fields import Field
from astrid_core.differencing.masks import union_mask
from astrid_core.differencing.noise import ResidualNoise
from astrid_core.differencing.planes import Planes, Responses
from astrid_core.differencing.psf_drift import psf_drift
from astrid_core.differencing.tiles import Window, apart, strips
from astrid_core.differencing.trails import find_trails
from astrid_core.differencing.zogy import (
    Kernels,
    PsfSpectrum,
    fill_masked,
    flux_scale,
    make_kernels,
    masked_weight,
    respond,
    subtract_tile,
    transform_psf,
)
from astrid_core.shared.errors import TooLittleOverlap, UnreliableScore
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane, PsfModel, SkyImage

VERSION = 2
"""Raise when the same inputs should give a different result."""

_SAMPLE = 200_000


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

    @property
    def flux(self) -> FloatImage:
        """PSF flux of a source at each pixel, counts."""
        return self.score * self.flux_err


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two images as transforms want them: finite, and what belongs to them as a whole."""

    science: SkyImage
    science_psf: PsfModel
    reference: SkyImage
    reference_psf: PsfModel
    bad: NDArray[np.bool_] | None
    """None where all pixels are good."""
    science_sky2: float
    reference_sky2: float


def subtract(
    science: SkyImage, reference: SkyImage, config: DifferenceConfig, *, workers: int | None = None
) -> Difference:
    """Subtract ``reference`` (on the science grid and flux scale, both with PSF, no background) from ``science``.

    ``workers`` tiles are computed at a time, by default as many as this process has cores; the result does not depend
    on it. Raises TooLittleOverlap, or UnreliableScore when the noise of the score cannot be calibrated.
    """
    if science.psf is None or reference.psf is None:
        raise ValueError("both images need a PSF")
    good = science.usable
    n_good = int(good.sum())
    good &= reference.usable
    overlap = float(good.sum() / max(n_good, 1))
    if overlap < config.min_overlap:
        raise TooLittleOverlap("reference covers too little", overlap=overlap, required=config.min_overlap)
    pair = _Pair(
        science, science.psf, reference, reference.psf, None if good.all() else ~good,
        _typical(science.variance, good), _typical(reference.variance, good),
    )  # fmt: skip
    fwhm = max(science.psf.fwhm_pix, reference.psf.fwhm_pix)
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        planes, middle, responses, drift = _all_tiles(pair, config, pool)
        mask = union_mask(
            science, reference, pair.bad, planes, max_mask_weight=config.max_mask_weight, fwhm_pix=fwhm
        )  # fmt: skip
        usable = mask == 0
        if not usable.any():
            raise TooLittleOverlap("no usable pixel is left", overlap=overlap, required=config.min_overlap)
        per_light2 = (science.psf.pixel_error**2) * float(middle.science_variance[0, 0].real) + (
            reference.psf.pixel_error**2
        ) * float(middle.reference_variance[0, 0].real)
        reach = max(science.psf.size, reference.psf.size) // 2
        result = calibrate(planes, usable, drift, config, pool, fwhm_pix=fwhm, psf_error=(per_light2, reach))
    if not config.min_score_noise < result.noise < config.max_score_noise:
        raise UnreliableScore(
            "noise of the score is off",
            score_noise=result.noise,
            allowed_from=config.min_score_noise,
            allowed_up_to=config.max_score_noise,
        )
    return _finished(pair, planes, result, responses, mask, overlap=overlap, fwhm_pix=fwhm)


def _finished(
    pair: _Pair,
    planes: Planes,
    result: Calibrated,
    responses: Responses,
    mask: MaskImage,
    *,
    overlap: float,
    fwhm_pix: float,
) -> Difference:
    trails = find_trails(result.score, mask == 0, fwhm_pix=fwhm_pix)
    mask |= trails.astype(np.uint16) * np.uint16(MaskPlane.TRAIL)
    difference = planes.difference
    variance = pair.science.variance + pair.reference.variance
    variance *= np.float32(result.noise**2)
    if pair.bad is not None:
        difference[pair.bad] = np.nan
        variance[pair.bad] = np.nan
    return Difference(
        difference=difference,
        variance=variance,
        score=result.score,
        flux_err=result.flux_err,
        mask=mask,
        psf=responses.point_source,
        science_pixel=responses.science_pixel,
        reference_pixel=responses.reference_pixel,
        overlap=overlap,
        score_noise=result.noise,
        residual=result.residual,
    )


def _typical(variance: FloatImage, good: NDArray[np.bool_]) -> float:
    """Return the median variance of good pixels: the sky's."""
    step = max(1, round(np.sqrt(variance.size / _SAMPLE)))
    values = variance[::step, ::step][good[::step, ::step]]
    return float(np.median(values if len(values) else variance[good]))


def _all_tiles(
    pair: _Pair, config: DifferenceConfig, pool: ThreadPoolExecutor
) -> tuple[Planes, Kernels, Responses, Field]:
    shape = pair.science.shape
    size = max(pair.science_psf.size, pair.reference_psf.size)
    rows, columns = (strips(side, config.tile_pix, overlap=config.overlap_pix, guard=size // 2 + 8) for side in shape)
    planes = _empty_planes(shape, masked=pair.bad is not None)
    groups = apart(rows, columns)
    spectra = {
        one: (transform_psf(pair.science_psf, one), transform_psf(pair.reference_psf, one))
        for one in sorted({window.shape for group in groups for window in group})
    }
    constant = pair.science_psf.degree == 0 and pair.reference_psf.degree == 0
    shared = {one: _kernels(pair, spectra[one], 0.0, 0.0) for one in spectra} if constant else {}

    def do(window: Window) -> None:
        kernels = shared.get(window.shape) or _kernels(
            pair, spectra[window.shape], window.columns.centre, window.rows.centre
        )
        _one_tile(planes, window, pair, kernels, config)

    for group in groups:
        # Asking for the results brings up what went wrong.
        list(pool.map(do, group))
    centre = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    stamp = (2 * size, 2 * size)
    spectrum = transform_psf(pair.science_psf, stamp), transform_psf(pair.reference_psf, stamp)
    middle = _kernels(pair, spectrum, *centre)
    responses = respond(spectrum[0].at(*centre), middle, size=size)
    return planes, middle, responses, psf_drift(pair.science_psf, pair.reference_psf, rows, columns, shape)


def _empty_planes(shape: tuple[int, int], *, masked: bool) -> Planes:
    one, two, three, four, five, six = (np.zeros(shape, dtype=np.float32) for _ in range(6))
    weight = np.zeros(shape, dtype=np.float32) if masked else np.broadcast_to(np.float32(0.0), shape)
    return Planes(one, two, three, four, five, six, weight)


def _kernels(pair: _Pair, spectra: tuple[PsfSpectrum, PsfSpectrum], x_pix: float, y_pix: float) -> Kernels:
    return make_kernels(
        spectra[0].at(x_pix, y_pix),
        spectra[1].at(x_pix, y_pix),
        science_variance=pair.science_sky2,
        reference_variance=pair.reference_sky2,
        shape=spectra[0].shape,
    )


def _one_tile(planes: Planes, window: Window, pair: _Pair, kernels: Kernels, config: DifferenceConfig) -> None:
    n, r = window.lift(pair.science.pixels), window.lift(pair.reference.pixels)
    v_n = window.lift(pair.science.variance, fill=pair.science_sky2)
    v_r = window.lift(pair.reference.variance, fill=pair.reference_sky2)
    weight = window.weight
    if pair.bad is not None:
        holes = window.lift(pair.bad)
        if holes.any():
            n[holes & ~np.isfinite(n)] = 0.0
            r[holes & ~np.isfinite(r)] = 0.0
            v_n[holes], v_r[holes] = pair.science_sky2, pair.reference_sky2
            n = fill_masked(n, r, holes, kernels, iterations=config.fill_iterations)
            window.add(planes.mask_weight, masked_weight(holes, kernels), weight)
    tile = subtract_tile(n, r, v_n, v_r, kernels)
    window.add(planes.difference, tile.difference, weight)
    window.add(planes.reference_difference, tile.reference_difference, weight)
    window.add(planes.score, tile.score, weight)
    window.add(planes.reference_score, tile.reference_score, weight)
    window.add(planes.score_variance, tile.score_variance, weight)
    planes.flux_scale[window.blended] += _flux_scale(window, pair.science_psf, kernels) * weight


def _flux_scale(window: Window, psf: PsfModel, kernels: Kernels) -> FloatImage:
    """Return F_S over the blended part of a tile, linear between its corners."""
    y, x = (np.arange(part.start, part.stop) for part in window.blended)
    corners = flux_scale(kernels, psf, x[[0, -1, 0, -1]].astype(float), y[[0, 0, -1, -1]].astype(float))
    v, u = (np.linspace(0.0, 1.0, len(axis), dtype=np.float32) for axis in (y, x))
    top, bottom = corners[0] + (corners[1] - corners[0]) * u, corners[2] + (corners[3] - corners[2]) * u
    return np.asarray(top + v[:, None] * (bottom - top))
