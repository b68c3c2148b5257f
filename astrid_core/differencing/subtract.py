"""Subtract a reference from a science image: tiles with their own PSFs, joined without seams, calibrated noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.noise import (
    ResidualNoise,
    Scene,
    calibrate_score,
    fit_residual_noise,
    local_correction,
    psf_model_noise,
)
from astrid_core.differencing.tiles import Window, lift, windows
from astrid_core.differencing.trails import find_trails
from astrid_core.differencing.zogy import (
    Kernels,
    Responses,
    Tile,
    fill_masked,
    make_kernels,
    masked_weight,
    respond,
    subtract_tile,
)
from astrid_core.shared.errors import TooLittleOverlap, UnreliableScore
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane, SkyImage

VERSION = 1
"""Raise when the same inputs should give a different result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One subtracted pair on the science grid; arrays (ny, nx), fluxes in science counts."""

    difference: FloatImage
    """D: a new source of flux F appears as F times ``psf``."""
    variance: FloatImage
    """Variance of D, counts^2."""
    score: FloatImage
    """Signed S_corr in sigma; NaN nowhere, meaningless where masked."""
    flux: FloatImage
    """PSF flux of a source at each pixel, counts."""
    flux_err: FloatImage
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


@dataclass(frozen=True, slots=True)
class _Planes:
    """Frame-sized sums of blended tiles."""

    difference: FloatImage
    score: FloatImage
    variance: FloatImage
    light: FloatImage
    gradient2: FloatImage
    curvature: FloatImage
    flux_scale: FloatImage
    mask_weight: FloatImage
    weight: FloatImage


def subtract(science: SkyImage, reference: SkyImage, config: DifferenceConfig) -> Difference:
    """Subtract ``reference`` (on the science grid and flux scale, both with PSF, no background) from ``science``.

    Raises TooLittleOverlap, or UnreliableScore when the noise of the score cannot be calibrated.
    """
    if science.psf is None or reference.psf is None:
        raise ValueError("both images need a PSF")
    good_science, good_reference = science.usable, reference.usable
    overlap = float((good_science & good_reference).sum() / max(good_science.sum(), 1))
    if overlap < config.min_overlap:
        raise TooLittleOverlap("reference covers too little", overlap=overlap, required=config.min_overlap)
    bad = ~(good_science & good_reference)
    planes, middle, responses = _all_tiles(science, reference, bad, config)

    fwhm = max(science.psf.fwhm_pix, reference.psf.fwhm_pix)
    mask = _union_mask(science, reference, planes, bad, config, margin_pix=max(2, round(fwhm)))
    usable = mask == 0
    if not usable.any():
        raise TooLittleOverlap("no usable pixel is left", overlap=overlap, required=config.min_overlap)
    scene = Scene(planes.light, planes.gradient2, planes.curvature)
    variance = planes.variance + psf_model_noise(
        planes.light / planes.flux_scale,
        per_flux2=(science.psf.pixel_error**2) * float(middle.science_variance[0, 0].real)
        + (reference.psf.pixel_error**2) * float(middle.reference_variance[0, 0].real),
        quiet=float(np.median(planes.variance)),
        reach_pix=max(science.psf.size, reference.psf.size) // 2,
    )
    residual = fit_residual_noise(planes.score, variance, scene, usable, fwhm_pix=fwhm)
    score = planes.score / np.sqrt(variance + residual.variance(scene))
    calibrated = calibrate_score(score, usable)
    if not 1.0 / config.max_score_noise < calibrated.noise < config.max_score_noise:
        raise UnreliableScore(
            "noise of the score is off", score_noise=calibrated.noise, allowed_up_to=config.max_score_noise
        )
    trails = find_trails(calibrated.score, usable, fwhm_pix=fwhm)
    mask |= np.where(trails, np.uint16(MaskPlane.TRAIL), np.uint16(0))
    noise2 = np.float32(calibrated.noise**2)
    raw_variance = np.where(bad, np.nan, science.variance) + np.where(bad, np.nan, reference.variance)
    return Difference(
        difference=np.where(bad, np.float32(np.nan), planes.difference).astype(np.float32),
        variance=(raw_variance * noise2).astype(np.float32),
        score=calibrated.score.astype(np.float32),
        flux=(planes.score / planes.flux_scale).astype(np.float32),
        flux_err=(np.sqrt(planes.variance * noise2) / planes.flux_scale).astype(np.float32),
        mask=mask,
        psf=responses.point_source,
        science_pixel=responses.science_pixel,
        reference_pixel=responses.reference_pixel,
        overlap=overlap,
        score_noise=calibrated.noise,
        residual=residual,
    )


def _all_tiles(
    science: SkyImage, reference: SkyImage, bad: NDArray[np.bool_], config: DifferenceConfig
) -> tuple[_Planes, Kernels, Responses]:
    assert science.psf is not None and reference.psf is not None  # noqa: S101, PT018 - subtract() checked
    ny, nx = science.shape
    science_sky2 = float(np.median(science.variance[~bad]))
    reference_sky2 = float(np.median(reference.variance[~bad]))
    n, r = _finite(science.pixels, bad), _finite(reference.pixels, bad)
    v_n = np.where(bad, np.float32(science_sky2), science.variance)
    v_r = np.where(bad, np.float32(reference_sky2), reference.variance)
    guard = max(science.psf.size, reference.psf.size) // 2 + 8
    planes = _Planes(*(np.zeros((ny, nx), dtype=np.float32) for _ in _Planes.__slots__))
    constant = science.psf.degree == 0 and reference.psf.degree == 0
    kernels: Kernels | None = None
    for window in windows((ny, nx), config.tile_pix, config.overlap_pix, guard):
        if kernels is None or not constant or kernels.shape != window.weight.shape:
            kernels = make_kernels(
                science.psf.at(*window.centre),
                reference.psf.at(*window.centre),
                science_variance=science_sky2,
                reference_variance=reference_sky2,
                shape=(window.weight.shape[0], window.weight.shape[1]),
            )
        holes = lift(bad, window, fill=True)
        tile = _one_tile(
            lift(n, window), lift(r, window),
            lift(v_n, window, fill=science_sky2), lift(v_r, window, fill=reference_sky2),
            holes, kernels, config,
        )  # fmt: skip
        _add(planes, window, tile, kernels, holes)
    for name in _Planes.__slots__[:-1]:
        plane = getattr(planes, name)
        plane /= planes.weight
    size = max(science.psf.size, reference.psf.size)
    middle = make_kernels(
        science.psf.at((nx - 1) / 2, (ny - 1) / 2),
        reference.psf.at((nx - 1) / 2, (ny - 1) / 2),
        science_variance=science_sky2,
        reference_variance=reference_sky2,
        shape=(2 * size, 2 * size),
    )
    return planes, middle, respond(science.psf.at((nx - 1) / 2, (ny - 1) / 2), middle, size=size)


def _one_tile(
    n: FloatImage,
    r: FloatImage,
    v_n: FloatImage,
    v_r: FloatImage,
    holes: NDArray[np.bool_],
    kernels: Kernels,
    config: DifferenceConfig,
) -> Tile:
    if holes.any():
        n = fill_masked(n, r, holes, kernels, iterations=config.fill_iterations)
    tile = subtract_tile(n, r, v_n, v_r, kernels)
    shift = local_correction(tile, holes)
    return shift.apply(tile)


def _add(planes: _Planes, window: Window, tile: Tile, kernels: Kernels, holes: NDArray[np.bool_]) -> None:
    light, gradient2, curvature = _common_light(tile)
    parts = (
        (planes.difference, tile.difference),
        (planes.score, tile.score),
        (planes.variance, tile.score_variance),
        (planes.light, light),
        (planes.gradient2, gradient2),
        (planes.curvature, curvature),
        (planes.flux_scale, np.full(kernels.shape, kernels.flux_scale, dtype=np.float32)),
        (planes.mask_weight, masked_weight(holes, kernels) if holes.any() else np.zeros(kernels.shape, np.float32)),
        (planes.weight, np.ones(kernels.shape, dtype=np.float32)),
    )
    rows, columns = window.outer
    inside = np.s_[
        window.pad[0] : window.pad[0] + rows.stop - rows.start,
        window.pad[1] : window.pad[1] + columns.stop - columns.start,
    ]
    for plane, values in parts:
        plane[window.outer] += (values * window.weight)[inside]


def _common_light(tile: Tile) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Return light, squared gradient and curvature of what both images show, the smaller of the two at each pixel.

    Only what stays can be subtracted badly: a source that came or went must not pay for its own gradient.
    """
    both = (tile.reference_score, tile.score + tile.reference_score)
    gradients2 = [np.square(gx) + np.square(gy) for gy, gx in (np.gradient(one) for one in both)]
    bends = [np.abs(ndimage.laplace(one)) for one in both]
    return np.minimum(*both), np.minimum(*gradients2), np.minimum(*bends)


def _finite(pixels: FloatImage, bad: NDArray[np.bool_]) -> FloatImage:
    return np.where(bad & ~np.isfinite(pixels), np.float32(0.0), pixels).astype(np.float32)


def _union_mask(
    science: SkyImage,
    reference: SkyImage,
    planes: _Planes,
    bad: NDArray[np.bool_],
    config: DifferenceConfig,
    *,
    margin_pix: int,
) -> MaskImage:
    """Science planes, the reference's under their own bit, the margin of the frame, and every pixel whose filter leans
    on masked ones.
    """
    mask = science.mask.astype(np.uint16)
    mask |= np.where(~np.isfinite(science.pixels), np.uint16(MaskPlane.NO_DATA), np.uint16(0))
    mask |= np.where(~reference.usable, np.uint16(MaskPlane.REFERENCE), np.uint16(0))
    edge = np.ones_like(bad)
    edge[margin_pix:-margin_pix, margin_pix:-margin_pix] = False
    mask |= np.where(edge, np.uint16(MaskPlane.EDGE), np.uint16(0))
    leaning = (planes.mask_weight > config.max_mask_weight) & ~bad & ~edge
    return mask | np.where(leaning, np.uint16(MaskPlane.FILLED), np.uint16(0))
