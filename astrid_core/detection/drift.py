"""Whether what a network is shown, and what it says, is distributed as it used to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from astrid_core.shared.errors import BadConfiguration

FloatArray = NDArray[np.floating]

_MOST_BINS, _LEAST_BINS, _PER_BIN = 10, 2, 5
_CHANCE = 0.99
"""Equal distributions stay below ``Drift.chance`` with this probability."""


class DriftLevel(StrEnum):
    """How far a distribution has moved."""

    UNKNOWN = "unknown"
    """Too few values to say."""
    STEADY = "steady"
    WARN = "warn"
    ACT = "act"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """From which index on a distribution has moved."""

    warn: float = 0.1
    """Population stability index from which on a difference deserves a look."""
    act: float = 0.25
    """Population stability index from which on a distribution counts as another one."""

    def __post_init__(self) -> None:
        if not 0.0 < self.warn < self.act:
            raise BadConfiguration("warn must lie between 0 and act", warn=self.warn, act=self.act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One quantity now and before."""

    quantity: str
    n: int
    n_before: int
    median: float | None
    """None without a value."""
    median_before: float | None
    psi: float | None
    """Population stability index; None where there are too few values, now or before."""
    chance: float | None
    """What the index of two samples of these sizes from one distribution exceeds once in a hundred times."""
    level: DriftLevel


def measure_drift(
    quantity: str, values: FloatArray, before: FloatArray, *, limits: DriftLimits, min_values: int
) -> Drift:
    """Compare two samples; values that are not finite are left out.

    A level is given only to an index above both its limit and what chance makes of samples of these sizes.
    """
    values, before = values[np.isfinite(values)], before[np.isfinite(before)]
    n, n_before = len(values), len(before)
    psi, chance, level = None, None, DriftLevel.UNKNOWN
    if min(n, n_before) >= max(min_values, _LEAST_BINS):
        psi, chance = _stability(values, before)
        level = DriftLevel.STEADY
        if psi > chance and psi >= limits.warn:
            level = DriftLevel.ACT if psi >= limits.act else DriftLevel.WARN
    return Drift(
        quantity=quantity,
        n=n,
        n_before=n_before,
        median=float(np.median(values)) if n else None,
        median_before=float(np.median(before)) if n_before else None,
        psi=psi,
        chance=chance,
        level=level,
    )


def shares(values: FloatArray, edges: Sequence[float]) -> tuple[float, ...]:
    """Return which part of the values lies in each bin, the outer bins open-ended; zeros without a value."""
    counts = np.bincount(np.searchsorted(edges[1:-1], values, side="right"), minlength=len(edges) - 1)
    return tuple(float(one) for one in counts / max(len(values), 1))


def _stability(values: FloatArray, before: FloatArray) -> tuple[float, float]:
    """Return the population stability index, sum (p - q) ln(p / q), and what chance makes of it.

    Bins are quantiles of ``before``, as many as leave five values of the smaller sample in each, two to ten. Of one
    distribution the index over B bins is (1 / n + 1 / m) times a chi-square of B - 1 degrees of freedom (Yurdakul
    2018).
    """
    n, n_before = len(values), len(before)
    n_bins = int(np.clip(min(n, n_before) // _PER_BIN, _LEAST_BINS, _MOST_BINS))
    inner, n_times = np.unique(np.quantile(before, np.linspace(0.0, 1.0, n_bins + 1)[1:-1]), return_counts=True)
    # A value that holds several quantiles gets a bin of its own: what lies beyond it is something else.
    inner = np.union1d(inner, np.nextafter(inner[n_times > 1], np.inf))
    now, then = (_frequencies(sample, inner) for sample in (values, before))
    psi = float(((now - then) * np.log(now / then)).sum())
    return psi, float(chi2.ppf(_CHANCE, len(inner)) * (1.0 / n + 1.0 / n_before))


def _frequencies(sample: FloatArray, inner: FloatArray) -> FloatArray:
    counts = np.bincount(np.searchsorted(inner, sample, side="right"), minlength=len(inner) + 1)
    # Half a value in each bin: an empty one would make the index infinite (Jeffreys).
    smoothed: FloatArray = (counts + 0.5) / (len(sample) + 0.5 * len(counts))
    return smoothed
