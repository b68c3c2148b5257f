"""One raw frame in, one image that may be compared with others out."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.preprocessing.background import Background, fit_background
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.cosmic_rays import find_cosmic_rays
from astrid_core.preprocessing.entities import ImageQuality
from astrid_core.preprocessing.mask import (
    compose,
    find_saturation,
    grown,
    mask_bad_columns,
    mask_bright,
    mask_empty,
    mask_saturated,
)
from astrid_core.preprocessing.psf import MeasuredPsf, measure_psf
from astrid_core.preprocessing.psf_quality import PsfStars
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.preprocessing.trails import mask_trails
from astrid_core.preprocessing.variance import estimate_gain, model_variance
from astrid_core.shared.errors import BadPixels
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane, SkyImage

VERSION = 4
"""Raise when the same inputs should give a different result."""

_MIN_SIDE_PIX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """What is known about the detector that took a frame; None where nobody says."""

    gain_e_count: float | None = None
    read_noise_e: float | None = None
    saturation: float | None = None
    zero_point_mag: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImage:
    """The image, its measured quality, and the sources it was measured from."""

    image: SkyImage
    quality: ImageQuality
    sources: SourceList
    psf_stars: PsfStars
    """Which stars made the PSF, how well each follows it, and how many were left out for which reason."""


def prepare(
    pixels: FloatImage,
    *,
    mask: MaskImage | None = None,
    variance: FloatImage | None = None,
    wcs: WCS | None = None,
    detector: Detector,
    config: PreprocessConfig,
) -> PreparedImage:
    """Mask, remove the background, model the variance and measure the PSF of one frame of counts, shape (ny, nx).

    A given ``variance`` (counts squared) is kept, scaled so that it agrees with the noise seen between the sources.
    Raises BadPixels when too little is usable and TooFewSources when no PSF can be measured.
    """
    _require_size(pixels)
    start = np.zeros(pixels.shape, dtype=np.uint16) if mask is None else mask
    level = find_saturation(pixels, detector.saturation)
    empty = mask_empty(pixels)
    saturated = mask_saturated(pixels, level, fraction=config.saturation_fraction, grow_pix=config.saturation_grow_pix)
    saturated = (saturated | grown(start & MaskPlane.SATURATED != 0, config.saturation_grow_pix)) & ~empty
    known_bad = empty | saturated | (start != 0)
    _require_usable(known_bad, config)
    background = fit_background(pixels, known_bad, box_pix=config.background_box_pix)
    _require_noise(background)
    flat = np.where(empty, np.float32(0.0), pixels - background.level).astype(np.float32)
    columns = mask_bad_columns(np.where(known_bad, np.nan, flat).astype(np.float32), background.median_rms)

    bright = mask_bright(flat, saturated | empty, noise=background.median_rms)
    gain = detector.gain_e_count or estimate_gain(background, detector.read_noise_e)
    bad = known_bad | columns | bright
    noise_map = model_variance(flat, background, gain=gain, given=variance, bad=bad)

    trails = mask_trails(flat, background.rms, bad)
    bad |= trails
    hits = find_cosmic_rays(flat, noise_map, background, bad, level, config)
    sources, psf = _measure(flat, noise_map, background, bad | hits, level, config)

    planes = compose(
        {
            MaskPlane.NO_DATA: empty,
            MaskPlane.SATURATED: saturated,
            MaskPlane.BAD: columns,
            MaskPlane.COSMIC_RAY: hits,
            MaskPlane.TRAIL: trails,
            MaskPlane.BRIGHT: bright,
        },
        start,
    )
    image = SkyImage(
        pixels=np.where(empty, np.float32(np.nan), flat),
        variance=np.where(empty, np.float32(np.nan), noise_map),
        mask=planes,
        wcs=wcs,
        psf=psf.model,
    )
    quality = ImageQuality(
        n_stars=psf.n_stars,
        fwhm_pix=psf.fwhm_pix,
        psf_residual=psf.residual,
        sky=background.median_level,
        sky_rms=background.median_rms,
        gain_e_count=gain,
        saturation=level,
        masked_fraction=float((planes != 0).mean()),
        depth_mag=depth_mag(psf, background.median_rms, detector.zero_point_mag),
    )
    return PreparedImage(image=image, quality=quality, sources=sources, psf_stars=psf.stars)


def depth_mag(psf: MeasuredPsf, sky_rms: float, zero_point_mag: float | None) -> float | None:
    """Return the AB magnitude of a point source at 5 sigma: noise of a PSF fit is rms / sqrt(sum P^2)."""
    if zero_point_mag is None:
        return None
    ny, nx = psf.model.frame_shape
    stamp = psf.model.at(nx / 2, ny / 2)
    limit = 5.0 * sky_rms / float(np.sqrt((stamp.astype(float) ** 2).sum()))
    return zero_point_mag - 2.5 * float(np.log10(limit))


def _measure(
    flat: FloatImage,
    variance: FloatImage,
    background: Background,
    bad: NDArray[np.bool_],
    level: float | None,
    config: PreprocessConfig,
) -> tuple[SourceList, MeasuredPsf]:
    sources = detect_sources(flat, background.rms, bad, threshold_sigma=config.detect_sigma)
    psf = measure_psf(
        flat,
        bad,
        sources,
        saturation=None if level is None else level - background.median_level,
        max_stars=config.psf_max_stars,
        min_snr=config.psf_min_snr,
        variance=variance,
    )
    return sources, psf


def _require_size(pixels: FloatImage) -> None:
    """Refuse what holds no background, no stars, and crashes the cosmic-ray filter."""
    if min(pixels.shape) < _MIN_SIDE_PIX:
        raise BadPixels("frame is too small", ny=pixels.shape[0], nx=pixels.shape[1], required=_MIN_SIDE_PIX)


def _require_usable(bad: NDArray[np.bool_], config: PreprocessConfig) -> None:
    fraction = float(bad.mean())
    if fraction > config.max_masked_fraction:
        raise BadPixels("too few usable pixels", masked=fraction, allowed=config.max_masked_fraction)


def _require_noise(background: Background) -> None:
    if not np.isfinite(background.median_rms) or background.median_rms <= 0.0:
        raise BadPixels("the sky has no noise: not an exposure", sky_rms=background.median_rms)
