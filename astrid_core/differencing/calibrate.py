"""From planes to significances: what static sources leave is taken out, what remains of it is allowed for as noise."""

import math
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.fields import REACH, Field, FloatArray, around, inside, shapes
from astrid_core.differencing.light_fit import LightFit, fit_light
from astrid_core.differencing.noise import (
    ResidualNoise,
    add_psf_model_noise,
    fit_residual_noise,
    measure_noise,
    scene_at,
)
from astrid_core.differencing.planes import Planes
from astrid_core.shared.images import FloatImage

_BLOCK_PIX = 65536
"""Pixels that are worked on at a time: they and what is computed from them stay in a processor's cache."""
_LIT_SIGMA = 3.0
_BRIGHT_SIGMA = 10.0
_MEDIAN_OF_UNIT_NOISE = 0.6745
"""Median of the absolute value of a standard normal deviate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """Score of unit variance, and what made it so."""

    score: FloatImage
    flux_err: FloatImage
    """Standard deviation of the PSF flux, counts."""
    noise: float
    """What the score was divided by."""
    residual: ResidualNoise
    source_noise: float
    """How much noisier, at least, the score is on bright sources than on the sky, without ``residual``."""
    source_flux_err: float
    """Median flux error on bright sources, raised where it does not explain what is seen; NaN for none."""


def calibrate(
    planes: Planes,
    usable: NDArray[np.bool_],
    drift: Field,
    config: DifferenceConfig,
    pool: Executor,
    *,
    fwhm_pix: float,
    psf_error: tuple[float, int],
) -> Calibrated:
    """Calibrate ``planes``, whose difference and variance are changed in place.

    ``drift`` is what is known beforehand of what static sources leave; ``psf_error`` the variance that a source of unit
    light leaves in S because the PSFs are not better known, and how many pixels that reaches.
    """
    quiet = float(np.median(planes.score_variance[::4, ::4]))
    add_psf_model_noise(
        planes.score_variance,
        planes.reference_score,
        per_light2=psf_error[0] / float(np.median(planes.flux_scale[::16, ::16])) ** 2,
        quiet=quiet,
        reach_pix=psf_error[1],
    )
    fit = fit_light(planes, usable, drift, spacing_pix=config.fit_spacing_pix, fwhm_pix=fwhm_pix)
    at = fit.samples
    rest = at.score - at.explained(fit.field)
    doubt = fit.doubt.variance(at.y, at.x, at.shapes)
    residual = fit_residual_noise(
        rest, at.variance + doubt, scene_at(planes, at.y, at.x), fwhm_pix=fwhm_pix, repeated=fit.repeated
    )
    score = np.zeros_like(planes.score)
    ny, nx = score.shape
    height = max(8, _BLOCK_PIX // nx)
    blocks = [slice(top, min(top + height, ny - REACH)) for top in range(REACH, ny - REACH, height)]
    list(pool.map(lambda rows: _block(planes, fit, residual, score, rows), blocks))
    whole, cells = measure_noise(score, planes, usable)
    source_noise, source_flux_err = _on_sources(planes, fit, residual, rest, doubt, whole)
    y, x = ((np.arange(side) + 0.5) * n / side - 0.5 for side, n in zip((ny, nx), cells.shape, strict=True))
    flux_err = planes.score_variance

    def divide(rows: slice) -> None:
        noise = _between(cells, y[rows], x)
        score[rows] /= noise
        part = flux_err[rows]
        np.sqrt(part, out=part)
        part *= noise
        part /= planes.flux_scale[rows]

    list(pool.map(divide, [slice(top, min(top + height, ny)) for top in range(0, ny, height)]))
    return Calibrated(
        score=score,
        flux_err=flux_err,
        noise=whole,
        residual=residual,
        source_noise=source_noise,
        source_flux_err=source_flux_err,
    )


def _on_sources(
    planes: Planes, fit: LightFit, residual: ResidualNoise, rest: FloatArray, doubt: FloatArray, noise: float
) -> tuple[float, float]:
    """Return by how much at least S is noisier on bright sources than its ``noise`` on the sky before ``residual`` is
    allowed for, and the median flux error there: as it is with ``residual``, or more where that does not explain what
    is seen. 1 and NaN where there are none.
    """
    at = fit.samples
    bright = at.shapes[0] > _BRIGHT_SIGMA * np.sqrt(at.variance)
    if not bright.any():
        return 1.0, math.nan
    y, x, rest = at.y[bright], at.x[bright], rest[bright]
    expected = (at.variance + doubt)[bright]
    allowed = expected + residual.variance(scene_at(planes, y, x))
    spread = np.abs(rest) / _MEDIAN_OF_UNIT_NOISE / noise
    errors = noise * np.sqrt(allowed) / planes.flux_scale[y, x]
    # The standard error of such a median of n is 1.17 of it over sqrt(n): few sources prove little.
    at_least = 1.0 - 1.17 * np.sqrt(fit.repeated / bright.sum())
    return (
        max(1.0, at_least * float(np.median(spread / np.sqrt(expected)))),
        float(np.median(errors) * max(1.0, np.median(spread / np.sqrt(allowed)))),
    )


def _between(cells: FloatImage, y: NDArray[np.float64], x: NDArray[np.float64]) -> FloatImage:
    """Return the map of cells, linear between their centres."""
    if cells.size == 1 or np.ptp(cells) == 0.0:
        return np.full((1, 1), cells[0, 0], dtype=np.float32)
    return np.asarray(ndimage.map_coordinates(cells, np.meshgrid(y, x, indexing="ij"), order=1, mode="nearest"))


def _block(planes: Planes, fit: LightFit, residual: ResidualNoise, score: FloatImage, rows: slice) -> None:
    """Correct some rows of D, add to V(S) what the correction leaves in doubt, and write S / sqrt(V)."""
    nx = score.shape[1]
    around_rows, middle = slice(rows.start - REACH, rows.stop + REACH), np.s_[REACH : nx - REACH]
    coefficients = fit.field.over(rows)[:, :, middle]
    corrected = planes.score[rows, middle].copy()
    for coefficient, shape in zip(coefficients, shapes(inside(planes.reference_score[around_rows])), strict=True):
        corrected -= coefficient * shape
    part = planes.difference[rows, middle]
    for coefficient, shape in zip(coefficients, shapes(inside(planes.reference_difference[around_rows])), strict=True):
        part -= coefficient * shape
    variance = planes.score_variance[rows, middle]
    light = planes.reference_score[rows, middle]
    lit = (light > 0.0) & (light * light > np.float32(_LIT_SIGMA**2) * variance)
    y, x = np.nonzero(lit)
    if len(y):
        at = y + rows.start, x + REACH
        extra = residual.variance(scene_at(planes, *at))
        modes = np.array(shapes(around(planes.reference_score, *at)))
        variance[y, x] += extra + fit.doubt.variance(*at, modes).astype(np.float32)
    np.divide(corrected, np.sqrt(variance), out=score[rows, middle])
