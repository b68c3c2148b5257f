"""Light on pixels, without noise: stars and galaxies through the PSF of an exposure."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from astrid_core.simulate.optics import FloatArray, FloatStamps, Optics, integrate, reach_pix

_CHUNK = 400_000
"""Pixels of stamps that are computed at once: they fit the cache."""
_PATCHES = (48, 64, 96, 144, 216, 324, 480)
_EDGE_ADU = 0.05
_BULGE_REACH = 8.0
"""Bulges end at so many half-light radii."""
_DE_VAUCOULEURS = 7.669
"""Half of the light of exp(-b r^(1/4)) lies within r = 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalaxyImages:
    """Galaxies in pixels, arrays (n,): an exponential disc seen at an inclination, and a round bulge in it."""

    x_pix: FloatArray
    y_pix: FloatArray
    flux: FloatArray
    disc_scale_pix: FloatArray
    axis_ratio: FloatArray
    angle_rad: FloatArray
    """Of the major axis, from x towards y."""
    bulge_fraction: FloatArray
    bulge_radius_pix: FloatArray
    """Holds half of the bulge's light (de Vaucouleurs profile)."""

    def take(self, chosen: NDArray[np.intp]) -> "GalaxyImages":
        """Return the chosen galaxies."""
        return GalaxyImages(**{name: getattr(self, name)[chosen] for name in self.__slots__})


def add_points(image: FloatArray, optics: Optics, x_pix: FloatArray, y_pix: FloatArray, flux: FloatArray) -> None:
    """Add point sources to ``image`` (ny, nx)."""
    ny, nx = image.shape
    shape = optics.at(x_pix, y_pix)
    reach = reach_pix(flux, shape, optics.beta)
    column, row = np.rint(x_pix).astype(int), np.rint(y_pix).astype(int)
    near = (flux > 0.0) & (column > -reach) & (column < nx + reach) & (row > -reach) & (row < ny + reach)
    for half in np.unique(reach[near]):
        members = np.flatnonzero(near & (reach == half))
        step = max(1, _CHUNK // (2 * int(half) + 1) ** 2)
        for start in range(0, len(members), step):
            some = members[start : start + step]
            stamps = integrate(shape.take(some), optics.beta, x_pix[some] - column[some], y_pix[some] - row[some], half)
            stamps *= flux[some, None, None]
            for stamp, one in zip(stamps, some, strict=True):
                _paste(image, stamp, int(row[one]) - int(half), int(column[one]) - int(half))


def add_galaxies(image: FloatArray, optics: Optics, galaxies: GalaxyImages) -> None:
    """Add galaxies to ``image``: their transforms times that of the PSF at their places, which is exact."""
    ny, nx = image.shape
    side = _patch_side(galaxies)
    column, row = np.rint(galaxies.x_pix).astype(int), np.rint(galaxies.y_pix).astype(int)
    near = (np.abs(column - nx / 2) < (nx + side) / 2) & (np.abs(row - ny / 2) < (ny + side) / 2)
    for patch in np.unique(side[near]):
        members = np.flatnonzero(near & (side == patch))
        step = max(1, _CHUNK // int(patch) ** 2)
        for start in range(0, len(members), step):
            some = members[start : start + step]
            light = _galaxy_patches(galaxies.take(some), optics, int(patch))
            for one, galaxy in zip(light, some, strict=True):
                _paste(image, one, int(row[galaxy]) - int(patch) // 2, int(column[galaxy]) - int(patch) // 2)


def _galaxy_patches(galaxies: GalaxyImages, optics: Optics, patch: int) -> FloatStamps:
    """Return patches (n, patch, patch) centred on the pixel nearest to each galaxy, at index patch / 2."""
    n, middle = len(galaxies.flux), np.zeros(len(galaxies.flux))
    shape = optics.at(galaxies.x_pix, galaxies.y_pix)
    reach = min(int(reach_pix(galaxies.flux, shape, optics.beta).max()), patch // 2 - 1)
    frame = np.zeros((n, patch, patch), dtype=np.float32)
    inside = np.s_[patch // 2 - reach : patch // 2 + reach + 1]
    frame[:, inside, inside] = integrate(shape, optics.beta, middle, middle, reach)
    ky, kx = (f(patch).astype(np.float32) for f in (np.fft.fftfreq, np.fft.rfftfreq))
    ky, kx = ky[None, :, None], kx[None, None, :]
    cos, sin = (f(galaxies.angle_rad).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    along, across = kx * cos + ky * sin, (ky * cos - kx * sin) * _cube(galaxies.axis_ratio)
    disc = (1.0 + _cube(2.0 * np.pi * galaxies.disc_scale_pix) ** 2 * (along**2 + across**2)) ** np.float32(-1.5)
    table_k, table = _bulge_transform()
    bulge = np.interp(np.hypot(kx, ky) * _cube(galaxies.bulge_radius_pix), table_k, table).astype(np.float32)
    part = _cube(galaxies.bulge_fraction)
    dx, dy = galaxies.x_pix - np.rint(galaxies.x_pix), galaxies.y_pix - np.rint(galaxies.y_pix)
    turn = np.complex64(-2j * np.pi)
    moved = np.exp(turn * kx * _cube(dx)) * np.exp(turn * ky * _cube(dy))
    spectrum = fft.rfft2(frame) * moved * ((1.0 - part) * disc + part * bulge)
    return np.asarray(fft.irfft2(spectrum, s=(patch, patch)) * _cube(galaxies.flux))


def _cube(values: FloatArray) -> FloatStamps:
    """Spread one number per galaxy over the pixels of its patch."""
    return values.astype(np.float32)[:, None, None]


@lru_cache(maxsize=1)
def _bulge_transform() -> tuple[FloatArray, FloatArray]:
    """Return wavenumbers, in cycles per half-light radius, and the transform there of a bulge of unit flux."""
    # r = u^4 turns the profile into exp(-b u): evenly spaced u resolve the cusp and the wings alike.
    u = np.linspace(0.0, _BULGE_REACH**0.25, 3000)
    weight = np.exp(-_DE_VAUCOULEURS * u) * u**7
    weight /= weight.sum()
    k = np.concatenate([[0.0], np.geomspace(1e-3, 12.0, 500)])
    return k, np.asarray(special.j0(2.0 * np.pi * k[:, None] * u[None, :] ** 4) @ weight)


def _patch_side(galaxies: GalaxyImages) -> NDArray[np.intp]:
    """Return sides of patches beyond which a galaxy gives less than a twentieth of a count per pixel."""
    scale = galaxies.disc_scale_pix
    centre = galaxies.flux / (2.0 * np.pi * scale**2 * galaxies.axis_ratio)
    disc = scale * np.log(np.maximum(centre / _EDGE_ADU, np.e))
    bulge = np.where(galaxies.bulge_fraction > 0.0, _BULGE_REACH * galaxies.bulge_radius_pix, 0.0)
    steps = np.array(_PATCHES)
    return steps[np.minimum(np.searchsorted(steps, 2.0 * np.maximum(disc, bulge) + 24.0), len(steps) - 1)]


def _paste(image: FloatArray, stamp: FloatStamps, top: int, left: int) -> None:
    ny, nx = image.shape
    bottom, right = min(top + stamp.shape[0], ny), min(left + stamp.shape[1], nx)
    first, start = max(top, 0), max(left, 0)
    if first < bottom and start < right:
        image[first:bottom, start:right] += stamp[first - top : bottom - top, start - left : right - left]
