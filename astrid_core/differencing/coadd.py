"""Several prepared exposures of one field as one deep image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.differencing.combine import combine
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.flux_scale import measure_flux_ratio
from astrid_core.preprocessing.astrometry import tie_by_patterns, tie_to_reference
from astrid_core.preprocessing.psf import measure_psf
from astrid_core.preprocessing.register import resample
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.shared.errors import BadPixels, NotRegistered, TooFewSources
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage

T = TypeVar("T", np.float32, np.uint16)

VERSION = 2
"""Raise when the same inputs should give a different result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coadd:
    """A coadded image, the positions (in the list of inputs) of those that went in, and its noise."""

    image: SkyImage
    used: tuple[int, ...]
    fwhm_pix: float
    sky_rms: float


def coadd(images: Sequence[SkyImage], config: ReferenceConfig, *, sky_known: Sequence[bool]) -> Coadd:
    """Coadd prepared images: sharpest first as the base, the others registered and scaled to it, outliers clipped.

    Weights are those of least noise for a point source, 1 / (sigma^2 FWHM^2). ``sky_known`` tells which WCS may be
    trusted for registration. Inputs that cannot be registered are left out; raises BadPixels if none remains.
    """
    order = _rank(images, config)
    base_index = next((index for index in order if sky_known[index]), order[0])
    order = [base_index, *(index for index in order if index != base_index)]
    base = _padded(images[base_index], [images[index] for index in order], config)
    base_sources = _sources(base)
    stack, used = [base], [base_index]
    for index in order[1:]:
        if len(used) == config.max_inputs:
            break
        placed = _place(images[index], base, base_sources, trust=sky_known[index])
        if placed is not None:
            stack.append(placed)
            used.append(index)
    fwhm = np.array([_fwhm(images[index]) for index in used])
    noise = np.array([_sky_noise(placed) for placed in stack])
    combined = combine(stack, 1.0 / (noise * fwhm) ** 2, config)
    usable = combined.usable
    if not usable.any():
        raise BadPixels("no usable pixel in the coadd", n_inputs=len(used))
    psf = _measured_psf(combined) or base.psf
    if psf is None:
        raise TooFewSources("no PSF for the coadd", n_inputs=len(used))
    return Coadd(
        image=replace(combined, psf=psf),
        used=tuple(sorted(used)),
        fwhm_pix=psf.fwhm_pix,
        sky_rms=float(np.sqrt(np.median(combined.variance[usable]))),
    )


def _rank(images: Sequence[SkyImage], config: ReferenceConfig) -> list[int]:
    """Order inputs by how well they show a point source; drop those blurred beyond the limit."""
    sharpest = min(_fwhm(image) for image in images)
    kept = [index for index, image in enumerate(images) if _fwhm(image) <= config.max_fwhm_ratio * sharpest]
    return sorted(kept, key=lambda index: (_sky_noise(images[index]) * _fwhm(images[index]), index))


def _fwhm(image: SkyImage) -> float:
    if image.psf is None:
        raise ValueError("a prepared image carries its PSF")
    return image.psf.fwhm_pix


def _sky_noise(image: SkyImage) -> float:
    usable = image.usable
    return float(np.sqrt(np.median(image.variance[usable]))) if usable.any() else float("inf")


def _padded(base: SkyImage, images: Sequence[SkyImage], config: ReferenceConfig) -> SkyImage:
    """Return ``base`` on a grid of its own pixels that holds all images with a WCS, as far as ``max_side_pix`` allows.

    The base is copied, not interpolated: its noise stays as it is.
    """
    if base.wcs is None:
        raise BadPixels("a reference needs sky coordinates", n_inputs=len(images))
    low, high = np.zeros(2), np.array(base.shape[::-1], dtype=float) - 1.0
    for image in images:
        if image.wcs is None:
            continue
        ny, nx = image.shape
        corners = image.wcs.pixel_to_world([0, nx - 1, 0, nx - 1], [0, 0, ny - 1, ny - 1])
        xy = np.array(base.wcs.world_to_pixel(corners))
        grown_low, grown_high = np.minimum(low, xy.min(axis=1)), np.maximum(high, xy.max(axis=1))
        if np.isfinite(xy).all() and (grown_high - grown_low).max() < config.max_side_pix:
            low, high = grown_low, grown_high
    corner, behind = np.floor(low).astype(int), np.ceil(high).astype(int) + 1
    shape = (int(behind[1] - corner[1]), int(behind[0] - corner[0]))
    inside = np.s_[-corner[1] : base.shape[0] - corner[1], -corner[0] : base.shape[1] - corner[0]]
    return SkyImage(
        pixels=_laid_out(base.pixels, shape, inside, np.nan),
        variance=_laid_out(base.variance, shape, inside, np.nan),
        mask=_laid_out(base.mask, shape, inside, MaskPlane.NO_DATA),
        wcs=_moved(base.wcs, corner),
        psf=base.psf,
    )


def _laid_out(plane: NDArray[T], shape: tuple[int, int], inside: tuple[slice, slice], blank: float) -> NDArray[T]:
    larger = np.full(shape, blank, dtype=plane.dtype)
    larger[inside] = plane
    return larger


def _moved(wcs: WCS, corner: NDArray[np.int_]) -> WCS:
    moved = wcs.deepcopy()
    moved.wcs.crpix = moved.wcs.crpix - corner
    if moved.sip is not None:
        moved.sip.crpix[:] = moved.sip.crpix - corner
    moved.wcs.set()
    return moved


def _place(image: SkyImage, base: SkyImage, base_sources: SourceList, *, trust: bool) -> SkyImage | None:
    """Return ``image`` on the grid and flux scale of ``base``; None if it does not match."""
    sources = _sources(image)
    try:
        if trust and image.wcs is not None:
            tied = tie_to_reference(sources, image.wcs, image.shape, base_sources, base.wcs)
        else:
            tied = tie_by_patterns(sources, image.shape, base_sources, base.wcs)
        placed = replace(resample(replace(image, wcs=tied.wcs), base.wcs, base.shape), psf=image.psf)
        ratio = measure_flux_ratio(base, placed, base_sources)
    except (NotRegistered, TooFewSources):
        return None
    return replace(
        placed,
        pixels=(placed.pixels * np.float32(ratio)).astype(np.float32),
        variance=(placed.variance * np.float32(ratio**2)).astype(np.float32),
    )


def _sources(image: SkyImage) -> SourceList:
    bad = ~image.usable
    sky = _sky_noise(image)
    return detect_sources(image.pixels, np.full(image.shape, sky, dtype=np.float32), bad, threshold_sigma=5.0)


def _measured_psf(image: SkyImage) -> PsfModel | None:
    try:
        return measure_psf(
            image.pixels,
            ~image.usable,
            _sources(image),
            saturation=None,
            max_stars=200,
            min_snr=30.0,
            variance=image.variance,
        ).model
    except TooFewSources:
        return None
