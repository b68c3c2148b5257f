"""The stars of an image: which sources are stars, and their pictures on a common centre."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage

MIN_STARS = 3
_FEW_STARS = 12
_SIZE_SPREAD = 0.12
"""Half the width, in the logarithm, of the range of sizes that noise gives to stars."""
CROWDING_FWHM = 2.5
"""Neighbours this near count by their flux, those further off in the stamp by their peak."""
_CROWDING_LIMITS = (0.3, 1.0)
"""Largest flux of a neighbour relative to the star's; up to the second where the first leaves too few stars."""
_ENOUGH_STARS = 30
_HIT_CONCENTRATION = 0.45
"""No star has more of its light than this in one pixel unless it is far too sharply sampled for a PSF."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """Star images on a common centre: ``pixels`` (n, size, size) counts, positions 0-based."""

    pixels: FloatArray
    x_pix: FloatArray
    y_pix: FloatArray
    noise: float
    """Of one sky pixel, counts."""
    photon_noise: FloatArray
    """Variance that a count of the star's own light adds to a pixel, counts (n,); 0 where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolated:
    """The stars that may tell the PSF, and how many may not, each counted under the first rule that it breaks."""

    stamps: Stamps
    fwhm_pix: float
    """Rough, from half-light radii."""
    n_edge: int
    """Their stamps leave the frame."""
    n_masked: int
    """Unusable pixels near the core, or no peak where the centre should be."""
    n_crowded: int
    """A neighbour within ``CROWDING_FWHM`` carries more than ``crowding_limit`` of the star's flux."""
    crowding_limit: float


