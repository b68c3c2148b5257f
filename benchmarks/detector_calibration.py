"""Which way of turning scores into probabilities is best, measured on frames that the way was not fitted on."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize_scalar
from scipy.special import expit, logit

from astrid_core.detection.calibration import balance, fit_calibration

_EPS = 1e-4


def calibrations(
    score: NDArray[np.float64], is_real: NDArray[np.bool_], frame: NDArray[np.int64], real_fraction: float
) -> str:
    """Return a table of the loss of each way, fitted on even frames and measured on odd ones."""
    judged = score >= 0.0
    z, y, frame = logit(np.clip(score[judged], _EPS, 1.0 - _EPS)), is_real[judged], frame[judged]
    fitted, measured = frame % 2 == 0, frame % 2 == 1
    weight = balance(y[fitted], real_fraction)
    slope, offset = fit_calibration(z[fitted], y[fitted], weight)
    warmth = _temperature(z[fitted], y[fitted], weight)
    ways = {
        "as shipped": expit(z[measured]),
        "temperature": expit(warmth * z[measured]),
        "Platt": expit(slope * z[measured] + offset),
        "isotonic": _isotonic(z[fitted], y[fitted], weight, z[measured]),
    }
    against = balance(y[measured], real_fraction)
    lines = [
        "Refitted on half of these frames, measured on the others, weighted to the same part of real ones:",
        "",
        "| calibration | log loss | Brier score |",
        "|---|---|---|",
    ]
    for name, p in ways.items():
        inside, truth = np.clip(p, _EPS, 1.0 - _EPS), y[measured]
        loss = -np.where(truth, np.log(inside), np.log1p(-inside))
        means = [np.average(one, weights=against) for one in (loss, (p - truth) ** 2)]
        lines.append(f"| {name} | {means[0]:.4f} | {means[1]:.4f} |")
    return "\n".join(lines)


def _temperature(z: NDArray[np.float64], y: NDArray[np.bool_], weight: NDArray[np.float32]) -> float:
    def loss(slope: float) -> float:
        return float((weight * (np.logaddexp(0.0, slope * z) - y * slope * z)).sum())

    return float(minimize_scalar(loss, bounds=(0.05, 20.0), method="bounded").x)


def _isotonic(
    z: NDArray[np.float64], y: NDArray[np.bool_], weight: NDArray[np.float32], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    order = np.argsort(z)
    steps = isotonic_regression(y[order].astype(float), weights=weight[order].astype(float)).x
    return np.asarray(np.interp(at, z[order], steps))
