"""The point-spread function, measured from the stars of an image."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, PsfModel, polynomial_terms

_STARS_FOR_LINEAR = 25
_STARS_FOR_QUADRATIC = 80
_MIN_STARS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPsf:
    """A PSF model and how well its stars follow it."""

    model: PsfModel
    fwhm_pix: float
    n_stars: int
    residual: float
    """Robust scatter about the model inside one FWHM, as a fraction of the model's peak, median over stars."""


@dataclass(frozen=True, slots=True)
class _Stamps:
    """Star images on a common centre: ``pixels`` (n, size, size) counts, positions 0-based."""

    pixels: FloatArray
    x_pix: FloatArray
    y_pix: FloatArray


def measure_psf(
    pixels: FloatImage,
    bad: NDArray[np.bool_],
    sources: SourceList,
    *,
    saturation: float | None,
    max_stars: int,
    min_snr: float,
) -> MeasuredPsf:
    """Return the PSF as a polynomial in position, from the image's own stars.

    Stars are shifted to the pixel centre by the Fourier shift theorem, scaled to unit flux, and every stamp pixel is
    fitted as a polynomial over the field (constant, linear or quadratic by the number of stars), twice, with outlying
    stars taken out in between. Wings beyond 1.5 FWHM are azimuthally averaged, where single pixels are noise.
    Raises TooFewSources.
    """
    try:
        stars = select_stars(sources, saturation=saturation, min_snr=min_snr, limit=max_stars)
        stamps, fwhm = _cut(pixels, bad, stars)
    except TooFewSources:
        # The smallest things were defects after all: take whatever is common instead.
        stars = select_stars(sources, saturation=saturation, min_snr=min_snr, limit=max_stars, small_is_better=0.0)
        stamps, fwhm = _cut(pixels, bad, stars)
    keep = np.ones(len(stamps.x_pix), dtype=bool)
    for _ in range(3):
        degree = 0 if keep.sum() < _STARS_FOR_LINEAR else 1 if keep.sum() < _STARS_FOR_QUADRATIC else 2
        model = _fit(stamps, keep, degree, (int(pixels.shape[0]), int(pixels.shape[1])), fwhm)
        scatter = _scatter(stamps, model, fwhm)
        limit = np.median(scatter[keep]) + 3.0 * 1.4826 * np.median(np.abs(scatter[keep] - np.median(scatter[keep])))
        now = scatter <= limit
        if now.sum() < _MIN_STARS or (now == keep).all():
            break
        keep = now
    return MeasuredPsf(
        model=model, fwhm_pix=model.fwhm_pix, n_stars=int(keep.sum()), residual=float(np.median(scatter[keep]))
    )


