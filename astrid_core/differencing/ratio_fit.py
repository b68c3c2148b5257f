"""One ratio from those of many stars, some of which vary: robustly, and over the frame where that is certain."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.robust import sigma_of

_STARS_FOR_GRADIENT = 50
_MAX_CHANCE = 1e-5
"""A gradient is kept where chance would lower chi-square as much less often than this."""
_MOST_SCATTER = 0.95
"""And where it lowers the scatter of the stars to this part or less."""
_BIWEIGHT = 4.685
"""Residuals beyond so many standard deviations have no weight (Beaton & Tukey 1974): 95 % efficient for Gaussians."""
_ROUNDS = 20
_LEAST_SCALE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioFit:
    """Natural logarithms: ``middle`` of the frame, ``coefficients`` of x and y, empty without a gradient."""

    middle: float
    error: float
    coefficients: FloatArray
    scatter: float


@dataclass(frozen=True, slots=True)
class _Fit:
    solution: FloatArray
    covariance: FloatArray
    weight: FloatArray
    """1 / variance times the biweight."""
    rest: FloatArray


def fit_ratio(values: FloatArray, error: FloatArray, *, x: FloatArray, y: FloatArray) -> RatioFit:
    """Return the fit to the logarithms of n ratios at places ``x``, ``y``, -1 to 1 over the frame.

    A gradient is fitted where there are 50 stars, and kept if it lowers chi-square, for the scatter that is seen, by
    more than chance does once in 100,000 frames, and the scatter itself by a twentieth. Curvature is not: on real
    frames it follows the errors of the PSFs, and runs away in the corners.
    """
    terms = np.column_stack([np.ones(len(x)), x, y])
    best = _robust(terms[:, :1], values, error)
    if len(values) >= _STARS_FOR_GRADIENT:
        wider = _robust(terms, values, error)
        narrower = _weighted(terms[:, :1], values, wider.weight)
        gain = (wider.weight * ((values - terms[:, :1] @ narrower) ** 2 - wider.rest**2)).sum()
        quieter = np.median(np.abs(wider.rest)) < _MOST_SCATTER * np.median(np.abs(best.rest))
        if quieter and chdtrc(2, max(gain, 0.0)) < _MAX_CHANCE:
            best = wider
    return RatioFit(
        middle=float(best.solution[0]),
        error=float(np.sqrt(best.covariance[0, 0])),
        coefficients=best.solution[1:],
        scatter=sigma_of(best.rest),
    )


def _robust(design: FloatArray, values: FloatArray, error: FloatArray) -> _Fit:
    """Fit by Tukey's biweight from the weighted median on, the scale of the residuals measured with it."""
    solution = np.zeros(design.shape[1])
    solution[0] = _weighted_median(values, 1.0 / error)
    weight = np.ones(len(values))
    for _ in range(_ROUNDS):
        pull = (values - design @ solution) / error
        scale = max(sigma_of(pull), _LEAST_SCALE)
        calm = np.clip(1.0 - (pull / (_BIWEIGHT * scale)) ** 2, 0.0, None) ** 2
        weight = calm / (error * scale) ** 2
        before, solution = solution, _weighted(design, values, weight)
        if np.abs(solution - before).max() < 1e-6:
            break
    normal = design.T @ (design * weight[:, None])
    return _Fit(solution, np.asarray(np.linalg.pinv(normal), dtype=float), weight, values - design @ solution)


def _weighted(design: FloatArray, values: FloatArray, weight: FloatArray) -> FloatArray:
    root = np.sqrt(weight)
    return np.asarray(np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0])


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])
