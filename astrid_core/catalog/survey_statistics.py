"""What a survey has found over many nights: rates, and how complete it is in each part of the sky."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from astropy.stats import poisson_conf_interval
from scipy.special import ndtri

from astrid_core.catalog.model_track import Share
from astrid_core.differencing.completeness import CONFIDENCE

MOVING = "moving"
"""Kind of objects that move; others are told apart by what is thought of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightCount:
    """One night of a survey."""

    night: str
    n_searched: int
    area_deg2: float | None
    """As its last report tells; None where there is none or it knows no area."""
    new: Mapping[str, int]
    """Objects first seen in it, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """New objects of a kind per square degree and night, with the Poisson interval of 95 %."""

    n: int
    per_deg2_night: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyStatistics:
    """A survey between two nights."""

    survey: str
    nights: tuple[NightCount, ...]
    deg2_nights: float
    """Areas of the nights that know theirs, summed: rates are of these nights only."""
    rates: Mapping[str, Rate]
    """By kind; empty without an area."""
    completeness: Mapping[str, Share]
    """Injected sources found, by the cell of order 6 that holds the middle of the exposure."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def survey_statistics(
    survey: str, nights: Sequence[NightCount], injected: Mapping[str, tuple[int, int]]
) -> SurveyStatistics:
    """Sum up nights, and what was recovered of what was ``injected`` in each cell."""
    measured = [one for one in nights if one.area_deg2]
    deg2_nights = sum(one.area_deg2 or 0.0 for one in measured)
    counts = sum((Counter(one.new) for one in measured), Counter[str]())
    return SurveyStatistics(
        survey=survey,
        nights=tuple(nights),
        deg2_nights=deg2_nights,
        rates={kind: _rate(n, deg2_nights) for kind, n in sorted(counts.items())} if deg2_nights else {},
        completeness={cell: Share.of(*counted) for cell, counted in sorted(injected.items())},
    )


def _rate(n: int, deg2_nights: float) -> Rate:
    low, high = poisson_conf_interval(n, interval="frequentist-confidence", sigma=ndtri(0.5 + CONFIDENCE / 2.0))
    return Rate(n=n, per_deg2_night=n / deg2_nights, low=float(low) / deg2_nights, high=float(high) / deg2_nights)
