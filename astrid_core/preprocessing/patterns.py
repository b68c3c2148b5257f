"""Find how one frame lies on another by patterns of stars: any rotation, shift and mirror image, scales of 1/2 to 2.

Triangles have the same shape in both frames (Groth 1986, AJ 91, 1244). Each star makes triangles with its neighbours;
every pair of alike triangles votes for a map, and the maps that most agree on are tried on all stars.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astrid_core.preprocessing.pixel_map import PixelMap, is_certain, polish
from astrid_core.preprocessing.sources import FloatArray

_BRIGHTEST = 160
_NEIGHBOURS = 8
_SCALES = (1.0, 0.71, 1.41, 0.5, 2.0)
"""Each is tried with as many stars per area of the sky in both frames: the brightest are the same ones then."""
_SCALE_STEP = 1.3
_MIN_SIDE_PIX = 15.0
_ALIKE = 0.008
"""Side ratios of one triangle in two frames agree within this: some tenths of a pixel in a hundred."""
_AGREE_PIX = 8.0
"""Maps agree when they bring corners this near to each other."""
_TRIED = 60
"""So many maps, those with the most votes, are tried on all stars."""
_ON_STAR_PIX = 4.0
_POLISHED = 4
_FEWEST = 6

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class _Triangles:
    """``corners`` (n, 3) opposite the longest, middle and shortest side, complex x + iy; ``shape`` (n, 2) ratios."""

    corners: ComplexArray
    shape: FloatArray
    longest: FloatArray
    left_handed: NDArray[np.bool_]


def find_pattern(source: FloatArray, target: FloatArray) -> PixelMap | None:
    """Return the map that brings ``source`` onto ``target`` (n, 2), both brightest first; None if nothing fits."""
    if min(len(source), len(target)) < _FEWEST:
        return None
    for scale in _SCALES:
        n_source, n_target = _equally_dense(source, target, scale)
        goal = _triangles(target[:n_target])
        for mirror in (np.ones(2), np.array([-1.0, 1.0])):
            seen = source * mirror
            found = _agreed(seen, target, _triangles(seen[:n_source]), goal, scale)
            if found is not None:
                return replace(found, matrix=found.matrix * mirror)
    return None


def _equally_dense(source: FloatArray, target: FloatArray, scale: float) -> tuple[int, int]:
    """Return how many of the brightest of each are as dense on the sky, where a pixel of the source is ``scale`` pixels
    of the target.
    """
    ratio = _area(source) * scale**2 / _area(target)
    n_source, n_target = (min(_BRIGHTEST, len(one)) for one in (source, target))
    wanted = n_target * ratio
    if wanted <= n_source:
        return max(_FEWEST, round(wanted)), n_target
    return n_source, max(_FEWEST, round(n_source / ratio))


def _area(xy: FloatArray) -> float:
    return max(float(np.prod(np.ptp(xy, axis=0))), 1.0)


def _triangles(xy: FloatArray) -> _Triangles:
    """Return the triangles that each star makes with two of its neighbours."""
    n_near = min(_NEIGHBOURS + 1, len(xy))
    _, near = cKDTree(xy).query(xy, k=n_near)
    pairs = np.array(list(combinations(range(1, n_near), 2)))
    stars = np.concatenate([np.column_stack([near[:, 0], near[:, one], near[:, other]]) for one, other in pairs])
    stars = np.unique(np.sort(stars, axis=1), axis=0)
    z = (xy[:, 0] + 1j * xy[:, 1])[stars]
    sides = np.abs(z[:, [1, 2, 0]] - z[:, [2, 0, 1]])
    order = np.argsort(-sides, axis=1)
    z, sides = np.take_along_axis(z, order, axis=1), np.take_along_axis(sides, order, axis=1)
    large = sides[:, 2] > _MIN_SIDE_PIX
    z, sides = z[large], sides[large]
    turn = ((z[:, 1] - z[:, 0]) * np.conj(z[:, 2] - z[:, 0])).imag
    return _Triangles(z, sides[:, 1:] / sides[:, :1], sides[:, 0], turn > 0.0)


def _agreed(
    source: FloatArray, target: FloatArray, mine: _Triangles, theirs: _Triangles, scale: float
) -> PixelMap | None:
    """Return the map that alike triangles agree on and that brings stars onto stars."""
    a, b = _maps(mine, theirs, scale)
    if not len(a):
        return None
    middle = source.mean(axis=0)
    reach = float(np.ptp(source, axis=0).max()) / 2.0
    ends = [a * (middle[0] + 1j * middle[1] + reach * turn) + b for turn in (-1.0, 1.0)]
    places = np.column_stack([part for end in ends for part in (end.real, end.imag)])
    votes = cKDTree(places).query_ball_point(places, _AGREE_PIX, p=np.inf, return_length=True)
    likely = np.argsort(-votes, kind="stable")[:_TRIED]
    tree, z = cKDTree(target), source[:, 0] + 1j * source[:, 1]
    counts = np.array([
        np.isfinite(tree.query(_pairs(a[one] * z + b[one]), distance_upper_bound=_ON_STAR_PIX)[0]).sum()
        for one in likely
    ])  # fmt: skip
    for one in likely[np.argsort(-counts, kind="stable")[:_POLISHED]]:
        matrix = np.array([[a[one].real, -a[one].imag], [a[one].imag, a[one].real]])
        start = PixelMap(matrix=matrix, shift=_pairs(b[one]), rms_pix=0.0, n_matched=0)
        found = polish(source, target, start)
        if found is not None and is_certain(found, source, target):
            return found
    return None


def _maps(mine: _Triangles, theirs: _Triangles, scale: float) -> tuple[ComplexArray, ComplexArray]:
    """Return the similarities z -> a z + b, least squares over the corners of each pair of alike triangles."""
    if not len(mine.shape) or not len(theirs.shape):
        return np.empty(0, complex), np.empty(0, complex)
    alike = cKDTree(mine.shape).query_ball_tree(cKDTree(theirs.shape), _ALIKE, p=np.inf)
    first = np.repeat(np.arange(len(alike)), [len(one) for one in alike])
    second = np.concatenate([np.asarray(one, dtype=np.intp) for one in alike])
    size = theirs.longest[second] / mine.longest[first] / scale
    good = (mine.left_handed[first] == theirs.left_handed[second]) & (np.abs(np.log(size)) < np.log(_SCALE_STEP))
    z, w = mine.corners[first[good]], theirs.corners[second[good]]
    middle_z, middle_w = z.mean(axis=1), w.mean(axis=1)
    z, w = z - middle_z[:, None], w - middle_w[:, None]
    a = (w * np.conj(z)).sum(axis=1) / (np.abs(z) ** 2).sum(axis=1)
    return a, middle_w - a * middle_z


def _pairs(z: ComplexArray) -> FloatArray:
    return np.stack([np.real(z), np.imag(z)], axis=-1)
