"""The stars of an image: which sources are stars, and their pictures on a common centre."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage

MIN_STARS = 3
_FEW_STARS = 12
_SIZE_SPREAD = 0.12
"""Half the width, in the logarithm, of the range of sizes that noise gives to stars."""
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


def cut_stars(pixels: FloatImage, bad: NDArray[np.bool_], stars: SourceList) -> tuple[Stamps, float]:
    """Return the stamps of isolated stars and their rough FWHM in pixels.

    Where a field is too crowded for isolated stars, those with the mildest neighbours serve.
    """
    fwhm = 2.0 * float(np.median(stars.half_light_pix))
    size = 2 * int(np.ceil(np.clip(4.0 * fwhm, 10.0, 40.0))) + 1
    clean = np.ascontiguousarray(np.where(bad, 0.0, pixels), dtype=np.float32)
    x_win, y_win, flag = sep.winpos(clean, stars.x_pix, stars.y_pix, fwhm / 2.3548, subpix=11)
    moved = np.hypot(x_win - stars.x_pix, y_win - stars.y_pix)
    inside = (flag == 0) & (moved < fwhm)
    found = [_stamp(clean, bad, x, y, size, fwhm) for x, y in zip(x_win[inside], y_win[inside], strict=True)]
    usable = [one for one in found if one is not None]
    for limit in (0.3, 1.0):
        taken = [one for one in usable if one[1] <= limit]
        if len(taken) >= 2 * MIN_STARS:
            break
    if len(taken) < MIN_STARS:
        raise TooFewSources("too few isolated stars to measure the PSF", n_stars=len(taken), required=MIN_STARS)
    stamps, _, x_pix, y_pix = (np.array(part) for part in zip(*taken, strict=True))
    outer = stamps[:, radius_from_centre(size) > 0.8 * (size // 2)]
    noise = 1.4826 * float(np.median(np.abs(outer)))
    return Stamps(stamps, x_pix, y_pix, max(noise, 1e-6 * float(stamps.max()))), fwhm


def _stamp(
    clean: FloatImage, bad: NDArray[np.bool_], x: float, y: float, size: int, fwhm: float
) -> tuple[FloatArray, float, float, float] | None:
    """Return the centred stamp at (x, y), its brightest neighbour relative to its own peak, and the position."""
    half, (ny, nx) = size // 2, clean.shape
    column, row = round(float(x)), round(float(y))
    if not (half <= column < nx - half and half <= row < ny - half):
        return None
    core = max(3, half // 2)
    if bad[row - core : row + core + 1, column - core : column + core + 1].any():
        return None
    stamp = clean[row - half : row + half + 1, column - half : column + half + 1].astype(float)
    if stamp[half, half] <= 0.0:
        return None
    neighbour = float(stamp[radius_from_centre(size) > 2.0 * fwhm].max(initial=0.0)) / float(stamp[half, half])
    return _centred(stamp, column - float(x), row - float(y)), neighbour, float(x), float(y)


def _centred(stamp: FloatArray, dx: float, dy: float) -> FloatArray:
    """Shift by a fraction of a pixel; exact for an image sampled at two pixels per FWHM or better."""
    shifted = ndimage.fourier_shift(np.fft.fft2(stamp), (dy, dx))
    return np.asarray(np.fft.ifft2(shifted).real)


def radius_from_centre(size: int) -> FloatArray:
    """Return the distance of every pixel of a stamp from its middle one; ``size`` is odd."""
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    return np.asarray(np.hypot(x, y))
