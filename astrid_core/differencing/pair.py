"""One science image and one reference, from two grids to candidates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType, ModuleType

import numpy as np
from astropy.wcs import WCS

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import Quality, QualityLevel, Registration
from astrid_core.differencing.extract import Peak, extract
from astrid_core.differencing.flux_scale import FluxScale, match_background, measure_flux_scale
from astrid_core.differencing.quality_gate import judge, measures_of_difference
from astrid_core.differencing.subtract import Difference, subtract
from astrid_core.preprocessing.astrometry import TiedFrame, tie_by_patterns, tie_to_reference
from astrid_core.preprocessing.psf import measure_psf
from astrid_core.preprocessing.register import resample
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.shared.errors import NotRegistered, TooFewSources, TooLittleOverlap
from astrid_core.shared.images import SkyImage

_STEP_PIX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDifference:
    """All that comes of one pair; every image on the science grid, in science counts, without background."""

    science: SkyImage
    """With the WCS refined against the reference; no WCS where neither frame had one."""
    reference: SkyImage
    difference: Difference
    peaks: tuple[Peak, ...]
    """Candidates, strongest first; none where the quality is red."""
    quality: Quality
    registration: Registration
    flux_scale: FluxScale
    science_fwhm_pix: float
    reference_fwhm_pix: float

    @property
    def flux_ratio(self) -> float:
        """Science counts per reference count at the centre of the frame."""
        return self.flux_scale.ratio


def difference_pair(
    science: SkyImage,
    reference: SkyImage,
    config: DifferenceConfig,
    *,
    trust_science_wcs: bool = True,
    about: Mapping[str, float | None] = MappingProxyType({}),
    band: str = "",
    arrays: ModuleType = np,
) -> PairDifference:
    """Register ``reference`` to the science frame, put it on the science flux scale, subtract it and find candidates.

    Both images are prepared (see preprocessing.prepare) and carry their PSF. Where ``trust_science_wcs`` is false, or a
    frame has no WCS, or the WCS does not bring the stars together, the frames are tied by star patterns alone.
    Raises NotRegistered, TooLittleOverlap or TooFewSources. What was measured here, and ``about`` the exposure before,
    is judged; where the verdict is red there are no candidates, and ``quality`` says why.
    """
    science_sources, reference_sources = _sources(science, config), _sources(reference, config)
    tied, on_sky = _tie(science, reference, science_sources, reference_sources, trust_wcs=trust_science_wcs)
    aligned = resample(replace(reference, wcs=tied[1]), tied[0].wcs, science.shape)
    _require_overlap(science, aligned, config)
    aligned = _with_psf(aligned, reference, config)
    scale = measure_flux_scale(science, aligned, science_sources)
    ratio = scale.over(science.shape)
    aligned = replace(aligned, pixels=aligned.pixels * ratio, variance=aligned.variance * ratio**2)
    fwhm = max(_fwhm(science), _fwhm(aligned))
    level = match_background(science, aligned, box_pix=max(24, round(config.background_box_fwhm * fwhm)))
    flat = replace(science, pixels=(science.pixels - level).astype(np.float32), wcs=tied[0].wcs if on_sky else None)
    difference = subtract(flat, aligned, config, arrays=arrays)
    peaks = extract(difference, threshold_sigma=config.threshold_sigma, limit=config.max_candidates)
    measured = measures_of_difference(
        difference, n_candidates=len(peaks), registration_rms_pix=tied[0].rms_pix, flux_ratio=scale.ratio
    )
    quality = judge({**about, **measured}, config.quality, band=band)
    return PairDifference(
        science=flat,
        reference=aligned,
        difference=difference,
        peaks=() if quality.level is QualityLevel.RED else peaks,
        quality=quality,
        registration=Registration(
            offset_x_pix=tied[0].offset_pix[0],
            offset_y_pix=tied[0].offset_pix[1],
            rms_pix=tied[0].rms_pix,
            n_matched=tied[0].n_matched,
            method=tied[0].method,
        ),
        flux_scale=scale,
        science_fwhm_pix=_fwhm(science),
        reference_fwhm_pix=_fwhm(aligned),
    )


def _sources(image: SkyImage, config: DifferenceConfig) -> SourceList:
    bad = ~image.usable
    # In stars the variance holds their own photons; detection asks for contrast against the sky. A part of the pixels
    # tells its median.
    known = image.variance[::_STEP_PIX, ::_STEP_PIX][~bad[::_STEP_PIX, ::_STEP_PIX]]
    sky = np.sqrt(np.median(known)) if len(known) else 1.0
    noise = np.full(image.shape, sky, dtype=np.float32)
    return detect_sources(image.pixels, noise, bad, threshold_sigma=config.detect_sigma)


def _tie(
    science: SkyImage,
    reference: SkyImage,
    science_sources: SourceList,
    reference_sources: SourceList,
    *,
    trust_wcs: bool,
) -> tuple[tuple[TiedFrame, WCS], bool]:
    """Return the tied science frame, the WCS that the reference is to be read with, and whether that is the sky."""
    on_sky = reference.wcs is not None or (science.wcs is not None and trust_wcs)
    if science.wcs is not None and reference.wcs is not None and trust_wcs:
        try:
            tied = tie_to_reference(science_sources, science.wcs, science.shape, reference_sources, reference.wcs)
        except NotRegistered:
            return (
                tie_by_patterns(science_sources, science.shape, reference_sources, reference.wcs),
                reference.wcs,
            ), True
        return (tied, reference.wcs), True
    if reference.wcs is None and science.wcs is not None and trust_wcs:
        # Only the science frame knows the sky: tie the reference to it instead, and read it with that.
        other = tie_by_patterns(reference_sources, reference.shape, science_sources, science.wcs)
        return (replace(other, wcs=science.wcs), other.wcs), True
    base = reference.wcs if reference.wcs is not None else _plane(reference.shape)
    return (tie_by_patterns(science_sources, science.shape, reference_sources, base), base), on_sky


def _plane(shape: tuple[int, int]) -> WCS:
    """Return a tangent plane with pixels of an arcsecond, in which frames without sky coordinates can be aligned."""
    plane = WCS(naxis=2)
    plane.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    plane.wcs.crval = [0.0, 0.0]
    plane.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    plane.wcs.cdelt = [1.0, 1.0]
    plane.wcs.pc = np.eye(2) / 3600.0
    plane.wcs.set()
    return plane


def _with_psf(aligned: SkyImage, original: SkyImage, config: DifferenceConfig) -> SkyImage:
    """Measure the PSF of the aligned reference: interpolation has changed it."""
    sources = _sources(aligned, config)
    try:
        measured = measure_psf(
            aligned.pixels,
            ~aligned.usable,
            sources,
            saturation=None,
            max_stars=200,
            min_snr=30.0,
            variance=aligned.variance,
        )
    except TooFewSources:
        if original.psf is None or original.shape != aligned.shape:
            raise
        return replace(aligned, psf=original.psf)
    return replace(aligned, psf=measured.model)


def _fwhm(image: SkyImage) -> float:
    if image.psf is None:
        raise ValueError("a prepared image carries its PSF")
    return image.psf.fwhm_pix


def _require_overlap(science: SkyImage, aligned: SkyImage, config: DifferenceConfig) -> None:
    usable = science.usable
    overlap = float((usable & aligned.usable).sum() / max(usable.sum(), 1))
    if overlap < config.min_overlap:
        raise TooLittleOverlap("reference covers too little", overlap=overlap, required=config.min_overlap)