def select_stars(
    sources: SourceList, *, saturation: float | None, min_snr: float, limit: int, smallest_first: bool = True
) -> SourceList:
    """Return point sources, brightest first: clean, unsaturated, and of one size.

    Stars share one half-light radius whatever their flux, and nothing real is smaller: theirs is the smallest size
    that several bright sources have in common, or (``smallest_first`` false) the commonest.
    """
    usable = sources.clean & (sources.half_light_pix > 0.5) & np.isfinite(sources.half_light_pix)
    usable &= sources.peak < _HIT_CONCENTRATION * sources.flux
    if saturation is not None:
        usable &= sources.peak < 0.7 * saturation
    pool = sources.take(usable & (sources.snr >= min_snr))
    if len(pool) < 2 * MIN_STARS:
        pool = sources.take(usable)
    if len(pool) < MIN_STARS:
        raise TooFewSources("too few stars to measure the PSF", n_stars=len(pool), required=MIN_STARS)
    size = _star_size(pool.half_light_pix, smallest_first=smallest_first)
    locus = _of_size(pool, size)
    if len(locus) < _FEW_STARS:
        # Few bright stars leave room for fainter ones; their size is known by now.
        locus = _of_size(sources.take(usable & (sources.snr >= 0.5 * min_snr)), size)
    if len(locus) < MIN_STARS:
        nearest = np.argsort(np.abs(pool.half_light_pix / size - 1.0), kind="stable")[: max(MIN_STARS, len(pool) // 3)]
        locus = pool.take(np.sort(nearest))
    return locus.take(slice(0, limit))


def _of_size(pool: SourceList, half_light_pix: float) -> SourceList:
    alike = np.abs(np.log(pool.half_light_pix / half_light_pix)) < _SIZE_SPREAD
    return pool.take(alike & (pool.ellipticity < 0.35))


def _star_size(radii: FloatArray, *, smallest_first: bool) -> float:
    """Return the middle of the fullest stretch of sizes, or of the first that holds a fair part of the sources and no
    fewer than the next: the foot of the stars' own distribution is none.
    """
    log = np.sort(np.log(radii))
    width = 2.0 * _SIZE_SPREAD
    end = np.searchsorted(log, log + width, side="right")
    inside = end - np.arange(len(log))
    behind = np.searchsorted(log, log + 2.0 * width, side="right") - end
    first = (inside >= max(MIN_STARS + 1, 0.03 * len(log))) & (inside >= behind)
    start = int(np.argmax(first if smallest_first and first.any() else inside))
    middle = float(np.median(log[start : start + inside[start]]))
    for _ in range(10):
        middle = float(np.median(log[np.abs(log - middle) <= _SIZE_SPREAD]))
    return float(np.exp(middle))


def cut_stars(
    pixels: FloatImage, bad: NDArray[np.bool_], stars: SourceList, sources: SourceList, variance: FloatImage | None
) -> Isolated:
    """Return the stamps of those ``stars`` that are whole and have no bright neighbour among ``sources``.

    Where a field is too crowded for isolated stars, those with the mildest neighbours serve. ``variance`` (counts^2)
    tells the photon noise of the stars.
    """
    fwhm = 2.0 * float(np.median(stars.half_light_pix))
    half = int(np.ceil(np.clip(4.0 * fwhm, 10.0, 40.0)))
    clean = np.ascontiguousarray(np.where(bad, 0.0, pixels), dtype=np.float32)
    x, y, flag = sep.winpos(clean, stars.x_pix, stars.y_pix, fwhm / 2.3548, subpix=11)
    lost = (flag != 0) | ~(np.hypot(x - stars.x_pix, y - stars.y_pix) < fwhm)
    x, y = np.where(lost, stars.x_pix, x), np.where(lost, stars.y_pix, y)
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    ny, nx = clean.shape
    cut = (column < half) | (column >= nx - half) | (row < half) | (row >= ny - half)
    core = max(3, half // 2)
    spoiled = lost | np.array([
        bool(bad[max(r - core, 0) : r + core + 1, max(c - core, 0) : c + core + 1].any())
        for r, c in zip(row, column, strict=True)
    ], dtype=bool)  # fmt: skip
    spoiled |= clean[np.clip(row, 0, ny - 1), np.clip(column, 0, nx - 1)] <= 0.0
    whole = np.flatnonzero(~cut & ~spoiled)
    boxes = [np.s_[r - half : r + half + 1, c - half : c + half + 1] for r, c in zip(row, column, strict=True)]
    raw = np.array([clean[boxes[one]] for one in whole], dtype=float).reshape(len(whole), 2 * half + 1, 2 * half + 1)
    neighbour = np.maximum(_in_stamp(raw, fwhm), _in_list(stars, sources, CROWDING_FWHM * fwhm)[whole])
    limit = _crowding_limit(neighbour)
    alone = neighbour <= limit
    if alone.sum() < MIN_STARS:
        bright = sources.take(sources.snr >= float(np.median(stars.snr)))
        raise TooFewSources(
            "too few isolated stars to measure the PSF",
            n_stars=int(alone.sum()),
            required=MIN_STARS,
            n_looked_at=len(stars),
            n_edge=int(cut.sum()),
            n_masked=int((spoiled & ~cut).sum()),
            n_crowded=int((~alone).sum()),
            # Of a telescope that follows something else, stars are trails, and what is as small as stars is none.
            median_ellipticity=f"{np.median(bright.ellipticity):.2f}",
        )
    taken = whole[alone]
    stamps = np.array([
        _centred(stamp, column[one] - x[one], row[one] - y[one]) for stamp, one in zip(raw[alone], taken, strict=True)
    ])  # fmt: skip
    outer = stamps[:, radius_from_centre(2 * half + 1) > 0.8 * half]
    noise = max(1.4826 * float(np.median(np.abs(outer))), 1e-6 * float(stamps.max()))
    photons = np.zeros(len(taken)) if variance is None else _photon_noise(raw[alone], variance, boxes, taken, noise)
    return Isolated(
        stamps=Stamps(stamps, x[taken], y[taken], noise, photons),
        fwhm_pix=fwhm,
        n_edge=int(cut.sum()),
        n_masked=int((spoiled & ~cut).sum()),
        n_crowded=int((~alone).sum()),
        crowding_limit=limit,
    )


def _crowding_limit(neighbour: FloatArray) -> float:
    """Return the brightest neighbour allowed: as little as leaves stars enough, within bounds."""
    enough = np.sort(neighbour)[:_ENOUGH_STARS].max(initial=0.0)
    return float(np.clip(enough, *_CROWDING_LIMITS))


def _in_stamp(raw: FloatArray, fwhm: float) -> FloatArray:
    """Return the brightest pixel beyond two FWHM relative to the middle one: also of what no list of sources holds."""
    half = raw.shape[-1] // 2
    outside = radius_from_centre(raw.shape[-1]) > 2.0 * fwhm
    return np.asarray(raw[:, outside].max(axis=1, initial=0.0) / np.maximum(raw[:, half, half], 1e-30))


def _in_list(stars: SourceList, sources: SourceList, reach_pix: float) -> FloatArray:
    """Return the flux of the brightest other source within reach, relative to the star's."""
    here = np.column_stack([stars.x_pix, stars.y_pix])
    around = cKDTree(np.column_stack([sources.x_pix, sources.y_pix])).query_ball_point(here, reach_pix)
    others = [
        [sources.flux[one] for one in near if (sources.x_pix[one], sources.y_pix[one]) != (x, y)]
        for near, (x, y) in zip(around, here, strict=True)
    ]
    return np.array([max(fluxes, default=0.0) for fluxes in others]) / np.maximum(stars.flux, 1e-30)


def _photon_noise(
    raw: FloatArray, variance: FloatImage, boxes: list[tuple[slice, slice]], taken: NDArray[np.intp], noise: float
) -> FloatArray:
    """Return how much more variance than the sky each star's core has, per count of its light, in the scale in which
    the sky has the noise that is seen: resampling lowers both alike.
    """
    half = raw.shape[-1] // 2
    core = np.s_[half - 2 : half + 3, half - 2 : half + 3]
    there = np.array([np.nan_to_num(variance[boxes[one]]) for one in taken], dtype=float)
    sky = np.median(there[:, radius_from_centre(raw.shape[-1]) > 0.8 * half], axis=1)
    inside = there[:, *core] - sky[:, None, None]
    light = np.maximum(raw[:, *core].sum(axis=(1, 2)), 1e-30)
    return np.asarray(np.maximum(inside.sum(axis=(1, 2)), 0.0) / light * noise**2 / np.maximum(sky, 1e-30))


def _centred(stamp: FloatArray, dx: float, dy: float) -> FloatArray:
    """Shift by a fraction of a pixel; exact for an image sampled at two pixels per FWHM or better."""
    shifted = ndimage.fourier_shift(np.fft.fft2(stamp), (dy, dx))
    return np.asarray(np.fft.ifft2(shifted).real)


def radius_from_centre(size: int) -> FloatArray:
    """Return the distance of every pixel of a stamp from its middle one; ``size`` is odd."""
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    return np.asarray(np.hypot(x, y))
