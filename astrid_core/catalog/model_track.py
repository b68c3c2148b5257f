"""How a network did in a night, as one value that can be stored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from astrid_core.detection.drift import Drift, DriftLevel, DriftLimits
from astrid_core.differencing.completeness import binomial_interval

SCORE_EDGES = tuple(float(one) for one in np.linspace(0.0, 1.0, 11))
"""Of the histogram of scores and of the bins of the calibration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a number of cases, with its 95 % Wilson interval; None without a case."""

    n: int
    n_of: int
    fraction: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, n: int, n_of: int) -> "Share":
        """Count ``n`` of ``n_of``."""
        low, high = binomial_interval(n, n_of)
        return cls(n=n, n_of=n_of, fraction=n / n_of if n_of else None, low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBin:
    """Detections between two scores that people have judged."""

    low: float
    high: float
    promised: float | None
    """Mean score: the part that should be real; None without a verdict."""
    real: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTrack:
    """One network version on one instrument in one night."""

    model: str
    """``name/version``."""
    survey: str
    night: str
    instrument: str
    n_exposures: int
    n_exposures_before: int
    n_nights_before: int
    n_candidates: int
    unscored: Share
    """Of the candidates."""
    unscored_reasons: Mapping[str, int]
    score_shares: tuple[float, ...]
    """Parts of the scored candidates in the bins of ``SCORE_EDGES``."""
    score_shares_before: tuple[float, ...]
    """The same of earlier nights with this version; zeros without any."""
    drifts: tuple[Drift, ...]
    limits: DriftLimits
    """What the drifts were judged by."""
    completeness: Share
    """Injected sources that the network believes, at the score that the catalog asks for."""
    completeness_before: Share
    """The same of earlier nights with this version, over the same bins of S/N."""
    false: Share
    """Detections that people called bogus, of those with a high score that they called real or bogus."""
    n_unsure: int
    calibration: tuple[ScoreBin, ...]
    """From the verdicts on detections of this version in this night and those before."""
    ece: float | None
    """Expected calibration error of these; None where there are too few."""
    alarm: str
    """What has drifted while completeness fell; empty where nothing has."""

    @property
    def n_judged(self) -> int:
        """Detections that people called real or bogus, whatever their score."""
        return sum(one.real.n_of for one in self.calibration)

    @property
    def moved(self) -> tuple[Drift, ...]:
        """What has drifted, the furthest first."""
        found = [one for one in self.drifts if one.level in {DriftLevel.WARN, DriftLevel.ACT}]
        return tuple(sorted(found, key=lambda one: -(one.psi or 0.0)))

    @property
    def figures(self) -> dict[str, float]:
        """Return what was measured as numbers to draw over nights, by survey, instrument and name."""
        measured: dict[str, float | None] = {
            "candidates": self.n_candidates,
            "unscored": self.unscored.fraction,
            "completeness": self.completeness.fraction,
            "false claims": self.false.fraction,
            "calibration error": self.ece,
            "alarm": float(bool(self.alarm)),
            **{f"PSI of {one.quantity}": one.psi for one in self.drifts},
        }
        place = "/".join(part for part in (self.survey, self.instrument) if part)
        return {f"{place}/{name}": float(value) for name, value in measured.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ModelTrack":
        """Return what ``as_json`` was called on."""
        shares = ("unscored", "completeness", "completeness_before", "false")
        return cls(
            **{
                **stored,
                **{name: Share(**stored[name]) for name in shares},
                "limits": DriftLimits(**stored["limits"]),
                "score_shares": tuple(stored["score_shares"]),
                "score_shares_before": tuple(stored["score_shares_before"]),
                "drifts": tuple(Drift(**{**one, "level": DriftLevel(one["level"])}) for one in stored["drifts"]),
                "calibration": tuple(
                    ScoreBin(**{**one, "real": Share(**one["real"])}) for one in stored["calibration"]
                ),
            }
        )
