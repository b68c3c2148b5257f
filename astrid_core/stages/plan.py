"""Decide what a night still needs, and say what it has, under today's settings."""

from dataclasses import dataclass

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import Model
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.observations.entities import Observation, Survey
from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.shared.sky import Region
from astrid_core.stages.detect import detect_key
from astrid_core.stages.difference import planned_difference
from astrid_core.stages.preprocess import Preparation, planned_key
from astrid_core.stages.services import Records, Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that names the runs of an exposure besides its pixels and its reference."""

    model: Model
    preparation: Preparation
    difference: DifferenceConfig
    detect: DetectConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPlan:
    """The exposures of a night, by what has been done about them."""

    pending: tuple[str, ...]
    """Observations without a settled run, oldest first."""
    scored: tuple[RunKey, ...]
    """Model runs that succeeded, oldest exposure first."""
    n_skipped: int
    n_quarantined: int = 0
    """Set aside: neither pending nor scored, whatever their runs say."""


def plan_night(
    services: Services, recipe: Recipe, *, survey: str, night: str, region: Region | None = None, force: bool = False
) -> NightPlan:
    """Look up the whole chain of every exposure of a night.

    Keys are pure functions of their inputs, so nothing is computed: a change of settings, of the reference or of the
    model makes an exposure pending again. With ``force`` all are pending, which finds runs again rather than doing them
    twice. Exposures in quarantine are left alone.
    """
    pending: list[str] = []
    scored: list[RunKey] = []
    n_skipped = n_quarantined = 0
    client = services.surveys.get(survey)
    survey_of = None if client is None else client.survey
    with services.transaction() as records:
        for observation in records.observations.search(survey=survey, night=night, region=region):
            if records.quarantines.of(observation) is not None:
                n_quarantined += 1
                continue
            is_settled, model_run = _chain(records, observation, survey_of, recipe, services.stars)
            if force or not is_settled:
                pending.append(observation.id)
            if model_run is not None:
                scored.append(model_run)
            n_skipped += is_settled and model_run is None
    return NightPlan(pending=tuple(pending), scored=tuple(scored), n_skipped=n_skipped, n_quarantined=n_quarantined)


def _chain(
    records: Records, observation: Observation, survey: Survey | None, recipe: Recipe, stars: StarCatalog | None
) -> tuple[bool, RunKey | None]:
    """Tell whether an exposure is settled, and return the key of its model run if that succeeded."""
    prepared = records.preprocess_runs.find(planned_key(records, observation, survey, recipe.preparation, stars=stars))
    if prepared is None or prepared.status is RunStatus.SKIPPED:
        return prepared is not None, None
    subtracted = records.difference_runs.find(planned_difference(records, prepared, observation, recipe.difference))
    if subtracted is None or subtracted.status is RunStatus.SKIPPED:
        return subtracted is not None, None
    scored = records.model_runs.find(detect_key(subtracted.key, recipe.model, recipe.detect))
    if scored is None:
        return False, None
    return True, scored.key if scored.status is RunStatus.SUCCEEDED else None
