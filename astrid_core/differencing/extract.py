"""Candidates: peaks of the absolute score, both signs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.dipoles import second_poles
from astrid_core.differencing.hits import HitTest
from astrid_core.differencing.point_source import locate, noise_unit, position_errors, reduced_chi2, shapes
from astrid_core.differencing.stamps import FloatArray, IntArray, cut
from astrid_core.differencing.streaks import are_streaks
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage, MaskPlane, stamp_fwhm_pix

_BATCH = 2000
"""Peaks that are measured at once: bounds the memory of their stamps."""
_FIT_RADIUS_FWHM = 1.5
_SHARE_OF_POLES = 0.5
"""Poles are spared only where they gain twice what bad pixels do: of those there may be eight."""
_MAX_BLEND_PIX = 4096
"""A patch larger than this is no blend but a failed subtraction, and gives one peak; sep can take apart 1024 peaks, for
which it needs four pixels each.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One peak of the score, measured on the difference."""

    x_pix: float
    y_pix: float
    x_err_pix: float
    """Standard deviation of ``x_pix``."""
    y_err_pix: float
    score: float
    """Signed, at the peak's pixel, sigma."""
    flux: float
    """PSF flux at the sub-pixel position, science counts."""
    flux_err: float
    chi2: float
    """Reduced chi-square against a point source; NaN where too few pixels are known."""
    fwhm_pix: float
    ellipticity: float
    flags: int
    """MaskPlane bits within one FWHM; DIPOLE where it is one of two poles, TRAIL also where it is a streak itself."""


def extract(difference: Difference, *, threshold_sigma: float, limit: int) -> tuple[Peak, ...]:
    """Return peaks with abs(score) >= ``threshold_sigma`` on unmasked pixels, strongest first, at most ``limit``.

    The score is matched-filtered already, so its peak value is the significance of a point source (Zackay et al. 2016,
    section 3.3). A peak that bad pixels (hot pixel, cosmic ray) explain better than the PSF does, or than two poles do,
    is none. The two poles of a dipole stay two peaks, each with its own flux and position, and each carries
    MaskPlane.DIPOLE; where only one of them reaches the threshold, that one does.
    """
    masked = np.ascontiguousarray((difference.mask != 0) | ~np.isfinite(difference.score))
    found = [_peaks(difference.score * np.float32(sign), masked, threshold_sigma) for sign in (1.0, -1.0)]
    rows, columns = (np.concatenate([one[axis] for one in found]) for axis in (0, 1))
    order = np.lexsort((columns, rows, -np.abs(difference.score[rows, columns])))
    rows, columns = rows[order], columns[order]
    hits, peaks = HitTest(difference), list[Peak]()
    fwhm, unit = max(2.0, stamp_fwhm_pix(difference.psf)), noise_unit(difference)
    for start in range(0, len(rows), _BATCH):
        if len(peaks) >= limit:
            break
        y, x = rows[start : start + _BATCH], columns[start : start + _BATCH]
        peaks += _measured(difference, y, x, hits.gain_chi2(y, x), fwhm_pix=fwhm, unit=unit)
    return tuple(peaks[:limit])


def _peaks(score: FloatImage, masked: NDArray[np.bool_], threshold: float) -> tuple[IntArray, IntArray]:
    """Return rows and columns of the unmasked maxima of ``score`` at or above ``threshold``, blends taken apart."""
    plane = np.ascontiguousarray(np.where(masked, np.float32(0.0), score), dtype=np.float32)
    lit = plane >= threshold
    tops, flooded = _large_patches(plane, lit)
    with _room_for(int(lit.sum())):
        found = sep.extract(
            plane,
            threshold,
            mask=masked | flooded,
            minarea=1,
            filter_kernel=None,
            deblend_nthresh=32,
            deblend_cont=0.005,
            clean=False,
        )
    rows = np.concatenate([found["ypeak"].astype(int), tops[:, 0]])
    columns = np.concatenate([found["xpeak"].astype(int), tops[:, 1]])
    free = ~masked[rows, columns]
    return rows[free], columns[free]


