"""How well a network tells what changed from what did not, on frames that it never saw."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from astrid_core.detection.config import TrainConfig
from astrid_core.detection.training_set import Examples

THRESHOLD = 0.5
"""The probability at and above which a candidate counts as real."""
_BRIGHT_SIGMA = 8.0
_SEARCH_SIGMA = 5.0
_N_BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures with their denominators; None where there was nothing to measure."""

    n_real: int
    """Real candidates at or above 5 sigma."""
    n_accepted: int
    n_real_bright: int
    """Real candidates at or above 8 sigma."""
    n_accepted_bright: int
    n_false: int
    """False candidates at or above 5 sigma."""
    n_false_accepted: int
    searched_mpix: float
    auc: float | None
    """Chance that a real candidate scores above a false one, all candidates."""
    ece: float | None
    """Expected calibration error over 15 bins of equal width, all candidates."""

    @property
    def completeness(self) -> float | None:
        """Part of the real candidates at or above 8 sigma that are accepted."""
        return self.n_accepted_bright / self.n_real_bright if self.n_real_bright else None

    @property
    def false_per_4mpix(self) -> float | None:
        """Accepted false candidates per 4 Mpix of searched sky."""
        return 4.0 * self.n_false_accepted / self.searched_mpix if self.searched_mpix > 0.0 else None

    def metrics(self) -> dict[str, float]:
        """Return everything that was measured, by name."""
        named = {
            "n_real": float(self.n_real),
            "n_accepted": float(self.n_accepted),
            "n_real_bright": float(self.n_real_bright),
            "n_accepted_bright": float(self.n_accepted_bright),
            "n_false": float(self.n_false),
            "n_false_accepted": float(self.n_false_accepted),
            "searched_mpix": self.searched_mpix,
            "completeness": self.completeness,
            "false_per_4mpix": self.false_per_4mpix,
            "auc": self.auc,
            "ece": self.ece,
        }
        return {name: value for name, value in named.items() if value is not None}


def evaluate(examples: Examples, probability: NDArray[np.floating]) -> Evaluation:
    """Compare probabilities with labels."""
    size, real = np.abs(examples.score), examples.is_real
    accepted = probability >= THRESHOLD
    searched, bright = size >= _SEARCH_SIGMA, size >= _BRIGHT_SIGMA
    return Evaluation(
        n_real=int((real & searched).sum()),
        n_accepted=int((real & searched & accepted).sum()),
        n_real_bright=int((real & bright).sum()),
        n_accepted_bright=int((real & bright & accepted).sum()),
        n_false=int((~real & searched).sum()),
        n_false_accepted=int((~real & searched & accepted).sum()),
        searched_mpix=examples.searched_mpix,
        auc=area_under_curve(probability, real),
        ece=calibration_error(probability, real),
    )


def area_under_curve(probability: NDArray[np.floating], is_real: NDArray[np.bool_]) -> float | None:
    """Return the area under the receiver operating curve, ties counted half; None without both kinds."""
    n_real, n_false = int(is_real.sum()), int((~is_real).sum())
    if not n_real or not n_false:
        return None
    ranks = rankdata(probability)
    return float((ranks[is_real].sum() - n_real * (n_real + 1) / 2) / (n_real * n_false))


def mean_by_group(values: NDArray[np.generic], group: NDArray[np.str_]) -> float:
    """Return the mean over groups of the mean within each."""
    _, which, n = np.unique(group, return_inverse=True, return_counts=True)
    return float((np.bincount(which, weights=np.asarray(values, dtype=float)) / n).mean())


def calibration_error(probability: NDArray[np.floating], is_real: NDArray[np.bool_]) -> float | None:
    """Return the mean distance between promised and seen frequency, weighted by bin; None without examples."""
    if not len(is_real):
        return None
    bins = np.minimum((np.asarray(probability) * _N_BINS).astype(int), _N_BINS - 1)
    promised = np.bincount(bins, weights=probability, minlength=_N_BINS)
    seen = np.bincount(bins, weights=is_real, minlength=_N_BINS)
    return float(np.abs(promised - seen).sum() / len(is_real))


def shortfalls(metrics: Mapping[str, float], config: TrainConfig) -> tuple[str, ...]:
    """Return which floors of ``config`` the figures miss, each with both numbers; empty if none."""
    at_least = {"completeness": config.min_completeness, "validation_auc": config.min_auc}
    at_most = {"false_per_4mpix": config.max_false_per_4mpix, "ece": config.max_ece}
    missing = [f"{name} was not measured" for name in (*at_least, *at_most) if name not in metrics]
    low = [
        f"{name} {metrics[name]:.4g} is below {floor:.4g}"
        for name, floor in at_least.items()
        if name in metrics and metrics[name] < floor
    ]
    high = [
        f"{name} {metrics[name]:.4g} is above {ceiling:.4g}"
        for name, ceiling in at_most.items()
        if name in metrics and metrics[name] > ceiling
    ]
    return (*missing, *low, *high)
