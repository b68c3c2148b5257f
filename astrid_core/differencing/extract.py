"""Candidates: peaks of the absolute score, both signs."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray

from astrid_core.differencing.hits import HitTest
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage, stamp_fwhm_pix


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One peak of the score, measured on the difference."""

    x_pix: float
    y_pix: float
    score: float
    flux: float
    flux_err: float
    fwhm_pix: float
    ellipticity: float
    flags: int


def extract(difference: Difference, *, threshold_sigma: float, limit: int) -> tuple[Peak, ...]:
    """Return peaks with abs(score) >= ``threshold_sigma`` on unmasked pixels, strongest first, at most ``limit``.

    The score is matched-filtered already, so its peak value is the significance of a point source and its position the
    best one (Zackay et al. 2016, section 3.3); shape is measured on D with Gaussian weights. A peak that bad pixels
    explain better than the PSF (hot pixel, cosmic ray) is none.
    """
    masked = np.ascontiguousarray(difference.mask != 0)
    reach = max(2.0, stamp_fwhm_pix(difference.psf))
    hits = HitTest(difference)
    peaks = [
        _measure(difference, sign, row, column, reach)
        for sign in (1.0, -1.0)
        for row, column in _peaks(difference.score * np.float32(sign), masked, threshold_sigma)
        if not (masked[row, column] or hits.is_hit(row, column))
    ]
    peaks.sort(key=lambda peak: (-abs(peak.score), peak.y_pix, peak.x_pix))
    return tuple(peaks[:limit])


def _peaks(score: FloatImage, masked: NDArray[np.bool_], threshold: float) -> list[tuple[int, int]]:
    found = sep.extract(
        np.ascontiguousarray(np.where(masked, 0.0, score), dtype=np.float32),
        threshold,
        mask=masked,
        minarea=1,
        filter_kernel=None,
        deblend_nthresh=32,
        deblend_cont=0.02,
        clean=False,
    )
    return [(int(row), int(column)) for row, column in zip(found["ypeak"], found["xpeak"], strict=True)]


def _measure(difference: Difference, sign: float, row: int, column: int, reach: float) -> Peak:
    dx, dy = _vertex(difference.score, sign, row, column)
    fwhm, ellipticity = _shape(difference.difference * np.float32(sign), row, column, reach)
    near = np.s_[
        max(0, row - round(reach)) : row + round(reach) + 1, max(0, column - round(reach)) : column + round(reach) + 1
    ]
    return Peak(
        x_pix=column + dx,
        y_pix=row + dy,
        score=float(difference.score[row, column]),
        flux=float(difference.flux[row, column]),
        flux_err=float(difference.flux_err[row, column]),
        fwhm_pix=fwhm,
        ellipticity=ellipticity,
        flags=int(np.bitwise_or.reduce(difference.mask[near], axis=None)),
    )


def _vertex(score: FloatImage, sign: float, row: int, column: int) -> tuple[float, float]:
    """Return the vertex of the parabolas through the peak and its neighbours, at most half a pixel away."""
    ny, nx = score.shape
    if not (0 < row < ny - 1 and 0 < column < nx - 1):
        return 0.0, 0.0
    box = sign * score[row - 1 : row + 2, column - 1 : column + 2].astype(float)
    return _parabola(box[1, 0], box[1, 1], box[1, 2]), _parabola(box[0, 1], box[1, 1], box[2, 1])


def _parabola(before: float, at: float, behind: float) -> float:
    bend = before - 2.0 * at + behind
    return float(np.clip(0.5 * (before - behind) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0


def _shape(difference: FloatImage, row: int, column: int, reach: float) -> tuple[float, float]:
    """Return FWHM and ellipticity from Gaussian-weighted second moments, the weight's own width taken out.

    NaN where noise or masks leave no positive moments.
    """
    half = round(2.0 * reach)
    top, left = max(0, row - half), max(0, column - half)
    box = difference[top : row + half + 1, left : column + half + 1].astype(float)
    y, x = np.mgrid[top : top + box.shape[0], left : left + box.shape[1]]
    width = reach / 2.3548
    light = np.where(np.isfinite(box), box, 0.0) * np.exp(-0.5 * ((x - column) ** 2 + (y - row) ** 2) / width**2)
    total = light.sum()
    if total <= 0.0:
        return float("nan"), float("nan")
    mx, my = (light * x).sum() / total, (light * y).sum() / total
    xx = (light * (x - mx) ** 2).sum() / total
    yy = (light * (y - my) ** 2).sum() / total
    xy = (light * (x - mx) * (y - my)).sum() / total
    root = np.hypot(xx - yy, 2.0 * xy)
    major, minor = (xx + yy + root) / 2.0, (xx + yy - root) / 2.0
    if minor <= 0.0 or major >= width**2:
        return float("nan"), float("nan")
    # A Gaussian of variance s times a weight of variance w has variance s w / (s + w).
    major, minor = (value * width**2 / (width**2 - value) for value in (major, minor))
    return float(2.3548 * (major * minor) ** 0.25), float(1.0 - np.sqrt(minor / major))