def _large_patches(plane: FloatImage, lit: NDArray[np.bool_]) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the highest pixels (n, 2: row, column) of connected patches that are no blends, and where those are."""
    nothing = np.zeros((0, 2), dtype=int), np.zeros(lit.shape, dtype=bool)
    if lit.sum() <= _MAX_BLEND_PIX:
        return nothing
    labels, _ = ndimage.label(lit, structure=np.ones((3, 3)))
    large = np.flatnonzero(np.bincount(labels.ravel())[1:] > _MAX_BLEND_PIX) + 1
    if not len(large):
        return nothing
    tops = np.array(ndimage.maximum_position(plane, labels, large), dtype=int)
    return tops, np.isin(labels, large)


@contextmanager
def _room_for(n_pixels: int) -> Iterator[None]:
    """Let sep hold so many pixels above the threshold while it searches."""
    before = sep.get_extract_pixstack()
    sep.set_extract_pixstack(max(before, 2 * n_pixels + 1000))
    try:
        yield
    finally:
        sep.set_extract_pixstack(before)


def _measured(
    difference: Difference,
    rows: IntArray,
    columns: IntArray,
    hit_gain_chi2: FloatArray,
    *,
    fwhm_pix: float,
    unit: float,
) -> list[Peak]:
    """Return those of n peaks that are no hits."""
    sign = np.sign(difference.score[rows, columns]).astype(float)
    score, places = difference.score[rows, columns], locate(difference, rows, columns, sign)
    rows, columns = np.rint(places.y_pix).astype(int), np.rint(places.x_pix).astype(int)
    poles = second_poles(difference, rows, columns, places, fwhm_pix=fwhm_pix)
    kept = hit_gain_chi2 <= np.where(poles.one_source, _SHARE_OF_POLES * poles.gain_chi2, 0.0)
    # Its own photons flatten the score of a bright source, which may then have two peaks.
    first = np.unique(np.stack([rows[kept], columns[kept], sign[kept]]), axis=1, return_index=True)[1]
    kept[np.delete(np.flatnonzero(kept), first)] = False
    if not kept.any():
        return []
    rows, columns, sign, places = rows[kept], columns[kept], sign[kept], places.take(kept)
    x_err, y_err = position_errors(difference, rows, columns, places.flux, half=int(np.ceil(2.0 * fwhm_pix)))
    radius = max(3.0, _FIT_RADIUS_FWHM * fwhm_pix)
    fwhm, ellipticity = shapes(difference.difference, rows, columns, sign, fwhm_pix=fwhm_pix)
    flags = np.bitwise_or.reduce(cut(difference.mask, rows, columns, round(fwhm_pix), fill=0), axis=(1, 2))
    streaks = are_streaks(difference.score, rows, columns, sign, fwhm_pix=fwhm_pix)
    flags = flags | np.where(streaks, np.uint16(MaskPlane.TRAIL), np.uint16(0))
    flags = flags | np.where(poles.paired[kept], np.uint16(MaskPlane.DIPOLE), np.uint16(0))
    measured = {
        "x_pix": places.x_pix,
        "y_pix": places.y_pix,
        "x_err_pix": x_err,
        "y_err_pix": y_err,
        "score": score[kept],
        "flux": places.flux,
        "flux_err": difference.flux_err[rows, columns],
        "chi2": reduced_chi2(difference, rows, columns, places, radius_pix=radius, unit=unit),
        "fwhm_pix": fwhm,
        "ellipticity": ellipticity,
    }
    table = zip(*(np.asarray(one, dtype=float).tolist() for one in measured.values()), flags.tolist(), strict=True)
    return [Peak(**dict(zip(measured, row[:-1], strict=True)), flags=row[-1]) for row in table]
