"""What the stars of a frame look like, and which light is that of one star or of two that touch."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import chi2

from astrid_core.preprocessing.mask import BoolImage
from astrid_core.preprocessing.picture_fits import BoolArray, PictureFits, fit_picture
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.images import FloatImage

_HALF = 6
"""Half of the side of a star's picture, pixels."""
_SIDE = 2 * _HALF + 1
_RIM = _HALF + 1
_AT_ONCE = 512
"""So many stamps are fitted together: they stay in the processor's cache."""
_CORE = 0.1
"""Of its peak: what is fainter in a star's picture is its neighbour's in a crowded field."""
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
class _Stamps:
    """The surroundings of places, (n, 13, 13)."""

    data: FloatArray
    error: FloatArray
    """Variance; NaN where a pixel is bad."""
    dx: FloatArray
    dy: FloatArray
    """From the middle pixel to the place, (n,)."""

    def take(self, which: BoolArray | NDArray[np.int64]) -> "_Stamps":
        return _Stamps(self.data[which], self.error[which], self.dx[which], self.dy[which])


def picture_of(flat: FloatImage, variance: FloatImage, bad: BoolImage, stars: SourceList) -> StarPicture:
    """Return the median of the pictures of stars, each moved onto the middle pixel, and how unlike it they are.

    Coarse pixels, and the colours of a mosaic, make every star look its own way.
    """
    places = np.column_stack([stars.x_pix, stars.y_pix])
    pictures = []
    clean = np.pad(np.where(bad, np.float32(0.0), flat), _RIM)[_windows(places)].astype(np.float64)
    for stamp, (x, y) in zip(clean, places, strict=True):
        moved = ndimage.shift(stamp, (np.rint(y) - y, np.rint(x) - x), order=3, mode="nearest")
        pictures.append(moved / max(float(moved.sum()), 1e-12))
    mean = np.median(pictures, axis=0)
    picture = StarPicture(pixels=np.asarray(mean / mean.sum()), unlike=_MODEL_ERROR)
    stamps = _stamps(np.pad(flat, _RIM), _padded_noise(variance, bad), places)
    known = picture.core & np.isfinite(stamps.error)
    fits = fit_picture(stamps.data, known, picture.pixels, stamps.dx, stamps.dy)
    if not fits.found.any():
        return picture
    rest, light = _sum(known, (stamps.data - fits.model) ** 2), _sum(known, fits.model**2)
    parts = (np.maximum(rest - _sum(known, stamps.error), 0.0)[fits.found]) / light[fits.found]
    return StarPicture(pixels=picture.pixels, unlike=max(float(np.sqrt(np.quantile(parts, _ALIKE))), _MODEL_ERROR))


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
    pixels, noise, struck = np.pad(flat, _RIM), _padded_noise(variance, bad), np.pad(hits, _RIM)
    for start in range(0, len(places), _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        stamps, at = _stamps(pixels, noise, some), _windows(some)
        alike = _alike(stamps, _explained(stamps, struck[at], picture), picture)
        rows, columns = np.broadcast_arrays(*at)
        spared[rows[alike], columns[alike]] = True
    return spared[_RIM:-_RIM, _RIM:-_RIM]


def _explained(stamps: _Stamps, hit: BoolArray, picture: StarPicture) -> FloatArray:
    """Return the light of the star or the two that explain each stamp; zero where none do."""
    seen = picture.core & np.isfinite(stamps.error)
    whole = fit_picture(stamps.data, seen, picture.pixels, stamps.dx, stamps.dy)
    fits = whole.found & _fits(stamps, whole.model, seen, picture.unlike)
    light = np.where(fits[:, None, None], whole.model, 0.0)
    unstruck = seen & ~hit
    half = np.flatnonzero(~fits & (unstruck.sum(axis=(1, 2)) >= 0.5 * seen.sum(axis=(1, 2))))
    some = stamps.take(half)
    star = fit_picture(some.data, unstruck[half], picture.pixels, some.dx, some.dy)
    told = star.found & _fits(some, star.model, unstruck[half], picture.unlike)
    light[half[told]], fits[half[told]] = star.model[told], True
    left = np.flatnonzero(~fits & whole.found)
    light[left] = _blends(stamps.take(left), seen[left], picture, whole.take(left))
    return light


def _blends(stamps: _Stamps, seen: BoolArray, picture: StarPicture, whole: PictureFits) -> FloatArray:
    """Return the light of two stars that touch, one of them near to where one alone would be; zero where they do not
    explain the stamp.
    """
    light = np.zeros_like(whole.model)
    usable = np.isfinite(stamps.error)
    near, beside = slice(_HALF - _BLEND_PIX, _HALF + _BLEND_PIX + 1), 2 * _BLEND_PIX + 1
    rest = np.where(usable, stamps.data - whole.model, 0.0)[:, near, near]
    row, column = (one - _BLEND_PIX for one in np.divmod(rest.reshape(len(rest), beside**2).argmax(axis=1), beside))
    error = stamps.error[np.arange(len(rest)), row + _HALF, column + _HALF]
    faint = rest.max(axis=(1, 2), initial=-np.inf) < _BLEND_SIGMA * np.sqrt(error)
    two = np.flatnonzero(~faint & (np.maximum(np.abs(row), np.abs(column)) >= 1))
    stamps, seen, first = stamps.take(two), seen[two], whole.take(two)
    dx, dy = column[two].astype(np.float64), row[two].astype(np.float64)
    around = _moved_core(picture.core, row[two], column[two]) & usable[two]
    found = np.ones(len(two), dtype=bool)
    for _ in range(_BLEND_ROUNDS):
        second = fit_picture(stamps.data - first.model, around, picture.pixels, dx, dy)
        dx, dy = second.dx, second.dy
        first = fit_picture(stamps.data - second.model, seen, picture.pixels, first.dx, first.dy)
        found &= first.found & second.found
    model = first.model + second.model
    fits = found & _fits(stamps, model, seen | around, _BLEND_UNLIKE * picture.unlike)
    light[two[fits]] = model[fits]
    return light


def _moved_core(core: BoolImage, row: NDArray[np.int64], column: NDArray[np.int64]) -> BoolArray:
    """Return the core moved by whole pixels, (n, 13, 13)."""
    rows, columns = np.indices(core.shape) + _BLEND_PIX
    return np.asarray(np.pad(core, _BLEND_PIX)[rows - row[:, None, None], columns - column[:, None, None]])


def _fits(stamps: _Stamps, model: FloatArray, known: BoolArray, unlike: float) -> BoolArray:
    noise = _noise_limits()[known.sum(axis=(1, 2))] * _sum(known, stamps.error)
    return np.asarray(_sum(known, (stamps.data - model) ** 2) <= noise + unlike**2 * _sum(known, model**2))


def _sum(known: BoolArray, values: FloatArray) -> FloatArray:
    return np.asarray(np.where(known, values, 0.0).sum(axis=(1, 2)))


@cache
def _noise_limits() -> FloatArray:
    """Return how many times its mean the misfit of 0, 1, 2, ... pixels rarely exceeds."""
    n_pix = np.arange(1, _SIDE**2 + 1)
    return np.append(0.0, chi2.isf(_CHANCE, n_pix) / n_pix)


def _alike(stamps: _Stamps, model: FloatArray, picture: StarPicture) -> BoolArray:
    """Return the pixels that hold about the light of the model; on a slope a fraction of a pixel makes much of it."""
    allowed = 4.0 * np.sqrt(stamps.error) + 2.0 * picture.unlike * ndimage.maximum_filter(model, (1, 3, 3))
    return np.asarray((np.abs(stamps.data - model) <= allowed) & (model > 0.0))


def _padded_noise(variance: FloatImage, bad: BoolImage) -> FloatImage:
    return np.pad(np.where(bad, np.float32(np.nan), variance), _RIM, constant_values=np.nan)


def _stamps(pixels: FloatImage, noise: FloatImage, places: FloatArray) -> _Stamps:
    at = _windows(places)
    dx, dy = (places - np.rint(places)).T
    return _Stamps(pixels[at].astype(np.float64), noise[at].astype(np.float64), dx, dy)


def _windows(places: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows (n, 13, 1) and columns (n, 1, 13) about places, in a frame with a rim."""
    column, row = np.rint(places).astype(np.int64).T + _RIM
    side = np.arange(-_HALF, _HALF + 1)
    return row[:, None, None] + side[:, None], column[:, None, None] + side
