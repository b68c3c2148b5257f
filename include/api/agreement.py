"""How far people agree, and how well each judges, as clients see it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from astrid_core.curation.agreement import Confusion
from astrid_core.curation.entities import Verdict
from astrid_core.differencing.completeness import CompletenessBin


class ConfusionShape(BaseModel):
    """What somebody said of what was true."""

    login: str
    counts: dict[str, int]
    """``truth/said`` to how often."""
    completeness: float | None
    """Part of the real ones that were called real."""
    completeness_low: float | None
    completeness_high: float | None


class CompletenessBinShape(BaseModel):
    """Injected sources between two predicted S/N."""

    low: float
    high: float | None
    """Null: all above."""
    n_shown: int
    n_called_real: int
    fraction: float | None
    fraction_low: float | None
    fraction_high: float | None


class CompletenessShape(BaseModel):
    """How many of the injected sources that somebody was shown they called real, by predicted S/N."""

    login: str
    bins: list[CompletenessBinShape]


class PairShape(BaseModel):
    """How far two people agree beyond chance."""

    logins: tuple[str, str]
    n_both: int
    cohen_kappa: float | None


class AgreementShape(BaseModel):
    """How far people agree, and how often each is right; of others only to those who oversee."""

    n_detections: int
    n_votes: int
    fleiss_kappa: float | None
    krippendorff_alpha: float | None
    pairs: list[PairShape]
    against_seeds: list[ConfusionShape]
    against_final: list[ConfusionShape]
    completeness: list[CompletenessShape]


def confusion_shapes(found: Mapping[str, Confusion]) -> list[ConfusionShape]:
    """Return what each person said, by login."""
    shapes = []
    for login, one in sorted(found.items()):
        part, low, high = one.part(Verdict.REAL, Verdict.REAL)
        counts = {f"{truth.value}/{said.value}": n for (truth, said), n in sorted(one.counts.items())}
        intervals: dict[str, Any] = {"completeness_low": low, "completeness_high": high}
        shapes.append(ConfusionShape(login=login, counts=counts, completeness=part, **intervals))
    return shapes


def completeness_shape(login: str, bins: Sequence[CompletenessBin]) -> CompletenessShape:
    """Return which part of the injected sources somebody recognised."""
    return CompletenessShape(
        login=login,
        bins=[
            CompletenessBinShape(
                low=one.low,
                high=one.high if math.isfinite(one.high) else None,
                n_shown=one.n_injected,
                n_called_real=one.n_recovered,
                fraction=one.fraction,
                fraction_low=one.fraction_low,
                fraction_high=one.fraction_high,
            )
            for one in bins
        ],
    )
