"""References: which exposures are coadded, how, and which coadd an exposure is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.differencing.config import DifferenceConfig, ReferenceConfig
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.flux_scale import measure_flux_ratio
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.astrometry import tie_by_patterns, tie_to_reference
from astrid_core.preprocessing.psf import measure_psf
from astrid_core.preprocessing.register import resample
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.shared.errors import BadPixels, NoReference, NotRegistered, TooFewSources
from astrid_core.shared.images import FloatImage, MaskPlane, PsfModel, SkyImage
from astrid_core.shared.sky import separation_arcsec

VERSION = 1
"""Raise when the same inputs should give a different result."""

_CLIP_FROM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Coadd:
    """A coadded image, the positions (in the list of inputs) of those that went in, and its noise."""

    image: SkyImage
    used: tuple[int, ...]
    fwhm_pix: float
    sky_rms: float


def choose_reference(
    observation: Observation, references: Sequence[ReferenceImage], config: DifferenceConfig
) -> ReferenceImage:
    """Return the reference that ``observation`` is compared with, or raise NoReference.

    It must not contain the observation's own night. Its own band goes before a compatible one, its own survey before
    another, the nearest pointing (in steps of a quarter field) before a farther one, the newest version before older.
    """
    bands = {observation.band: 0}
    for one, other in config.compatible_bands:
        if observation.band in (one, other):
            bands.setdefault(other if observation.band == one else one, 1)
    eligible = [
        reference
        for reference in references
        if reference.band in bands
        and observation.night not in reference.nights
        and separation_arcsec(observation.position, reference.position) / 3600.0
        < observation.radius_deg + reference.radius_deg
    ]
    if not eligible:
        raise NoReference(
            "no reference from another night covers it; build one",
            band=observation.band,
            night=observation.night,
            n_references_near=len(references),
        )

    def rank(reference: ReferenceImage) -> tuple[int, bool, int, int, str]:
        away = separation_arcsec(observation.position, reference.position) / 3600.0 / max(observation.radius_deg, 1e-6)
        return (
            bands[reference.band],
            reference.survey != observation.survey,
            int(away * 4.0),
            -reference.version,
            reference.digest,
        )

    return min(eligible, key=rank)


def group_pointings(observations: Sequence[Observation]) -> tuple[tuple[Observation, ...], ...]:
    """Split exposures into groups whose centres lie within half a field of the group's first (the earliest)."""
    groups: list[list[Observation]] = []
    for observation in sorted(observations, key=lambda one: (one.mid_mjd, one.id)):
        for group in groups:
            apart = separation_arcsec(group[0].position, observation.position) / 3600.0
            if apart < 0.5 * min(group[0].radius_deg, observation.radius_deg):
                group.append(observation)
                break
        else:
            groups.append([observation])
    return tuple(tuple(group) for group in groups)


def coadd(images: Sequence[SkyImage], config: ReferenceConfig, *, sky_known: Sequence[bool]) -> Coadd:
    """Coadd prepared images: sharpest first as the base, the others registered and scaled to it, outliers clipped.

    Weights are those of least noise for a point source, 1 / (sigma^2 FWHM^2). ``sky_known`` tells which WCS may be
    trusted for registration. Inputs that cannot be registered are left out; raises BadPixels if none remains.
    """
    order = _rank(images, config)
    base_index = next((index for index in order if sky_known[index]), order[0])
    base = images[base_index]
    if base.wcs is None:
        raise BadPixels("a reference needs sky coordinates", n_inputs=len(images))
    wcs, shape = _union_grid(base, [images[index] for index in order], config)
    base_sources = _sources(base)
    stack, used = [], []
    for index in order:
        placed = _place(
            images[index], base, base_sources, wcs, shape, trust=sky_known[index], is_base=index == base_index
        )
        if placed is not None:
            stack.append(placed)
            used.append(index)
        if len(used) == config.max_inputs:
            break
    weights = np.array([_weight(image, images[index]) for image, index in zip(stack, used, strict=True)])
    pixels, variance, mask = _combine(stack, weights, config)
    combined = SkyImage(pixels=pixels, variance=variance, mask=mask, wcs=wcs)
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
        sky_rms=float(np.sqrt(np.median(variance[usable]))),
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


