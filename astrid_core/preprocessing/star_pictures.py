"""What the stars of a frame look like, and which light is that of one star or of two that touch."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import chi2

from astrid_core.preprocessing.mask import BoolImage
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.images import FloatImage

_HALF = 6
"""Half of the side of a star's picture, pixels."""
_RIM = _HALF + 1
_FEWEST_PIX = 4
_CORE = 0.1
"""Of its peak: what is fainter in a star's picture is its neighbour's in a crowded field."""
_STEPS = 4
_STRIDE_PIX = 0.5
_MODEL_ERROR = 0.2
"""Pictures of stars differ from their mean by so much of their light at least: the PSF varies, pixels are coarse."""
_ALIKE = 0.9
"""Part of the stars that the measured difference covers."""
_CHANCE = 1e-3
"""Part of the stars whose misfit may be larger than what is allowed to noise."""
_BLEND_PIX = 4
"""The second star of a blend is looked for so near to the first."""
_BLEND_SIGMA = 5.0
"""It stands out of what the first leaves by so much."""
_BLEND_ROUNDS = 2
_BLEND_UNLIKE = 0.5
"""Two pictures can be laid on more that is no star than one: less is excused by the unlikeness of stars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StarPicture:
    """The mean picture of the stars of a frame: ``pixels`` (13, 13), sum 1."""

    pixels: FloatArray
    unlike: float
    """By what part of their light stars may differ from it, noise taken off."""

    @property
    def core(self) -> BoolImage:
        """Where most of a star's light is, (13, 13)."""
        return np.asarray(self.pixels > _CORE * self.pixels.max())


@dataclass(frozen=True, slots=True)
class _Stamp:
    """The surroundings of a place, (13, 13)."""

    data: FloatArray
    error: FloatArray
    """Variance; NaN where a pixel is bad."""
    hit: BoolImage


@dataclass(frozen=True, slots=True)
class _Star:
    """The picture where it fits best, and how far from the middle that is."""

    model: FloatArray
    dx: float
    dy: float


def picture_of(flat: FloatImage, variance: FloatImage, bad: BoolImage, stars: SourceList) -> StarPicture:
    """Return the median of the pictures of stars, each moved onto the middle pixel, and how unlike it they are.

    Coarse pixels, and the colours of a mosaic, make every star look its own way.
    """
    clean = np.pad(np.where(bad, np.float32(0.0), flat), _RIM)
    pictures = []
    for x, y in zip(stars.x_pix, stars.y_pix, strict=True):
        column, row = round(x) - x, round(y) - y
        moved = ndimage.shift(_cut(clean, x, y), (row, column), order=3, mode="nearest")
        pictures.append(moved / max(float(moved.sum()), 1e-12))
    mean = np.median(pictures, axis=0)
    pixels, noise = np.pad(flat, _RIM), _padded_noise(variance, bad)
    picture, parts = StarPicture(pixels=np.asarray(mean / mean.sum()), unlike=_MODEL_ERROR), []
    for x, y in zip(stars.x_pix, stars.y_pix, strict=True):
        data, error = _cut(pixels, x, y), _cut(noise, x, y)
        known = picture.core & np.isfinite(error)
        star = _best(data, known, picture.pixels, x - round(x), y - round(y))
        if star is not None:
            rest = float(((data - star.model)[known] ** 2).sum()) - float(error[known].sum())
            parts.append(max(rest, 0.0) / float((star.model[known] ** 2).sum()))
    unlike = max(float(np.sqrt(np.quantile(parts, _ALIKE))), _MODEL_ERROR) if parts else _MODEL_ERROR
    return StarPicture(pixels=picture.pixels, unlike=unlike)


def starlight(
    flat: FloatImage, variance: FloatImage, bad: BoolImage, hits: BoolImage, places: FloatArray, picture: StarPicture
) -> BoolImage:
    """Return the pixels whose light is that of a star at one of ``places``, (n, 2) as (x, y).

    There is one where the mean picture, at the best of some sub-pixel places, leaves no more of the light than noise
    and the unlikeness of stars explain. Of a star that was hit, the picture is fitted to what was not. Light that one
    star does not explain may be that of two that touch.
    """
    ny, nx = flat.shape
    spared = np.zeros((ny + 2 * _RIM, nx + 2 * _RIM), dtype=bool)
    pixels, noise, struck = np.pad(flat, _RIM), _padded_noise(variance, bad), np.pad(hits.astype(np.float32), _RIM)
    for x, y in places:
        stamp = _Stamp(_cut(pixels, x, y), _cut(noise, x, y), _cut(struck, x, y) > 0.5)
        model = _explained(stamp, picture, x - round(x), y - round(y))
        if model is not None:
            row, column = round(y) + 1, round(x) + 1
            spared[row : row + 2 * _HALF + 1, column : column + 2 * _HALF + 1] |= _alike(stamp, model, picture)
    return spared[_RIM:-_RIM, _RIM:-_RIM]


