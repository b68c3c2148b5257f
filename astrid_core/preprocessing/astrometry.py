"""Tie one frame's pixels to another's: by their WCS and stars, or by star patterns alone."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import fit_wcs_from_points
from scipy.spatial import cKDTree

from astrid_core.preprocessing.patterns import find_pattern
from astrid_core.preprocessing.pixel_map import MIN_MATCHES, PixelMap, is_certain, polish
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import NotRegistered

_BRIGHTEST = 250
_AGREE_PIX = 2.0


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

    A plain shift is tried first: it needs few common stars. Then triangles of stars (``patterns``), which find shift,
    rotation and scale from a half to two, of mirrored frames too. Raises NotRegistered if nothing fits.
    """
    xy = np.stack([science.x_pix, science.y_pix], axis=1)
    goal = np.stack([reference.x_pix, reference.y_pix], axis=1)
    found = _by_shift(xy, goal, shape) or find_pattern(xy, goal)
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
    return found if is_certain(found, xy, goal) else None


def match(source: FloatArray, target: FloatArray, *, reach_pix: float, frame: tuple[int, int]) -> PixelMap:
    """Return the affine map that brings ``source`` onto ``target`` (n, 2), both brightest first.

    A common shift up to ``reach_pix`` is voted for by the brightest pairs; an affine map is then fitted to mutual
    nearest neighbours with outliers taken out. Raises NotRegistered.
    """
    inside = (np.abs(target - np.array(frame[::-1]) / 2.0) < np.array(frame[::-1]) / 2.0 + reach_pix).all(axis=1)
    target = target[inside & np.isfinite(target).all(axis=1)]
    if min(len(source), len(target)) < MIN_MATCHES:
        raise NotRegistered(
            "too few stars to register", n_science=len(source), n_reference=len(target), required=MIN_MATCHES
        )
    shift, votes = vote(source[:_BRIGHTEST], target[:_BRIGHTEST], reach_pix=reach_pix, within_pix=_AGREE_PIX)
    start = PixelMap(matrix=np.eye(2), shift=shift, rms_pix=0.0, n_matched=0)
    found = polish(source, target, start)
    if found is None:
        raise NotRegistered("stars of science and reference do not match", votes=votes, reach_pix=reach_pix)
    return found


def vote(source: FloatArray, target: FloatArray, *, reach_pix: float, within_pix: float) -> tuple[FloatArray, int]:
    """Return the shift on which most pairs agree within some pixels, and how many do; 0 where no pair is in reach."""
    pairs = (target[None, :, :] - source[:, None, :]).reshape(-1, 2)
    pairs = pairs[(np.abs(pairs) <= reach_pix).all(axis=1)]
    if not len(pairs):
        return np.zeros(2), 0
    tree = cKDTree(pairs)
    counts = tree.query_ball_point(pairs, within_pix, return_length=True)
    best = int(np.argmax(counts))
    return np.asarray(pairs[tree.query_ball_point(pairs[best], within_pix)].mean(axis=0)), int(counts[best])


def corrected_wcs(wcs: WCS, found: PixelMap) -> WCS:
    """Return ``wcs`` such that it gives at (x, y) what it gave at the mapped position."""
    better = wcs.deepcopy()
    inverse = np.linalg.inv(found.matrix)
    better.wcs.crpix = inverse @ (wcs.wcs.crpix - 1.0 - found.shift) + 1.0
    set_matrix(better, wcs.pixel_scale_matrix @ found.matrix)
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
    set_matrix(plain, wcs.pixel_scale_matrix)
    return corrected_wcs(plain, found)


def set_matrix(wcs: WCS, matrix: FloatArray) -> None:
    """Write the matrix (degrees per pixel) in the form that the WCS has."""
    if wcs.wcs.has_cd():
        wcs.wcs.cd = matrix
    else:
        wcs.wcs.cdelt = [1.0, 1.0]
        wcs.wcs.pc = matrix
    wcs.wcs.set()
