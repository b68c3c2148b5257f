"""Which detections of model runs the catalog takes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.measure import light_curve_point
from astrid_core.detection.ports import ModelRegistry
from astrid_core.detection.thresholds import threshold_of
from astrid_core.differencing.template import owner_of
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records, Services


def min_score_of(models: ModelRegistry, config: PublishConfig, *, model: str, instrument: str) -> float:
    """Return the score from which on the catalog takes detections of a model in exposures of an instrument."""
    if not config.max_false_per_deg2:
        return config.min_score
    manifest = models.manifest(model)
    return threshold_of(manifest, model=model, instrument=instrument, max_false_per_deg2=config.max_false_per_deg2)


def min_scores_of(services: Services, config: PublishConfig, keys: Sequence[RunKey]) -> dict[str, dict[str, float]]:
    """Ask the registry for the score of each model and instrument, before the catalog is locked."""
    with services.transaction() as records:
        runs = [records.model_runs.get(key) for key in keys]
        pairs = {(run.model, records.observations.get(run.observation_id).instrument) for run in runs}
    scores: dict[str, dict[str, float]] = {}
    for model, instrument in sorted(pairs):
        scores.setdefault(model, {})[instrument] = min_score_of(
            services.models, config, model=model, instrument=instrument
        )
    return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The detections of some exposures that may be published, and how many may not."""

    points: tuple[LightCurvePoint, ...]
    n_detections: int
    n_quarantined: int
    n_below_threshold: int
    n_without_position: int
    min_scores: Mapping[str, Mapping[str, float]]

    @classmethod
    def read(
        cls,
        records: Records,
        survey: str,
        nights: Collection[str],
        config: PublishConfig,
        min_scores: Mapping[str, Mapping[str, float]],
        keys: Sequence[RunKey],
    ) -> "Offered":
        """Return what these model runs found; ValueError where one is of another survey, or of no such night."""
        points: list[LightCurvePoint] = []
        n_detections = n_quarantined = n_below = n_without_position = 0
        for key in sorted(set(keys)):
            run = records.model_runs.get(key)
            observation = records.observations.get(run.observation_id)
            if observation.survey != survey or observation.night not in nights:
                message = f"{key} is of {observation.survey} {observation.night}, not of {survey} {', '.join(nights)}"
                raise ValueError(message)
            difference = records.difference_runs.get(run.difference_key)
            references = [records.references.get(digest) for digest in difference.reference_digests]
            prepared = records.preprocess_runs.get(difference.preprocess_key)
            n_detections += len(run.detections)
            if records.quarantines.of(observation) is not None:
                n_quarantined += len(run.detections)
                continue
            least = min_scores[run.model][observation.instrument]
            for detection in run.detections:
                significant = abs(detection.candidate.score) >= config.min_abs_significance
                if detection.score is None or detection.score < least or not significant:
                    n_below += 1
                    continue
                owner = owner_of(detection.candidate.position, references)
                one = light_curve_point(
                    detection, observation, prepared, difference.registration, reference_digest=owner.digest
                )
                if one is None:
                    n_without_position += 1
                else:
                    points.append(one)
        return cls(
            points=tuple(points),
            n_detections=n_detections,
            n_quarantined=n_quarantined,
            n_below_threshold=n_below,
            n_without_position=n_without_position,
            min_scores=min_scores,
        )
