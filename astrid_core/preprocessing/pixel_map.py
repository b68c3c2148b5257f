"""The affine map between the pixels of two frames, fitted to the stars that they share."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import pdtrc

from astrid_core.preprocessing.sources import FloatArray

MIN_MATCHES = 4
_REACHES_PIX = (4.0, 2.5, 1.5, 1.5, 1.0)
_FREE_MATCHES = 3
"""So many stars fall into place because the map was fitted to them."""
_MAX_CHANCE = 1e-8
"""A map is one only if so many stars fall into place by chance less often than this, among all that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelMap:
    """Affine map from a frame's pixels to the pixels where they belong: ``matrix`` (2, 2) @ (x, y) + ``shift`` (2,)."""

    matrix: FloatArray
    shift: FloatArray
    rms_pix: float
    """Scatter per axis of the matched stars."""
    n_matched: int

    def apply(self, xy: FloatArray) -> FloatArray:
        """Map positions of shape (n, 2)."""
        return np.asarray(xy @ self.matrix.T + self.shift)


def polish(source: FloatArray, target: FloatArray, start: PixelMap) -> PixelMap | None:
    """Fit an affine map to mutual nearest neighbours (n, 2), the reach in pixels of the target shrinking as the fit
    improves; None where no more stars meet than do by chance.
    """
    found, expected = start, 0.0
    tree = cKDTree(target)
    for reach in _REACHES_PIX:
        moved = found.apply(source)
        distance, index = tree.query(moved, distance_upper_bound=reach)
        near = np.flatnonzero(np.isfinite(distance))
        _, back = cKDTree(moved).query(target[index[near]])
        near = near[back == near]
        expected = _chance_matches(moved, target) * reach**2
        if len(near) < MIN_MATCHES or len(near) < 3.0 * expected:
            return None
        found = _fit_affine(source[near], target[index[near]], similar=len(near) < 12)
    return found


def is_certain(found: PixelMap, source: FloatArray, target: FloatArray) -> bool:
    """Tell whether so many stars can hardly have met by chance."""
    expected = _chance_matches(found.apply(source), target) * _REACHES_PIX[-1] ** 2
    # pdtrc(k, m): probability of more than k events where m are expected.
    return bool(pdtrc(found.n_matched - _FREE_MATCHES - 1, max(expected, 1e-12)) < _MAX_CHANCE)


def _chance_matches(moved: FloatArray, target: FloatArray) -> float:
    """Expected number of chance neighbours within one pixel."""
    low, high = target.min(axis=0), target.max(axis=0)
    density = len(target) / max(float(np.prod(high - low)), 1.0)
    return float(((moved >= low) & (moved <= high)).all(axis=1).sum() * density * np.pi)


def _fit_affine(source: FloatArray, target: FloatArray, *, similar: bool) -> PixelMap:
    """Least squares with 3-sigma clipping: six terms, or four (shift, rotation, scale) with few stars."""
    keep = np.ones(len(source), dtype=bool)
    matrix: FloatArray = np.eye(2)
    shift: FloatArray = np.zeros(2)
    rest = np.zeros_like(source)
    for _ in range(4):
        s, t = source[keep], target[keep]
        if similar:
            design = np.zeros((2 * len(s), 4))
            design[: len(s)] = np.stack([s[:, 0], -s[:, 1], np.ones(len(s)), np.zeros(len(s))], axis=1)
            design[len(s) :] = np.stack([s[:, 1], s[:, 0], np.zeros(len(s)), np.ones(len(s))], axis=1)
            (a, b, dx, dy), *_ = np.linalg.lstsq(design, np.concatenate([t[:, 0], t[:, 1]]), rcond=None)
            matrix, shift = np.array([[a, -b], [b, a]]), np.array([dx, dy])
        else:
            design = np.column_stack([s, np.ones(len(s))])
            solution, *_ = np.linalg.lstsq(design, t, rcond=None)
            matrix, shift = np.asarray(solution[:2].T), np.asarray(solution[2])
        rest = target - (source @ matrix.T + shift)
        spread = 1.4826 * np.median(np.abs(rest[keep]), axis=0) + 1e-3
        now = np.asarray((np.abs(rest) < 3.0 * spread).all(axis=1))
        if now.sum() < MIN_MATCHES or (now == keep).all():
            break
        keep = now
    return PixelMap(
        matrix=matrix, shift=shift, rms_pix=float(np.sqrt(np.mean(rest[keep] ** 2))), n_matched=int(keep.sum())
    )
