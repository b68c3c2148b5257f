"""Turn what a network says into probabilities."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

_PRIOR = 1.0
"""Strength of the pull towards slope 1 and offset 0, in examples: a handful of frames must not make a score certain."""


def balance(
    is_real: NDArray[np.bool_], real_fraction: float, weight: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Return weights with mean 1 under which ``real_fraction`` of the examples is real, in proportion to ``weight``
    among the real and among the false ones; ``weight`` with mean 1 without both kinds.
    """
    given = np.ones(len(is_real)) if weight is None else np.asarray(weight, dtype=float)
    n_real, n_false = float(given[is_real].sum()), float(given[~is_real].sum())
    if not n_real or not n_false:
        return np.asarray(given / given.mean() if len(given) else given, dtype=np.float32)
    share = np.where(is_real, real_fraction / n_real, (1.0 - real_fraction) / n_false)
    return np.asarray(len(given) * given * share, dtype=np.float32)


def fit_calibration(
    logits: NDArray[np.floating], is_real: NDArray[np.bool_], weight: NDArray[np.floating]
) -> tuple[float, float]:
    """Return slope and offset of the logit that make the probabilities true (Platt 1999) for weighted examples; (1, 0)
    where only one kind of example is there.
    """
    if is_real.all() or not is_real.any():
        return 1.0, 0.0
    x, y = np.asarray(logits, dtype=float), is_real.astype(float)

    def loss(parameters: NDArray[np.float64]) -> float:
        z = parameters[0] * x + parameters[1]
        return float(
            (weight * (np.logaddexp(0.0, z) - y * z)).sum() + _PRIOR * ((parameters[0] - 1.0) ** 2 + parameters[1] ** 2)
        )

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, 20.0), (-20.0, 20.0)]).x
    return float(slope), float(offset)
