"""What a search of an exposure is worth, as one value that can be stored and summed over exposures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from astrid_core.differencing.completeness import (
    Completeness,
    CompletenessBin,
    FalseRate,
    FluxCheck,
    binomial_interval,
    false_rate,
)
from astrid_core.differencing.half_point import HalfPoint, half_point

_NODES = 0.5 + np.array([-1.0, 0.0, 1.0]) * np.sqrt(0.15)
_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
"""Gauss-Legendre on [0, 1]. The middle of a bin alone would shift half points by more than their errors where a night
has many injections.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuality:
    """Completeness, false candidates and fluxes of the search of one exposure, measured with injected sources."""

    completeness: tuple[Completeness, ...]
    """Of the candidates and, with a model, of the detections; everywhere and, where any were put there, on galaxies."""
    false_rates: Mapping[str, FalseRate]
    """By level, from the search without injections."""
    fluxes: FluxCheck
    notes: tuple[str, ...] = ()
    """What could not be done, each with its reason."""

    def of(self, level: str, place: str) -> Completeness | None:
        """Return one of the measured levels at one of the places, or None."""
        return next((one for one in self.completeness if (one.level, one.place) == (level, place)), None)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "completeness": [asdict(one) for one in self.completeness],
            "false_rates": {level: asdict(rate) for level, rate in self.false_rates.items()},
            "fluxes": asdict(self.fluxes),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SearchQuality":
        """Return what ``as_json`` was called on."""
        return cls(
            completeness=tuple(_completeness(one) for one in stored["completeness"]),
            false_rates={level: FalseRate(**rate) for level, rate in stored["false_rates"].items()},
            fluxes=FluxCheck(**stored["fluxes"]),
            notes=tuple(stored["notes"]),
        )


def pool_completeness(curves: Sequence[Completeness]) -> Completeness | None:
    """Return curves of one level and place as one, their counts summed bin by bin; None for none.

    Curves over other bins than the first are left out, and so are magnitudes, whose bins are those of each exposure.
    The half point is fitted to the bins as if brightnesses were even in the logarithm of the S/N within each.
    """
    if not curves:
        return None
    first = curves[0]
    edges = [(one.low, one.high) for one in first.by_snr]
    alike = [one for one in curves if [(each.low, each.high) for each in one.by_snr] == edges]
    bins = tuple(_summed([curve.by_snr[number] for curve in alike]) for number in range(len(edges)))
    return Completeness(
        level=first.level,
        place=first.place,
        n_injected=sum(one.n_injected for one in alike),
        n_recovered=sum(one.n_recovered for one in alike),
        half=half_point(
            np.array([one.low * (one.high / one.low) ** _NODES for one in bins]),
            np.array([one.n_recovered for one in bins], dtype=float),
            np.array([one.n_injected for one in bins], dtype=float),
            weights=_WEIGHTS,
        ),
        by_snr=bins,
    )


def pool_rates(rates: Sequence[FalseRate]) -> FalseRate | None:
    """Return the rate over all exposures; None for none."""
    if not rates:
        return None
    return false_rate(sum(one.n_found for one in rates), round(1e6 * sum(one.usable_mpix for one in rates)))


def _summed(bins: Sequence[CompletenessBin]) -> CompletenessBin:
    n_injected, n_recovered = sum(one.n_injected for one in bins), sum(one.n_recovered for one in bins)
    low, high = binomial_interval(n_recovered, n_injected)
    return CompletenessBin(
        low=bins[0].low,
        high=bins[0].high,
        n_injected=n_injected,
        n_recovered=n_recovered,
        fraction=n_recovered / n_injected if n_injected else None,
        fraction_low=low,
        fraction_high=high,
    )


def _completeness(stored: Mapping[str, Any]) -> Completeness:
    return Completeness(
        **{
            **stored,
            "half": HalfPoint(**stored["half"]),
            "by_snr": tuple(CompletenessBin(**one) for one in stored["by_snr"]),
            "by_mag": tuple(CompletenessBin(**one) for one in stored["by_mag"]),
        }
    )
