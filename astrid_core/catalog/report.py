"""The facts of a night, from its records alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from astrid_core.catalog.coverage import Coverage
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.exposure_facts import ExposureFacts, ExposureRuns, exposure_facts
from astrid_core.catalog.figures import Compared
from astrid_core.catalog.latency import Latency
from astrid_core.catalog.model_track import ModelTrack
from astrid_core.catalog.night_quality import NightQuality
from astrid_core.catalog.reviews import ReviewFacts
from astrid_core.catalog.truth import TruthTally
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.observations.entities import Rejection, night_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedFile:
    """A file of the survey that holds no usable exposure, and why."""

    archive_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something of a night that is worth a look."""

    is_bad: bool
    text: str
    place: str = ""
    """Where on the page there is more of it; empty for nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFacts:
    """What came of a night."""

    survey: str
    night: str
    min_score: float
    exposures: tuple[ExposureFacts, ...]
    rejected: tuple[RejectedFile, ...] = ()
    """Of the survey: a file that cannot be read does not tell its night."""
    n_entries_new: int = 0
    """Objects seen for the first time in this night."""
    n_entries_known: int = 0
    """Objects seen in this night and before."""
    elapsed_s: Mapping[str, float] = field(default_factory=dict)
    """By stage, summed over runs."""
    truth: TruthTally | None = None
    quality: NightQuality | None = None
    """None where nothing was injected."""
    tracks: tuple[ModelTrack, ...] = ()
    """How the network did, by version and instrument; empty where that was not looked at."""
    latency: Mapping[str, Latency] = field(default_factory=dict)
    """Computing times of one exposure by stage, and waiting times by what was waited for."""
    reviews: ReviewFacts | None = None
    """None where nobody is asked about this night."""
    coverage: Coverage | None = None
    """None where no searched exposure has a place on the sky."""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    """What nights are compared by."""
    comparison: tuple[Compared, ...] = ()
    """These figures beside those of earlier nights."""
    notices: tuple[Notice, ...] = ()
    """What is worth a look, the worst first."""

    def count(self, outcome: str) -> int:
        """Return how many exposures ended so."""
        return sum(exposure.outcome == outcome for exposure in self.exposures)

    def total(self, name: str) -> float:
        """Return the sum of a number over the exposures that have it."""
        return sum(getattr(exposure, name) or 0 for exposure in self.exposures)

    def as_json(self) -> Mapping[str, object]:
        """Return JSON values; numbers that are none become null."""
        plain = _plain(asdict(self))
        if not isinstance(plain, dict):
            raise TypeError(type(plain))
        return plain


def night_facts(  # noqa: PLR0913 - a night has this many sides
    *,
    survey: str,
    night: str,
    min_score: float,
    exposures: Sequence[ExposureRuns],
    references: Sequence[ReferenceImage],
    rejections: Sequence[Rejection],
    light_curves: Mapping[UUID, Sequence[LightCurvePoint]],
    truth: TruthTally | None = None,
    quality: NightQuality | None = None,
    tracks: Sequence[ModelTrack] = (),
    waits: Mapping[str, Latency] | None = None,
    reviews: ReviewFacts | None = None,
    coverage: Coverage | None = None,
) -> NightFacts:
    """Return the facts of a night; ``light_curves`` are whole, of every object with a point in one of the exposures."""
    points = [point for curve in light_curves.values() for point in curve]
    published = {point.detection_id for point in points}
    began = [night_of(min(point.mid_mjd for point in curve)) for curve in light_curves.values()]
    return NightFacts(
        survey=survey,
        night=night,
        min_score=min_score,
        exposures=tuple(exposure_facts(runs, min_score=min_score, published=published) for runs in exposures),
        rejected=tuple(RejectedFile(archive_id=one.archive_id, reason=one.reason) for one in rejections),
        n_entries_new=sum(first >= night for first in began),
        n_entries_known=sum(first < night for first in began),
        elapsed_s={
            "preprocess": math.fsum(runs.preprocess.elapsed_s for runs in exposures if runs.preprocess),
            "references": math.fsum(reference.elapsed_s for reference in references),
            "difference": math.fsum(runs.difference.elapsed_s for runs in exposures if runs.difference),
            "detect": math.fsum(runs.model_run.elapsed_s for runs in exposures if runs.model_run),
        },
        truth=truth,
        quality=quality,
        tracks=tuple(tracks),
        latency={**_computing(exposures), **(waits or {})},
        reviews=reviews,
        coverage=coverage,
    )


def _computing(exposures: Sequence[ExposureRuns]) -> dict[str, Latency]:
    """Return the computing times of one exposure; runs that were skipped count."""
    return {
        "preprocess": Latency.of(runs.preprocess.elapsed_s for runs in exposures if runs.preprocess),
        "difference": Latency.of(runs.difference.elapsed_s for runs in exposures if runs.difference),
        "detect": Latency.of(runs.model_run.elapsed_s for runs in exposures if runs.model_run),
    }


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