def _weight(placed: SkyImage, original: SkyImage) -> float:
    noise = _sky_noise(placed)
    return 1.0 / (noise * _fwhm(original)) ** 2


def _union_grid(base: SkyImage, images: Sequence[SkyImage], config: ReferenceConfig) -> tuple[WCS, tuple[int, int]]:
    """Extend the grid of ``base`` to hold all images that have a WCS, as far as ``max_side_pix`` allows."""
    assert base.wcs is not None  # noqa: S101 - coadd() checked
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
    low, high = np.floor(low).astype(int), np.ceil(high).astype(int)
    wcs = base.wcs.deepcopy()
    wcs.wcs.crpix = wcs.wcs.crpix - low
    if wcs.sip is not None:
        wcs.sip.crpix[:] = wcs.sip.crpix - low
    wcs.wcs.set()
    return wcs, (int(high[1] - low[1] + 1), int(high[0] - low[0] + 1))


def _place(
    image: SkyImage,
    base: SkyImage,
    base_sources: SourceList,
    wcs: WCS,
    shape: tuple[int, int],
    *,
    trust: bool,
    is_base: bool,
) -> SkyImage | None:
    """Return ``image`` on the common grid and flux scale; None if it does not match."""
    if is_base:
        return resample(image, wcs, shape)
    sources = _sources(image)
    try:
        if trust and image.wcs is not None:
            tied = tie_to_reference(sources, image.wcs, image.shape, base_sources, base.wcs)
        else:
            tied = tie_by_patterns(sources, image.shape, base_sources, base.wcs)
        placed = resample(replace(image, wcs=tied.wcs), wcs, shape)
        on_base = resample(replace(image, wcs=tied.wcs), base.wcs, base.shape)
        ratio = measure_flux_ratio(base, replace(on_base, psf=image.psf), base_sources)
    except (NotRegistered, TooFewSources):
        return None
    return replace(
        placed,
        pixels=(placed.pixels * np.float32(ratio)).astype(np.float32),
        variance=(placed.variance * np.float32(ratio**2)).astype(np.float32),
    )


def _combine(
    stack: Sequence[SkyImage], weights: NDArray[np.float64], config: ReferenceConfig
) -> tuple[FloatImage, FloatImage, NDArray[np.uint16]]:
    pixels = np.stack([image.pixels for image in stack])
    variance = np.stack([image.variance for image in stack])
    good = np.stack([image.usable for image in stack])
    if len(stack) >= _CLIP_FROM:
        middle = np.nanmedian(np.where(good, pixels, np.nan), axis=0)
        # Seeing differs between exposures: near stars that alone moves pixels by a good part of their value.
        tolerance = config.clip_sigma * np.sqrt(variance) + 0.3 * np.abs(middle)
        good &= ~(np.abs(pixels - middle) > tolerance)
    share = np.where(good, weights[:, None, None], 0.0)
    total = share.sum(axis=0)
    covered = total > 0.0
    divisor = np.where(covered, total, 1.0)
    mean = (share * np.where(good, pixels, 0.0)).sum(axis=0) / divisor
    noise = (share**2 * np.where(good, variance, 0.0)).sum(axis=0) / divisor**2
    reasons = np.bitwise_or.reduce(np.stack([image.mask for image in stack]), axis=0)
    mask = np.where(covered, 0, reasons | np.uint16(MaskPlane.NO_DATA)).astype(np.uint16)
    return (
        np.where(covered, mean, np.nan).astype(np.float32),
        np.where(covered, noise, np.nan).astype(np.float32),
        mask,
    )


def _sources(image: SkyImage) -> SourceList:
    bad = ~image.usable
    sky = _sky_noise(image)
    return detect_sources(image.pixels, np.full(image.shape, sky, dtype=np.float32), bad, threshold_sigma=5.0)


def _measured_psf(image: SkyImage) -> PsfModel | None:
    try:
        return measure_psf(
            image.pixels, ~image.usable, _sources(image), saturation=None, max_stars=200, min_snr=30.0
        ).model
    except TooFewSources:
        return None
