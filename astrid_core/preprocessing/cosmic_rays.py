"""Cosmic rays, told from the stars that they resemble."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.background import Background
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.mask import BoolImage, mask_cosmic_rays
from astrid_core.preprocessing.sources import FloatArray, SourceList, detect_sources, ring_fraction
from astrid_core.preprocessing.star_pictures import picture_of, starlight
from astrid_core.preprocessing.stars import select_stars
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage

_MAX_CONTRAST = 40.0
_MAX_STRUCK = 0.4
"""Where hits as wide as stars are more than this part of all bright sources, they are stars."""
_FEW_STRUCK = 10
_STAR_RING = 0.6
"""Hits have less light next to their peak than this part of what stars have there."""
_TAIL_SIGMA = 4.0
_NO_PICTURE = 0.35
"""Where stars differ more they have no common picture, and only what is far too sharp for any star is taken. Measured
on real frames: 0.43 to 0.48 in a mosaic of colours, 0.29 in a WFC3 exposure (1.6 pixels), 0.13 elsewhere (1.9 pixels).
"""
_LEFT_TO_TELL = 0.5
"""Where the method took more than this part of the bright sources, what it left are blends and cannot tell stars."""


def find_cosmic_rays(
    flat: FloatImage,
    variance: FloatImage,
    background: Background,
    bad: BoolImage,
    level: float | None,
    config: PreprocessConfig,
) -> BoolImage:
    """Return cosmic-ray hits of a background-subtracted frame, sparing stars.

    Hits go before the PSF is measured: sharp and alike, they would pass for the stars of a frame that has few. But the
    method also takes stars that are sampled coarsely. So the mean picture of the sources that it left alone is laid on
    everything that it took: what it explains once, or twice where stars touch, is a star and is given back. Where much
    of what it took is as wide as stars, it is repeated with twice the contrast; where it took most, stars are those
    that the highest contrast leaves. Where stars have no common picture, only hits of the highest contrast count.
    ``level`` is where pixels saturate, in raw counts.
    """

    @cache
    def hits_at(contrast: float) -> BoolImage:
        return mask_cosmic_rays(flat, variance, bad, sigma=config.cosmic_ray_sigma, contrast=contrast)

    contrast = config.cosmic_ray_contrast
    hits = hits_at(contrast)
    if not hits.any():
        return hits
    sources = detect_sources(flat, background.rms, bad, threshold_sigma=config.detect_sigma)
    bright = sources.take(sources.snr >= config.psf_min_snr)
    ceiling = None if level is None else level - background.median_level
    stars = _stars(sources, hits, ceiling, config)
    if _struck(bright, hits).sum() > max(_FEW_STRUCK, _LEFT_TO_TELL * len(bright)):
        stars = _stars(sources, hits_at(_MAX_CONTRAST), ceiling, config)
    while contrast < _MAX_CONTRAST and _like_stars(flat, bright, hits, stars) > max(
        _FEW_STRUCK, _MAX_STRUCK * len(bright)
    ):
        contrast *= 2.0
        hits = hits_at(contrast)
        if _struck(bright, hits).sum() <= max(_FEW_STRUCK, _LEFT_TO_TELL * len(bright)):
            stars = _stars(sources, hits, ceiling, config)
    if stars is None:
        return hits
    picture = picture_of(flat, variance, bad, stars)
    if picture.unlike > _NO_PICTURE:
        return _narrow(flat, hits_at(_MAX_CONTRAST), stars)
    star_pixels = starlight(flat, variance, bad, hits, _suspects(flat, sources, hits), picture)
    hits = hits & ~star_pixels
    # The ends of a track are too faint to be sharp: what stands out of the noise beside a hit belongs to it.
    lit = hits | ((flat > _TAIL_SIGMA * np.sqrt(variance)) & ~bad & ~star_pixels)
    return np.asarray(ndimage.binary_dilation(hits, structure=np.ones((3, 3)), mask=lit))


def _stars(
    sources: SourceList, hits: BoolImage, saturation: float | None, config: PreprocessConfig
) -> SourceList | None:
    """Return stars among the sources that were left alone, or None."""
    left = sources.take(~_struck(sources, hits))
    try:
        return select_stars(left, saturation=saturation, min_snr=config.psf_min_snr, limit=config.psf_max_stars)
    except TooFewSources:
        return None


def _like_stars(flat: FloatImage, bright: SourceList, hits: BoolImage, stars: SourceList | None) -> int:
    """Count struck sources that are as wide as stars; all of them where no stars are known."""
    struck = bright.take(_struck(bright, hits))
    if stars is None or not len(struck):
        return len(struck)
    limit = _STAR_RING * np.median(ring_fraction(flat, stars.x_pix, stars.y_pix))
    return int((ring_fraction(flat, struck.x_pix, struck.y_pix) > limit).sum())


def _narrow(flat: FloatImage, hits: BoolImage, stars: SourceList) -> BoolImage:
    """Return hits without those that are as wide as stars."""
    labels, n_hits = ndimage.label(hits, structure=np.ones((3, 3)))
    if not n_hits:
        return hits
    peaks = np.array(ndimage.maximum_position(flat, labels, np.arange(1, n_hits + 1)))
    limit = _STAR_RING * np.median(ring_fraction(flat, stars.x_pix, stars.y_pix))
    wide = 1 + np.flatnonzero(ring_fraction(flat, peaks[:, 1], peaks[:, 0]) > limit)
    return np.asarray(hits & ~np.isin(labels, wide))


def _struck(sources: SourceList, hits: BoolImage) -> NDArray[np.bool_]:
    return np.asarray(hits[np.rint(sources.y_pix).astype(int), np.rint(sources.x_pix).astype(int)])


def _suspects(flat: FloatImage, sources: SourceList, hits: BoolImage) -> FloatArray:
    """Return places (n, 2) as (x, y) where a star may have been taken: sources within two pixels of a hit, and peaks
    of hits away from these. Where pixels are coarse, a faint star has too few of them above threshold to be a source.
    """
    near = sources.take(_struck(sources, ndimage.binary_dilation(hits, iterations=2)))
    known = np.zeros(flat.shape, dtype=bool)
    known[np.rint(near.y_pix).astype(int), np.rint(near.x_pix).astype(int)] = True
    peaks = hits & (flat >= ndimage.maximum_filter(flat, 3)) & ~ndimage.binary_dilation(known, iterations=2)
    row, column = np.nonzero(peaks)
    return np.column_stack([np.append(near.x_pix, column), np.append(near.y_pix, row)])
