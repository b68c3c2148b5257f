"""Find the place of a frame whose orientation, or everything, is unknown, among the catalog stars of a region."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree
from scipy.special import gammaln

from astrid_core.preprocessing.pixel_map import PixelMap, polish
from astrid_core.preprocessing.quads import ComplexArray, Similarities, alike, all_quads, neighbour_quads
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.tangent_plane import middle_of, plane_at, to_plane, to_sky
from astrid_core.preprocessing.wcs_fit import Distortion, WcsModel, fit_wcs

_BRIGHTEST = 24
"""Of so many sources every quad is looked up: 10,626."""
_CHECKED = 60
"""So many sources are laid on the stars."""
_SCALE_STEP = 1.5
_DENSITIES = (1.0, 0.5, 2.0)
"""Catalog stars for each bright source: lists of two bands, or one with hits and galaxies, are not equally deep."""
_MOST_STARS = 12_000
_ON_STAR_PIX = 3.0
_POLISHED = 8
_CHUNK = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place that a frame may have: a linear WCS, and how many other places were looked at."""

    wcs: WCS
    n_tried: int


def places(
    xy: FloatArray, sky: FloatArray, shape: tuple[int, int], *, scales_arcsec: tuple[float, float]
) -> Iterator[Place]:
    """Yield places of a frame (ny, nx), the likeliest first, where sources (n, 2; pixels) fall onto stars (m, 2;
    degrees); both are ordered from bright to faint. Mirror images are tried as well.
    """
    plane = plane_at(*middle_of(sky))
    stars = to_plane(plane, sky)
    area = _area(stars)
    bright = all_quads(xy[:_BRIGHTEST])
    n_tried = 0
    for n_stars, low, high in _lists(len(stars), min(_BRIGHTEST, len(xy)), area, shape, scales_arcsec):
        found = alike(bright, neighbour_quads(stars[:n_stars]), scales=(low / 3600.0, high / 3600.0))
        n_tried += len(found)
        if not len(found):
            continue
        # Faint sources have their stars further down the list.
        seen = stars[: 4 * n_stars]
        for one in _likeliest(found, xy[:_CHECKED], seen, area):
            better = _polished(found, one, xy, seen)
            if better is not None:
                yield Place(wcs=_linear_wcs(better, plane, shape), n_tried=n_tried)


def _area(stars: FloatArray) -> float:
    """Return the area that stars cover, in their own units squared."""
    try:
        return float(ConvexHull(stars).volume)
    except QhullError:
        return 0.0


def _lists(
    n_known: int, n_bright: int, area: float, shape: tuple[int, int], scales_arcsec: tuple[float, float]
) -> Iterator[tuple[int, float, float]]:
    """Yield how many catalog stars are as dense on the sky as the bright sources, for which range of pixel scales."""
    low, high = scales_arcsec
    n_steps = max(1, int(np.ceil(np.log(high / low) / np.log(_SCALE_STEP) - 1e-9)))
    edges = np.geomspace(low, high, n_steps + 1)
    for density in _DENSITIES:
        lists: dict[int, tuple[float, float]] = {}
        for start, end in pairwise(edges):
            frame = shape[0] * shape[1] * start * end / 3600.0**2
            n_stars = int(min(n_known, _MOST_STARS, max(density * n_bright * area / frame, 8)))
            before = lists.get(n_stars, (start, end))
            lists[n_stars] = (min(start, before[0]), max(end, before[1]))
        for n_stars in sorted(lists):
            yield n_stars, *lists[n_stars]


def _likeliest(found: Similarities, xy: FloatArray, stars: FloatArray, area: float) -> list[int]:
    """Return the maps that bring most sources onto stars, compared with what chance does at their scale."""
    tree, z = cKDTree(stars), xy[:, 0] + 1j * xy[:, 1]
    counts = np.concatenate([
        _n_on_stars(found.a[part], found.b[part], found.mirrored[part], z, tree)
        for part in (slice(first, first + _CHUNK) for first in range(0, len(found), _CHUNK))
    ])  # fmt: skip
    density = len(stars) / max(area, 1e-12)
    expected = np.maximum(len(xy) * density * np.pi * (_ON_STAR_PIX * np.abs(found.a)) ** 2, 1e-6)
    chance = counts * np.log(expected) - expected - gammaln(counts + 1.0)
    return [int(one) for one in np.argsort(chance, kind="stable")[:_POLISHED]]


def _n_on_stars(
    a: ComplexArray, b: ComplexArray, mirrored: NDArray[np.bool_], z: ComplexArray, tree: cKDTree
) -> NDArray[np.intp]:
    seen = np.where(mirrored[:, None], np.conj(z)[None], z[None])
    there = a[:, None] * seen + b[:, None]
    reach = _ON_STAR_PIX * np.abs(a)
    distance, _ = tree.query(np.stack([there.real, there.imag], axis=-1), distance_upper_bound=float(reach.max()))
    return np.asarray((distance <= reach[:, None]).sum(axis=1))


def _polished(found: Similarities, one: int, xy: FloatArray, stars: FloatArray) -> PixelMap | None:
    """Return the affine map from pixels to the plane (degrees), fitted to all sources on stars."""
    a, b, side = found.a[one], found.b[one], -1.0 if found.mirrored[one] else 1.0
    scale = float(np.abs(a))
    start = PixelMap(
        matrix=np.array([[a.real, -side * a.imag], [a.imag, side * a.real]]) / scale,
        shift=np.array([b.real, b.imag]) / scale,
        rms_pix=0.0,
        n_matched=0,
    )
    better = polish(xy, stars / scale, start)
    if better is None:
        return None
    return PixelMap(
        matrix=better.matrix * scale, shift=better.shift * scale, rms_pix=better.rms_pix, n_matched=better.n_matched
    )


def _linear_wcs(found: PixelMap, plane: WCS, shape: tuple[int, int]) -> WCS:
    ny, nx = shape
    start = WCS(naxis=2)
    start.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    start.wcs.crpix = [(nx + 1) / 2.0, (ny + 1) / 2.0]
    start.wcs.cd = found.matrix
    start.wcs.crval = to_sky(plane, found.apply(np.array([[(nx - 1) / 2.0, (ny - 1) / 2.0]])))[0]
    start.wcs.set()
    corners = np.array([[x, y] for x in (0.0, nx / 2.0, nx - 1.0) for y in (0.0, ny / 2.0, ny - 1.0)])
    return fit_wcs(
        WcsModel(Distortion.LINEAR), start, corners, to_sky(plane, found.apply(corners)), np.ones(len(corners))
    )
