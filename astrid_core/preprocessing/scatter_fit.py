"""A linear fit to measurements that scatter by more than their errors say, some of them far off."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from astrid_core.preprocessing.sources import FloatArray

_ROUNDS = 30
_LEAST_FREEDOM = 2
"""Student's t has no variance below."""
_NARROWER_SIGMA = 0.5
"""By so much the clip is drawn in to see what depends on it."""
_MOST_ATTENUATION = 0.5
"""Where errors make up more than this of the spread of a column, taking them out again would amplify noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noisy:
    """A column of the design that was measured itself, arrays (n,)."""

    column: int
    variance: FloatArray
    """Of the column's values."""
    covariance: FloatArray
    """Between the errors of the column and of the values that are fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterFit:
    """What was fitted to n values with p terms."""

    solution: FloatArray
    """(p,)."""
    covariance: FloatArray
    """(p, p), intrinsic scatter and the choice of the clip included."""
    kept: NDArray[np.bool_]
    """(n,): False for outliers."""
    weight: FloatArray
    """(n,): 1 / (variance + intrinsic scatter^2)."""
    rest: FloatArray
    """(n,): values minus fit."""
    intrinsic: float
    """Standard deviation beyond what the errors explain."""
    chi2: float
    """Reduced chi-square of those kept, without the intrinsic scatter."""


def fit_with_scatter(
    design: FloatArray, values: FloatArray, variance: FloatArray, *, clip_sigma: float, noisy: Noisy | None = None
) -> ScatterFit:
    """Fit ``values`` (n,) by ``design`` (n, p), whose first column is 1; ``variance`` (n,) is what is known of errors.

    Weighted least squares with an intrinsic variance such that the chi-square of those kept is what it should be
    (Paule & Mandel 1982, J. Res. NBS 87, 377), clipped at ``clip_sigma`` of errors and scatter together, starting at
    the median. What clipping takes from the wings of Gaussian errors is given back. Where errors lean to one side, as
    fluxes do that hold the light of unseen neighbours, the result depends on where it is clipped: what a narrower clip
    makes of it is part of ``covariance``. With ``noisy`` the attenuation of that column's coefficient by its own errors
    is taken out by the method of moments (Fuller 1987, Measurement Error Models, section 3.1). Raises ValueError for
    fewer values than terms.
    """
    n, n_terms = design.shape
    if n <= n_terms:
        raise ValueError(f"{n} values cannot tell {n_terms} terms")
    fit = _clipped_fit(design, values, variance, clip_sigma, noisy)
    narrow = _clipped_fit(design, values, variance, clip_sigma - _NARROWER_SIGMA, noisy)
    by_clip = narrow.solution - fit.solution
    return replace(fit, covariance=fit.covariance + np.outer(by_clip, by_clip))


def _clipped_fit(
    design: FloatArray, values: FloatArray, variance: FloatArray, clip_sigma: float, noisy: Noisy | None
) -> ScatterFit:
    n, n_terms = design.shape
    solution = np.zeros(n_terms)
    solution[0] = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - solution[0])))
    intrinsic2 = max(spread**2 - float(np.median(variance)), 0.0)
    kept = np.abs(values - solution[0]) <= clip_sigma * np.sqrt(variance + intrinsic2)
    for _ in range(_ROUNDS):
        before = kept, solution
        kept = kept if kept.sum() > n_terms else np.ones(n, dtype=bool)
        errors2 = variance + _of_column(solution, noisy)
        weight = 1.0 / np.maximum(errors2 + intrinsic2, 1e-30)
        solution, covariance = _solve(design, values, weight * kept, noisy)
        rest = values - design @ solution
        errors2 = variance + _of_column(solution, noisy)
        intrinsic2 = _intrinsic(rest[kept], errors2[kept], n_terms, clip_sigma)
        kept = np.abs(rest) <= clip_sigma * np.sqrt(errors2 + intrinsic2)
        if (kept == before[0]).all() and np.abs(solution - before[1]).max() < 1e-7:
            break
    freedom = max(int(kept.sum()) - n_terms, 1)
    # A scatter that was measured with few degrees of freedom is uncertain itself: Student's t has this variance.
    student = freedom / (freedom - 2.0) if intrinsic2 > 0.0 and freedom > _LEAST_FREEDOM else 1.0
    return ScatterFit(
        solution=solution,
        covariance=covariance * student,
        kept=kept,
        weight=weight,
        rest=rest,
        intrinsic=float(np.sqrt(intrinsic2)),
        chi2=float((rest[kept] ** 2 / np.maximum(errors2[kept], 1e-30)).sum() / freedom),
    )


def chance_of_gain(narrow: FloatArray, wide: ScatterFit, values: FloatArray) -> float:
    """Return how often chance alone would lower chi-square as much as ``wide`` does against the terms ``narrow``
    (n, q), a part of its own. Both are judged on the values that ``wide`` keeps, with its scatter.
    """
    weight = wide.weight * wide.kept
    solution, _ = _solve(narrow, values, weight, None)
    gain = float((weight * ((values - narrow @ solution) ** 2 - wide.rest**2)).sum())
    return float(stats.chi2.sf(max(gain, 0.0), len(wide.solution) - narrow.shape[1]))


def _of_column(solution: FloatArray, noisy: Noisy | None) -> FloatArray | float:
    """Return what the errors of the noisy column add to the variance of what is left."""
    if noisy is None:
        return 0.0
    slope = float(solution[noisy.column])
    return np.asarray(slope**2 * noisy.variance - 2.0 * slope * noisy.covariance)


def _solve(
    design: FloatArray, values: FloatArray, weight: FloatArray, noisy: Noisy | None
) -> tuple[FloatArray, FloatArray]:
    normal = design.T @ (design * weight[:, None])
    wanted = design.T @ (weight * values)
    corrected = normal.copy()
    if noisy is not None:
        at = noisy.column
        false = float((weight * noisy.variance).sum())
        spread = normal[at, at] - normal[at, 0] ** 2 / normal[0, 0]
        if false < _MOST_ATTENUATION * spread:
            corrected[at, at] -= false
            wanted[at] -= float((weight * noisy.covariance).sum())
    inverse = np.linalg.pinv(corrected)
    return np.asarray(inverse @ wanted), np.asarray(inverse @ normal @ inverse)


def _intrinsic(rest: FloatArray, variance: FloatArray, n_terms: int, clip_sigma: float) -> float:
    """Return the variance that must be added so that chi-square is what clipped Gaussian errors would give."""
    inside = 2.0 * float(stats.norm.cdf(clip_sigma)) - 1.0
    clipped = 1.0 - 2.0 * clip_sigma * float(stats.norm.pdf(clip_sigma)) / inside
    expected = clipped * max(len(rest) - n_terms, 1)

    def excess(more: float) -> float:
        return float((rest**2 / np.maximum(variance + more, 1e-30)).sum()) - expected

    if excess(0.0) <= 0.0:
        return 0.0
    # With every weight 1 / more, chi-square is at most this.
    return float(optimize.brentq(excess, 0.0, float((rest**2).sum()) / expected, xtol=1e-12))
