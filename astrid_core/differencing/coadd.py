"""Several prepared exposures of one field as one deep image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.differencing.combine import combine
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.placed import find_stars, fwhm_of, place_on, sky_noise
from astrid_core.preprocessing.psf import measure_psf
from astrid_core.shared.errors import BadPixels, TooFewSources
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage

T = TypeVar("T", np.float32, np.uint16)

VERSION = 3
"""Raise when the same inputs should give a different result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coadd:
    """A coadded image, the positions (in the list of inputs) of those that went in, and its noise."""

    image: SkyImage
    coverage: NDArray[np.uint16]
    """Number of inputs that each pixel is made of."""
    base: int
    """Position of the input that gave grid and flux scale."""
    used: tuple[int, ...]
    fwhm_pix: float
    sky_rms: float


def coadd(images: Sequence[SkyImage], config: ReferenceConfig, *, sky_known: Sequence[bool]) -> Coadd:
    """Coadd prepared images: sharpest first as the base, the others registered and scaled to it, artefacts left out.

    Weights are those of least noise for a point source, 1 / (sigma^2 FWHM^2). ``sky_known`` tells which WCS may be
    trusted for registration. Inputs that cannot be registered are left out; raises BadPixels if none remains.
    """
    order = _rank(images, config)
    base_index = next((index for index in order if sky_known[index]), order[0])
    order = [base_index, *(index for index in order if index != base_index)]
    base = _padded(images[base_index], [images[index] for index in order], config)
    base_sources = find_stars(base)
    stack, used = [base], [base_index]
    for index in order[1:]:
        if len(used) == config.max_inputs:
            break
        placed = place_on(images[index], base, base_sources, trust=sky_known[index])
        if placed is not None:
            stack.append(placed)
            used.append(index)
    fwhm = np.array([fwhm_of(images[index]) for index in used])
    noise = np.array([sky_noise(placed) for placed in stack])
    combined = combine(stack, 1.0 / (noise * fwhm) ** 2, [float(one) for one in fwhm], config)
    usable = combined.image.usable
    if not usable.any():
        raise BadPixels("no usable pixel in the coadd", n_inputs=len(used))
    psf = _measured_psf(combined.image) or base.psf
    if psf is None:
        raise TooFewSources("no PSF for the coadd", n_inputs=len(used))
    return Coadd(
        image=replace(combined.image, psf=psf),
        coverage=combined.coverage,
        base=base_index,
        used=tuple(sorted(used)),
        fwhm_pix=psf.fwhm_pix,
        sky_rms=float(np.sqrt(np.median(combined.image.variance[usable]))),
    )


def _rank(images: Sequence[SkyImage], config: ReferenceConfig) -> list[int]:
    """Order inputs by how well they show a point source; drop those blurred beyond the limit."""
    sharpest = min(fwhm_of(image) for image in images)
    kept = [index for index, image in enumerate(images) if fwhm_of(image) <= config.max_fwhm_ratio * sharpest]
    return sorted(kept, key=lambda index: (sky_noise(images[index]) * fwhm_of(images[index]), index))


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


def _measured_psf(image: SkyImage) -> PsfModel | None:
    try:
        return measure_psf(
            image.pixels,
            ~image.usable,
            find_stars(image),
            saturation=None,
            max_stars=200,
            min_snr=30.0,
            variance=image.variance,
        ).model
    except TooFewSources:
        return None
