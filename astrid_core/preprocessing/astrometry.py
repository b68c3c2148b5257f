"""Tie one frame's pixels to another's: by their WCS and stars, or by star patterns alone."""

from dataclasses import dataclass, replace

import astroalign
import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import fit_wcs_from_points
from scipy.spatial import cKDTree

from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import NotRegistered

_MIN_MATCHES = 4
_SURE_MATCHES = 12
_BRIGHTEST = 250


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedFrame:
    """A frame with the WCS that its stars ask for."""

    wcs: WCS
    offset_pix: tuple[float, float]
    """By how much the header's WCS was off at the centre of the frame."""
    rms_pix: float
    n_matched: int
    method: str


def tie_to_reference(
    science: SourceList, science_wcs: WCS, shape: tuple[int, int], reference: SourceList, reference_wcs: WCS
) -> TiedFrame:
    """Correct ``science_wcs`` by an affine map in the pixel plane, so that its stars fall on the reference's.

    Distortion terms of the science WCS are kept. Raises NotRegistered if the stars cannot be matched.
    """
    x, y = science_wcs.world_to_pixel(reference_wcs.pixel_to_world(reference.x_pix, reference.y_pix))
    target = np.stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)], axis=1)
    found = match(
        np.stack([science.x_pix, science.y_pix], axis=1), target, reach_pix=max(30.0, 0.08 * max(shape)), frame=shape
    )
    centre = np.array([[(shape[1] - 1) / 2, (shape[0] - 1) / 2]])
    offset = (found.apply(centre) - centre)[0]
    return TiedFrame(
        wcs=corrected_wcs(science_wcs, found),
        offset_pix=(float(offset[0]), float(offset[1])),
        rms_pix=found.rms_pix,
        n_matched=found.n_matched,
        method="wcs",
    )


def tie_by_patterns(
    science: SourceList, shape: tuple[int, int], reference: SourceList, reference_wcs: WCS
) -> TiedFrame:
    """Give a frame without usable WCS the reference's, from its stars alone.

    A plain shift is tried first: it needs few common stars. Then triangles of stars (Beroiz et al. 2020, astroalign),
    which find shift, rotation and scale, of mirrored frames too. Raises NotRegistered if nothing fits.
    """
    xy = np.stack([science.x_pix, science.y_pix], axis=1)
    goal = np.stack([reference.x_pix, reference.y_pix], axis=1)
    found = _by_shift(xy, goal, shape) or _by_triangles(xy, goal) or _by_triangles_mirrored(xy, goal, shape)
    if found is None:
        raise NotRegistered(
            "science and reference share no pattern of stars", n_science=len(science), n_reference=len(reference)
        )
    scale = float(np.sqrt(abs(np.linalg.det(found.matrix))))
    return TiedFrame(
        wcs=composed_wcs(reference_wcs, found, shape),
        offset_pix=(float("nan"), float("nan")),
        rms_pix=found.rms_pix / scale,
        n_matched=found.n_matched,
        method="stars",
    )


def _by_shift(xy: FloatArray, goal: FloatArray, shape: tuple[int, int]) -> PixelMap | None:
    try:
        found = match(xy, goal, reach_pix=float(max(shape)), frame=shape)
    except NotRegistered:
        return None
    # Among so many shifts some fit a few stars by chance.
    return found if found.n_matched >= max(_SURE_MATCHES, 0.1 * min(len(xy), len(goal))) else None


def _by_triangles(xy: FloatArray, goal: FloatArray) -> PixelMap | None:
    try:
        transform, _ = astroalign.find_transform(xy[:60], goal[:60])
    except (astroalign.MaxIterError, ValueError, TypeError):
        # It raises these for lists too short to hold a triangle, too.
        return None
    matrix, shift = np.asarray(transform.params[:2, :2]), np.asarray(transform.params[:2, 2])
    return _polish(xy, goal, PixelMap(matrix=matrix, shift=shift, rms_pix=0.0, n_matched=0))


def _by_triangles_mirrored(xy: FloatArray, goal: FloatArray, shape: tuple[int, int]) -> PixelMap | None:
    width = shape[1] - 1.0
    found = _by_triangles(np.column_stack([width - xy[:, 0], xy[:, 1]]), goal)
    if found is None:
        return None
    return replace(
        found,
        matrix=found.matrix @ np.array([[-1.0, 0.0], [0.0, 1.0]]),
        shift=found.matrix @ np.array([width, 0.0]) + found.shift,
    )


