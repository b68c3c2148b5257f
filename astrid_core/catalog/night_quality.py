"""What the searches of a night are worth: its injection runs, summed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from astrid_core.detection.entities import InjectionRun
from astrid_core.differencing.completeness import CANDIDATES, DETECTIONS, EVERYWHERE, GALAXIES, Completeness, FalseRate
from astrid_core.differencing.search_quality import SearchQuality, pool_completeness, pool_rates
from astrid_core.shared.runs import RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NightQuality:
    """Completeness and false candidates of a night, from the exposures that were searched with injections."""

    n_exposures: int
    """That hold results."""
    n_missing: int = 0
    """Chosen, but without a result: not searched yet, failed or skipped."""
    completeness: tuple[Completeness, ...] = ()
    false_rates: Mapping[str, FalseRate] = field(default_factory=dict)
    """By level, from the same exposures without injections."""


def choose_injection_run(
    runs: Sequence[InjectionRun], *, model: str, preferred: Collection[RunKey]
) -> InjectionRun | None:
    """Return the run of one exposure that a report speaks of: with the model of its detections and with results.

    A preferred run comes first; ties fall to the last key.
    """
    usable = [run for run in runs if run.model == model and run.quality is not None]
    return max(usable, key=lambda run: (run.key in preferred, run.key), default=None)


def night_quality(runs: Sequence[InjectionRun], *, n_missing: int) -> NightQuality | None:
    """Return the sum over the runs of a night; None where nothing was injected and nothing should have been."""
    qualities = [run.quality for run in runs if run.quality is not None]
    if not qualities and not n_missing:
        return None
    levels = (CANDIDATES, DETECTIONS)
    pooled = [_pooled(qualities, level, place) for level in levels for place in (EVERYWHERE, GALAXIES)]
    rates = {level: pool_rates([one.false_rates[level] for one in qualities if level in one.false_rates])
             for level in levels}  # fmt: skip
    return NightQuality(
        n_exposures=len(qualities),
        n_missing=n_missing,
        completeness=tuple(curve for curve in pooled if curve is not None),
        false_rates={level: rate for level, rate in rates.items() if rate is not None},
    )


def _pooled(qualities: Sequence[SearchQuality], level: str, place: str) -> Completeness | None:
    found = (one.of(level, place) for one in qualities)
    return pool_completeness([curve for curve in found if curve is not None])