def _explained(stamp: _Stamp, picture: StarPicture, dx: float, dy: float) -> FloatArray | None:
    """Return the light of the star or the two that explain a stamp; None where none do."""
    seen = picture.core & np.isfinite(stamp.error)
    whole = _best(stamp.data, seen, picture.pixels, dx, dy)
    if whole is not None and _fits(stamp, whole.model, seen, picture):
        return whole.model
    unstruck = seen & ~stamp.hit
    if unstruck.sum() >= 0.5 * seen.sum():
        star = _best(stamp.data, unstruck, picture.pixels, dx, dy)
        if star is not None and _fits(stamp, star.model, unstruck, picture):
            return star.model
    return None if whole is None else _blend(stamp, seen, picture, whole)


def _blend(stamp: _Stamp, seen: BoolImage, picture: StarPicture, whole: _Star) -> FloatArray | None:
    """Return the light of two stars that touch, one of them near to where one alone would be; None where they do not
    explain the stamp.
    """
    first: _Star | None = whole
    usable = np.isfinite(stamp.error)
    near = np.s_[_HALF - _BLEND_PIX : _HALF + _BLEND_PIX + 1]
    rest = np.where(usable, stamp.data - whole.model, 0.0)[near, near]
    row, column = (int(one) - _BLEND_PIX for one in np.unravel_index(np.argmax(rest), rest.shape))
    at = (row + _HALF, column + _HALF)
    if rest.max() < _BLEND_SIGMA * np.sqrt(stamp.error[at]) or max(abs(row), abs(column)) < 1:
        return None
    around = np.asarray(ndimage.shift(picture.core.astype(float), (row, column), order=0) > 0.5) & usable
    second: _Star | None = _Star(np.zeros_like(whole.model), float(column), float(row))
    for _ in range(_BLEND_ROUNDS):
        if first is None or second is None:
            return None
        second = _best(stamp.data - first.model, around, picture.pixels, second.dx, second.dy)
        if second is None:
            return None
        first = _best(stamp.data - second.model, seen, picture.pixels, first.dx, first.dy)
    if first is None or second is None:
        return None
    model = first.model + second.model
    strict = replace(picture, unlike=_BLEND_UNLIKE * picture.unlike)
    return model if _fits(stamp, model, seen | around, strict) else None


def _fits(stamp: _Stamp, model: FloatArray, known: BoolImage, picture: StarPicture) -> bool:
    rest = float(((stamp.data - model)[known] ** 2).sum())
    noise = _noise_limit(int(known.sum())) * float(stamp.error[known].sum())
    return rest <= noise + picture.unlike**2 * float((model[known] ** 2).sum())


@cache
def _noise_limit(n_pix: int) -> float:
    """Return how many times its mean the misfit of so many pixels rarely exceeds."""
    return float(chi2.isf(_CHANCE, n_pix)) / n_pix


def _alike(stamp: _Stamp, model: FloatArray, picture: StarPicture) -> BoolImage:
    """Return the pixels that hold about the light of the model; on a slope a fraction of a pixel makes much of it."""
    allowed = 4.0 * np.sqrt(stamp.error) + 2.0 * picture.unlike * ndimage.maximum_filter(model, 3)
    return np.asarray((np.abs(stamp.data - model) <= allowed) & (model > 0.0))


def _padded_noise(variance: FloatImage, bad: BoolImage) -> FloatImage:
    return np.pad(np.where(bad, np.float32(np.nan), variance), _RIM, constant_values=np.nan)


def _cut(padded: FloatImage, x: float, y: float) -> FloatArray:
    row, column = round(y) + 1, round(x) + 1
    return np.asarray(padded[row : row + 2 * _HALF + 1, column : column + 2 * _HALF + 1], dtype=np.float64)


def _best(data: FloatArray, known: NDArray[np.bool_], picture: FloatArray, dx: float, dy: float) -> _Star | None:
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
            best, least = _Star(model, dx, dy), rest
        (scale, along_x, along_y), *_ = np.linalg.lstsq(terms, data[known], rcond=None)
        if scale <= 0.0:
            break
        dx -= float(np.clip(along_x / scale, -_STRIDE_PIX, _STRIDE_PIX))
        dy -= float(np.clip(along_y / scale, -_STRIDE_PIX, _STRIDE_PIX))
    return best