def select_stars(
    sources: SourceList, *, saturation: float | None, min_snr: float, limit: int, small_is_better: float = 0.3
) -> SourceList:
    """Return point sources, brightest first: clean, unsaturated, and of the smallest common size.

    Stars share one half-light radius whatever their flux; it is found as the densest stretch among bright sources.
    """
    usable = sources.clean & (sources.half_light_pix > 0.5) & np.isfinite(sources.half_light_pix)
    if saturation is not None:
        usable &= sources.peak < 0.7 * saturation
    pool = sources.take(usable & (sources.snr >= min_snr))
    if len(pool) < 2 * _MIN_STARS:
        pool = sources.take(usable)
    if len(pool) < _MIN_STARS:
        raise TooFewSources("too few stars to measure the PSF", n_stars=len(pool), required=_MIN_STARS)
    size = _densest(pool.half_light_pix, small_is_better)
    locus = pool.take((np.abs(pool.half_light_pix / size - 1.0) < 0.12) & (pool.ellipticity < 0.35))
    if len(locus) < _MIN_STARS:
        nearest = np.argsort(np.abs(pool.half_light_pix / size - 1.0), kind="stable")[: max(_MIN_STARS, len(pool) // 3)]
        locus = pool.take(np.sort(nearest))
    return locus.take(slice(0, limit))


def _densest(radii: FloatArray, small_is_better: float) -> float:
    """Centre of the narrowest interval (in the logarithm) that holds an eighth of the values, small sizes preferred:
    in a field of galaxies the stars are few, but they are the smallest and all alike.
    """
    log = np.sort(np.log(radii))
    n = max(4, len(log) // 8)
    if len(log) <= n:
        return float(np.exp(np.median(log)))
    widths = log[n - 1 :] - log[: len(log) - n + 1]
    first = int(np.argmin(widths + small_is_better * (log[: len(widths)] - log[0])))
    return float(np.exp(np.median(log[first : first + n])))


def _cut(pixels: FloatImage, bad: NDArray[np.bool_], stars: SourceList) -> tuple[_Stamps, float]:
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
    for limit in (0.1, 0.3, 1.0):
        taken = [one for one in usable if one[1] <= limit]
        if len(taken) >= 2 * _MIN_STARS:
            break
    if len(taken) < _MIN_STARS:
        raise TooFewSources("too few isolated stars to measure the PSF", n_stars=len(taken), required=_MIN_STARS)
    stamps, _, x_pix, y_pix = (np.array(part) for part in zip(*taken, strict=True))
    return _Stamps(stamps, x_pix, y_pix), fwhm


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
    stamp = stamp - np.median(np.concatenate([stamp[0], stamp[-1], stamp[:, 0], stamp[:, -1]]))
    if stamp[half, half] <= 0.0:
        return None
    stamp = _without_neighbours(stamp, fwhm)
    neighbour = float(stamp[_radius(size) > 1.5 * fwhm].max(initial=0.0)) / float(stamp[half, half])
    return _centred(stamp, column - float(x), row - float(y)), neighbour, float(x), float(y)


def _without_neighbours(stamp: FloatArray, fwhm: float) -> FloatArray:
    """Replace what stands out of its ring, outside 1.5 FWHM, by the median of the ring: another star's light."""
    radius = _radius(stamp.shape[0])
    clean = stamp.copy()
    for ring in range(int(np.ceil(1.5 * fwhm)), int(radius.max()) + 1):
        there = np.abs(radius - ring) <= 0.75
        middle = np.median(stamp[there])
        spread = 1.4826 * np.median(np.abs(stamp[there] - middle))
        foreign = there & (stamp > middle + 4.0 * spread)
        clean[foreign] = middle
    return clean


def _centred(stamp: FloatArray, dx: float, dy: float) -> FloatArray:
    """Shift by a fraction of a pixel; exact for an image sampled at two pixels per FWHM or better."""
    shifted = ndimage.fourier_shift(np.fft.fft2(stamp), (dy, dx))
    return np.asarray(np.fft.ifft2(shifted).real)


def _fit(stamps: _Stamps, keep: NDArray[np.bool_], degree: int, frame: tuple[int, int], fwhm: float) -> PsfModel:
    ny, nx = frame
    size = stamps.pixels.shape[-1]
    pixels = stamps.pixels[keep]
    x = 2 * stamps.x_pix[keep] / max(nx - 1, 1) - 1
    y = 2 * stamps.y_pix[keep] / max(ny - 1, 1) - 1
    core = _radius(size) <= 1.5 * fwhm
    flux = pixels[:, core].sum(axis=1)
    mean = np.median(pixels / flux[:, None, None], axis=0)
    # PSF-weighted flux: less noise than an aperture, and blind to what lies in the wings.
    flux = (pixels[:, core] * mean[core]).sum(axis=1) / (mean[core] ** 2).sum()
    design = np.array([polynomial_terms(one, other, degree) for one, other in zip(x, y, strict=True)])
    weight = np.sqrt(np.minimum(flux, 10.0 * np.median(flux)))
    scaled = (pixels / flux[:, None, None]).reshape(len(flux), -1)
    solution, *_ = np.linalg.lstsq(design * weight[:, None], scaled * weight[:, None], rcond=None)
    coefficients = np.array([_calm_wings(term.reshape(size, size), fwhm) for term in solution])
    total = coefficients[0].sum()
    return PsfModel(coefficients=coefficients / total, degree=degree, frame_shape=frame)


def _calm_wings(stamp: FloatArray, fwhm: float) -> FloatArray:
    """Average the wings over angle beyond 1.5 FWHM and let them end softly at the rim of the stamp."""
    size = stamp.shape[0]
    radius = _radius(size)
    rings = np.rint(radius).astype(int)
    mean = np.bincount(rings.ravel(), stamp.ravel()) / np.bincount(rings.ravel())
    smooth = mean[rings]
    inner, outer = 1.5 * fwhm, 2.5 * fwhm
    blend = np.clip((radius - inner) / max(outer - inner, 1e-6), 0.0, 1.0)
    rim = size // 2
    taper = 0.5 * (1.0 + np.cos(np.pi * np.clip((radius - 0.8 * rim) / (0.2 * rim), 0.0, 1.0)))
    return np.asarray(((1.0 - blend) * stamp + blend * smooth) * taper)


def _scatter(stamps: _Stamps, model: PsfModel, fwhm: float) -> FloatArray:
    core = _radius(model.size) <= fwhm
    scatter = []
    for stamp, x, y in zip(stamps.pixels, stamps.x_pix, stamps.y_pix, strict=True):
        psf = model.at(x, y).astype(float)
        flux = (stamp[core] * psf[core]).sum() / (psf[core] ** 2).sum()
        rest = (stamp - flux * psf)[core] / (flux * psf.max())
        scatter.append(1.4826 * np.median(np.abs(rest)))
    return np.array(scatter)


def _radius(size: int) -> FloatArray:
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    return np.hypot(x, y)
