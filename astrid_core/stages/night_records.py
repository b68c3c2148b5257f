"""What the records hold about a night, for its report."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from astrid_core.catalog.associate import by_entry
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.exposure_facts import ExposureRuns, choose_runs
from astrid_core.catalog.night_quality import choose_injection_run
from astrid_core.detection.entities import InjectionRun
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.observations.entities import Observation, Rejection
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What the records hold about a night."""

    exposures: tuple[ExposureRuns, ...]
    references: tuple[ReferenceImage, ...]
    rejections: tuple[Rejection, ...]
    light_curves: Mapping[UUID, Sequence[LightCurvePoint]]
    """Whole, of every object that was seen in the night."""
    injections: tuple[InjectionRun, ...]
    inputs: Mapping[str, tuple[Observation, ...]]
    """The exposures of each reference, by its digest."""

    def reference_of(self, runs: ExposureRuns) -> tuple[Observation, ...]:
        """Return the exposures that one was compared with."""
        digests = runs.difference.reference_digests if runs.difference else ()
        found = {one.id: one for digest in digests for one in self.inputs.get(digest, ())}
        return tuple(found.values())

    @property
    def points(self) -> tuple[LightCurvePoint, ...]:
        """The points of the night."""
        ours = {runs.observation.id for runs in self.exposures}
        return tuple(point for curve in self.light_curves.values() for point in curve if point.observation_id in ours)

    @classmethod
    def read(cls, records: Records, survey: str, night: str, preferred: Collection[RunKey]) -> "Night":
        """Read a night; runs that are ``preferred`` stand for their exposures."""
        exposures: list[ExposureRuns] = []
        entries: set[UUID] = set()
        injections: list[InjectionRun | None] = []
        for observation in records.observations.search(survey=survey, night=night):
            quarantine = records.quarantines.of(observation)
            if quarantine is not None:
                exposures.append(ExposureRuns(observation=observation, quarantine=quarantine.told))
                continue
            model_runs = records.model_runs.of_observation(observation.id)
            ids = [detection.id for run in model_runs for detection in run.detections]
            published = records.catalog.published(ids)
            runs = choose_runs(
                observation,
                preprocess_runs=records.preprocess_runs.of_observation(observation.id),
                difference_runs=records.difference_runs.of_observation(observation.id),
                model_runs=model_runs,
                preferred=preferred,
                published=published,
            )
            exposures.append(runs)
            injections.append(_injected(records, runs, preferred))
            entries |= set(published.values())
        light_curves = by_entry(records.catalog.points(sorted(entries)))
        digests = {digest for runs in exposures if runs.difference for digest in runs.difference.reference_digests}
        references = tuple(records.references.get(digest) for digest in sorted(digests))
        return cls(
            exposures=tuple(exposures),
            references=references,
            rejections=tuple(records.rejections.all(survey=survey)),
            light_curves=light_curves,
            injections=tuple(run for run in injections if run is not None),
            inputs={one.digest: _exposures_in(records, one) for one in references},
        )


def _exposures_in(records: Records, reference: ReferenceImage) -> tuple[Observation, ...]:
    return tuple(records.observations.get(records.preprocess_runs.get(key).observation_id) for key in reference.inputs)


def _injected(records: Records, runs: ExposureRuns, preferred: Collection[RunKey]) -> InjectionRun | None:
    if runs.difference is None or runs.model_run is None:
        return None
    return choose_injection_run(
        records.injection_runs.of_difference(runs.difference.key), model=runs.model_run.model, preferred=preferred
    )