def match(source: FloatArray, target: FloatArray, *, reach_pix: float, frame: tuple[int, int]) -> PixelMap:
    """Return the affine map that brings ``source`` onto ``target`` (n, 2), both brightest first.

    A common shift up to ``reach_pix`` is voted for by the brightest pairs; an affine map is then fitted to mutual
    nearest neighbours with outliers taken out. Raises NotRegistered.
    """
    inside = (np.abs(target - np.array(frame[::-1]) / 2.0) < np.array(frame[::-1]) / 2.0 + reach_pix).all(axis=1)
    target = target[inside & np.isfinite(target).all(axis=1)]
    if min(len(source), len(target)) < _MIN_MATCHES:
        raise NotRegistered(
            "too few stars to register", n_science=len(source), n_reference=len(target), required=_MIN_MATCHES
        )
    shift, votes = _vote(source[:_BRIGHTEST], target[:_BRIGHTEST], reach_pix)
    start = PixelMap(matrix=np.eye(2), shift=shift, rms_pix=0.0, n_matched=0)
    found = _polish(source, target, start)
    if found is None:
        raise NotRegistered("stars of science and reference do not match", votes=votes, reach_pix=reach_pix)
    return found


def _vote(source: FloatArray, target: FloatArray, reach_pix: float) -> tuple[FloatArray, int]:
    """Return the shift on which most pairs agree within 2 pixels."""
    pairs = (target[None, :, :] - source[:, None, :]).reshape(-1, 2)
    pairs = pairs[(np.abs(pairs) <= reach_pix).all(axis=1)]
    if not len(pairs):
        return np.zeros(2), 0
    tree = cKDTree(pairs)
    counts = tree.query_ball_point(pairs, 2.0, return_length=True)
    best = int(np.argmax(counts))
    return np.asarray(pairs[tree.query_ball_point(pairs[best], 2.0)].mean(axis=0)), int(counts[best])


def _polish(source: FloatArray, target: FloatArray, start: PixelMap) -> PixelMap | None:
    """Fit an affine map to mutual nearest neighbours, the reach shrinking as the fit improves."""
    found, chance = start, _chance_matches(source, target)
    tree = cKDTree(target)
    for reach in (4.0, 2.5, 1.5, 1.5, 1.0):
        moved = found.apply(source)
        distance, index = tree.query(moved, distance_upper_bound=reach)
        near = np.flatnonzero(np.isfinite(distance))
        back_distance, back = cKDTree(moved).query(target[index[near]])
        near = near[(back == near) & np.isfinite(back_distance)]
        if len(near) < _MIN_MATCHES or len(near) < 3.0 * chance * reach**2:
            return None
        found = _fit_affine(source[near], target[index[near]], similar=len(near) < 12)
    return found


def _chance_matches(source: FloatArray, target: FloatArray) -> float:
    """Expected number of chance neighbours within one pixel."""
    extent = np.ptp(target, axis=0)
    density = len(target) / max(float(extent[0] * extent[1]), 1.0)
    return float(len(source) * density * np.pi)


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
        if now.sum() < _MIN_MATCHES or (now == keep).all():
            break
        keep = now
    return PixelMap(
        matrix=matrix, shift=shift, rms_pix=float(np.sqrt(np.mean(rest[keep] ** 2))), n_matched=int(keep.sum())
    )


def corrected_wcs(wcs: WCS, found: PixelMap) -> WCS:
    """Return ``wcs`` such that it gives at (x, y) what it gave at the mapped position."""
    better = wcs.deepcopy()
    inverse = np.linalg.inv(found.matrix)
    better.wcs.crpix = inverse @ (wcs.wcs.crpix - 1.0 - found.shift) + 1.0
    _set_matrix(better, wcs.pixel_scale_matrix @ found.matrix)
    return better


def composed_wcs(wcs: WCS, found: PixelMap, shape: tuple[int, int]) -> WCS:
    """Return ``wcs`` for the pixels of a frame of ``shape`` that ``found`` maps into its own, distortions fitted."""
    if wcs.has_distortion:
        ny, nx = shape
        x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(0, nx - 1, 12), np.linspace(0, ny - 1, 12)))
        there = found.apply(np.column_stack([x, y]))
        return fit_wcs_from_points((x, y), wcs.pixel_to_world(there[:, 0], there[:, 1]), sip_degree=3)
    plain = WCS(naxis=2)
    plain.wcs.ctype = list(wcs.wcs.ctype)
    plain.wcs.crval = wcs.wcs.crval
    plain.wcs.crpix = wcs.wcs.crpix
    plain.wcs.radesys = wcs.wcs.radesys
    _set_matrix(plain, wcs.pixel_scale_matrix)
    return corrected_wcs(plain, found)


def _set_matrix(wcs: WCS, matrix: FloatArray) -> None:
    if wcs.wcs.has_cd():
        wcs.wcs.cd = matrix
    else:
        wcs.wcs.cdelt = [1.0, 1.0]
        wcs.wcs.pc = matrix
    wcs.wcs.set()
