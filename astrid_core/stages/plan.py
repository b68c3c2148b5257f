"""Decide which observations have no settled run under today's settings."""

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import Model
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.errors import NoReference
from astrid_core.shared.runs import RunStatus
from astrid_core.shared.sky import Region
from astrid_core.stages.detect import detect_key
from astrid_core.stages.difference import difference_key, find_reference
from astrid_core.stages.preprocess import preprocess_key
from astrid_core.stages.services import Records, Services


def pending(  # noqa: PLR0913 - the settings of every stage that is planned
    services: Services,
    *,
    survey: str,
    night: str,
    region: Region | None = None,
    force: bool = False,
    model: Model,
    preprocess: PreprocessConfig,
    difference: DifferenceConfig,
    detect: DetectConfig,
) -> tuple[str, ...]:
    """Return the observations of a night that still need work, oldest first; with ``force`` all of them.

    Keys are pure functions of their inputs, so the whole chain of an observation is looked up without computing
    anything: a change of settings, of the reference or of the model makes it pending again.
    """
    with services.transaction() as records:
        tonight = records.observations.search(survey=survey, night=night, region=region)
        return tuple(
            observation.id
            for observation in tonight
            if force or not _is_settled(records, observation, model, preprocess, difference, detect)
        )


def _is_settled(
    records: Records,
    observation: Observation,
    model: Model,
    preprocess: PreprocessConfig,
    difference: DifferenceConfig,
    detect: DetectConfig,
) -> bool:
    prepared = records.preprocess_runs.find(preprocess_key(observation, preprocess))
    if prepared is None or prepared.status is RunStatus.SKIPPED:
        return prepared is not None
    try:
        reference = find_reference(records, observation, difference)
    except NoReference:
        reference = None
    subtracted = records.difference_runs.find(difference_key(prepared, reference, difference))
    if subtracted is None or subtracted.status is RunStatus.SKIPPED:
        return subtracted is not None
    return records.model_runs.find(detect_key(subtracted.key, model, detect)) is not None
