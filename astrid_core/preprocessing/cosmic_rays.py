"""Cosmic rays, told from the stars that they resemble."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.background import Background
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.mask import BoolImage, mask_cosmic_rays
from astrid_core.preprocessing.sources import FloatArray, SourceList, detect_sources, ring_fraction
from astrid_core.preprocessing.stars import select_stars
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage

_MAX_CONTRAST = 40.0
_MAX_STRUCK = 0.4
"""Where hits as wide as stars are more than this part of all bright sources, they are stars."""
_FEW_STRUCK = 10
_STAR_RING = 0.6
"""Hits have less light next to their peak than this part of what stars have there."""
_HALF = 6
"""Half of the side of a star's picture, pixels."""
_FEWEST_PIX = 4
_CORE = 0.1
"""Of its peak: what is fainter in a star's picture is its neighbour's in a crowded field."""
_TAIL_SIGMA = 4.0
_STEPS = 4
_STRIDE_PIX = 0.5
_MODEL_ERROR = 0.2
"""Pictures of stars differ from their mean by so much of their light at least: the PSF varies, pixels are coarse."""
_NO_PICTURE = 0.35
"""Where stars differ more they have no common picture, and only what is far too sharp for any star is taken. Measured
on real frames: 0.43 to 0.48 in a mosaic of colours, 0.29 in a WFC3 exposure (1.6 pixels), 0.13 elsewhere (1.9 pixels).
"""
_ALIKE = 0.9
"""Part of the stars that the measured difference covers."""
_LEFT_TO_TELL = 0.5
"""Where the method took more than this part of the bright sources, what it left are blends and cannot tell stars."""
_NOISE_LIMIT = 1.6
"""A star's misfit is not larger than so many times what noise explains."""


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
    everything that it took: what it explains is a star and is given back. Where much of what it took is as wide as
    stars, it is repeated with twice the contrast; where it took most, stars are those that the highest contrast leaves.
    Where stars have no common picture, only hits of the highest contrast count. ``level`` is where pixels saturate, in
    raw counts.
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
    noise = np.where(bad, np.float32(np.nan), variance)
    picture = _picture(flat, bad, stars)
    unlike = _unlikeness(flat, noise, stars, picture)
    if unlike > _NO_PICTURE:
        return _narrow(flat, hits_at(_MAX_CONTRAST), stars)
    star_pixels = _on_stars(flat, noise, hits, _suspects(flat, sources, hits), picture, unlike)
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


def _picture(flat: FloatImage, bad: BoolImage, stars: SourceList) -> FloatArray:
    """Return the mean picture of stars, each moved onto the middle pixel: (13, 13), sum 1."""
    clean = np.pad(np.where(bad, np.float32(0.0), flat), _HALF + 1)
    pictures = []
    for x, y in zip(stars.x_pix, stars.y_pix, strict=True):
        stamp = _cut(clean, x, y)
        column, row = round(x) - x, round(y) - y
        moved = ndimage.shift(stamp, (row, column), order=3, mode="nearest")
        pictures.append(moved / max(float(moved.sum()), 1e-12))
    mean = np.median(pictures, axis=0)
    return np.asarray(mean / mean.sum())


def _cut(padded: FloatImage, x: float, y: float) -> FloatArray:
    row, column = round(y) + 1, round(x) + 1
    return np.asarray(padded[row : row + 2 * _HALF + 1, column : column + 2 * _HALF + 1], dtype=np.float64)


def _unlikeness(flat: FloatImage, variance: FloatImage, stars: SourceList, picture: FloatArray) -> float:
    """Return by what part of their light most stars differ from their mean picture, noise taken off.

    Coarse pixels, and the colours of a mosaic, make every star look its own way.
    """
    pixels, noise = np.pad(flat, _HALF + 1), np.pad(variance, _HALF + 1, constant_values=np.nan)
    core = picture > _CORE * picture.max()
    parts = []
    for x, y in zip(stars.x_pix, stars.y_pix, strict=True):
        data, error = _cut(pixels, x, y), _cut(noise, x, y)
        known = core & np.isfinite(error)
        model = _best(data, known, picture, x - round(x), y - round(y))
        if model is not None:
            rest = float(((data - model)[known] ** 2).sum()) - float(error[known].sum())
            parts.append(max(rest, 0.0) / float((model[known] ** 2).sum()))
    return max(float(np.sqrt(np.quantile(parts, _ALIKE))), _MODEL_ERROR) if parts else _MODEL_ERROR


def _on_stars(
    flat: FloatImage, variance: FloatImage, hits: BoolImage, places: FloatArray, picture: FloatArray, unlike: float
) -> BoolImage:
    """Return the hit pixels whose light is that of a star.

    A source is a star where the mean picture, at the best of some sub-pixel places, leaves no more of its light than
    noise and the unlikeness of stars explain. Of a star that was hit, the picture is fitted to what was not. The
    variance is NaN where pixels are bad.
    """
    ny, nx = flat.shape
    spared = np.zeros((ny + 2 * (_HALF + 1), nx + 2 * (_HALF + 1)), dtype=bool)
    pixels, noise = np.pad(flat, _HALF + 1), np.pad(variance, _HALF + 1, constant_values=np.nan)
    struck = np.pad(hits.astype(np.float32), _HALF + 1)
    core = picture > _CORE * picture.max()
    for x, y in places:
        data, error, hit = _cut(pixels, x, y), _cut(noise, x, y), _cut(struck, x, y) > 0.5
        seen = core & np.isfinite(error)
        for known in (seen, seen & ~hit):
            model = _best(data, known, picture, x - round(x), y - round(y))
            if model is None or known.sum() < 0.5 * seen.sum():
                continue
            rest = float(((data - model)[known] ** 2).sum())
            allowed = _NOISE_LIMIT * float(error[known].sum()) + unlike**2 * float((model[known] ** 2).sum())
            if rest <= allowed:
                alike = np.abs(data - model) <= 4.0 * np.sqrt(error) + 2.0 * unlike * model
                row, column = round(y) + 1, round(x) + 1
                spared[row : row + 2 * _HALF + 1, column : column + 2 * _HALF + 1] |= alike & (model > 0.0)
                break
    return spared[_HALF + 1 : -_HALF - 1, _HALF + 1 : -_HALF - 1]


def _best(data: FloatArray, known: NDArray[np.bool_], picture: FloatArray, dx: float, dy: float) -> FloatArray | None:
    """Return the scaled picture that fits best, moved from (dx, dy) by its own slopes; None without light."""
    if known.sum() < _FEWEST_PIX:
        return None
    best, least = None, np.inf
    for _ in range(_STEPS):
        moved = ndimage.shift(picture, (dy, dx), order=3, mode="nearest")
        slope_y, slope_x = np.gradient(moved)
        terms = np.stack([one[known] for one in (moved, slope_x, slope_y)], axis=1)
        light = float((data * moved)[known].sum() / (moved[known] ** 2).sum())
        model = light * moved
        rest = float(((data - model)[known] ** 2).sum())
        if light > 0.0 and rest < least:
            best, least = model, rest
        (scale, along_x, along_y), *_ = np.linalg.lstsq(terms, data[known], rcond=None)
        if scale <= 0.0:
            break
        dx -= float(np.clip(along_x / scale, -_STRIDE_PIX, _STRIDE_PIX))
        dy -= float(np.clip(along_y / scale, -_STRIDE_PIX, _STRIDE_PIX))
    return best
