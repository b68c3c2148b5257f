"""Find where a frame lies among catalog stars by quads: four stars whose shape no shift, turn or scale changes.

Lang et al. 2010, AJ 139, 1782: the two stars that are furthest apart span a frame of coordinates, in which the other
two have a place, four numbers that are nearly unique. Every quad of bright sources is looked up; catalog quads are made
of neighbours only, for a list of stars as dense on the sky as the bright sources are.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astrid_core.preprocessing.sources import FloatArray

_NEIGHBOURS = 8
_ALIKE = 0.012
"""Codes of one quad agree within this: a pixel in a hundred."""
_MIN_LENGTH = 0.12
"""Quads smaller than this part of the spread of the sources have too coarse a shape."""
_MOST = 20_000
"""So many pairs of alike quads, the most alike ones, are looked into."""
_MOST_INDICES = 2**15
_PAIRS = np.array(list(combinations(range(4), 2)))

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Quads:
    """``ends`` (n, 2) of the longest side as complex x + iy; ``code`` (n, 4) of the other two stars."""

    ends: ComplexArray
    code: FloatArray

    def __len__(self) -> int:
        return len(self.ends)


@dataclass(frozen=True, slots=True)
class Similarities:
    """Maps z -> a z + b, or a conj(z) + b where ``mirrored``, arrays (n,)."""

    a: ComplexArray
    b: ComplexArray
    mirrored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.a)


def all_quads(xy: FloatArray) -> Quads:
    """Return every quad of a few stars (n, 2)."""
    if len(xy) < 4:
        return Quads(np.empty((0, 2), dtype=complex), np.empty((0, 4)))
    return _quads(
        xy, np.array(list(combinations(range(len(xy)), 4))), shortest=_MIN_LENGTH * float(np.ptp(xy, axis=0).max())
    )


def neighbour_quads(xy: FloatArray) -> Quads:
    """Return the quads that each star (n, 2) makes with three of its neighbours."""
    n_near = min(_NEIGHBOURS, len(xy) - 1)
    if n_near < 3:
        return Quads(np.empty((0, 2), dtype=complex), np.empty((0, 4)))
    _, near = cKDTree(xy).query(xy, k=n_near + 1)
    others = np.array(list(combinations(range(1, n_near + 1), 3)))
    stars = np.concatenate([near[:, [0, *three]] for three in others])
    return _quads(xy, _different(np.sort(stars, axis=1)), shortest=0.0)


def _different(stars: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return each row once. Four indices below 2^15 are one number, which sorts far faster than rows do."""
    if stars.max() >= _MOST_INDICES:
        return np.unique(stars, axis=0)
    key = stars.astype(np.int64) @ np.array([_MOST_INDICES**power for power in (3, 2, 1, 0)], dtype=np.int64)
    return np.asarray(stars[np.unique(key, return_index=True)[1]])


def _quads(xy: FloatArray, stars: NDArray[np.intp], *, shortest: float) -> Quads:
    z = (xy[:, 0] + 1j * xy[:, 1])[stars]
    length = np.abs(z[:, _PAIRS[:, 0]] - z[:, _PAIRS[:, 1]])
    longest = np.argmax(length, axis=1)
    keep = np.flatnonzero(length[np.arange(len(z)), longest] > max(shortest, 1e-12))
    z, ends = z[keep], _PAIRS[longest[keep]]
    inner = np.array([[one for one in range(4) if one not in pair] for pair in _PAIRS])[longest[keep]]
    first, last = (np.take_along_axis(z, ends[:, [side]], axis=1) for side in (0, 1))
    code = (np.take_along_axis(z, inner, axis=1) - first) / (last - first)
    # Which end comes first, and which of the others, is settled by the code itself.
    turned = code.real.sum(axis=1) > 1.0
    code[turned] = 1.0 - code[turned]
    pair = np.concatenate([first, last], axis=1)
    pair[turned] = pair[turned][:, ::-1]
    code = np.take_along_axis(code, np.argsort(code.real, axis=1), axis=1)
    return Quads(pair, np.column_stack([code[:, 0].real, code[:, 0].imag, code[:, 1].real, code[:, 1].imag]))


def alike(mine: Quads, theirs: Quads, *, scales: tuple[float, float]) -> Similarities:
    """Return the maps that bring a quad of ``mine`` onto an alike one of ``theirs``, with a scale between ``scales``;
    the most alike ones first.
    """
    if not len(mine) or not len(theirs):
        return _none()
    tree = cKDTree(theirs.code)
    parts = [_alike(mine, theirs, tree, mirrored) for mirrored in (False, True)]
    a, b, far = (np.concatenate([part[one] for part in parts]) for one in range(3))
    mirrored = np.repeat([False, True], [len(part[0]) for part in parts])
    good = np.flatnonzero((np.abs(a) >= scales[0]) & (np.abs(a) <= scales[1]))
    good = good[np.argsort(far[good], kind="stable")[:_MOST]]
    return Similarities(a[good], b[good], mirrored[good])


def _none() -> Similarities:
    return Similarities(np.empty(0, dtype=complex), np.empty(0, dtype=complex), np.empty(0, dtype=bool))


def _alike(mine: Quads, theirs: Quads, tree: cKDTree, mirrored: bool) -> tuple[ComplexArray, ComplexArray, FloatArray]:  # noqa: FBT001
    ends, code = mine.ends, mine.code
    if mirrored:
        ends, code = np.conj(ends), code * np.array([1.0, -1.0, 1.0, -1.0])
    near = tree.query_ball_point(code, _ALIKE, return_sorted=False)
    first = np.repeat(np.arange(len(near)), [len(one) for one in near])
    second = np.concatenate([np.asarray(one, dtype=np.intp) for one in near]) if len(first) else first
    a = (theirs.ends[second, 1] - theirs.ends[second, 0]) / (ends[first, 1] - ends[first, 0])
    far = np.linalg.norm(code[first] - theirs.code[second], axis=1)
    return a, theirs.ends[second, 0] - a * ends[first, 0], far
