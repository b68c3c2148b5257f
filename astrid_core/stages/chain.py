"""How far an exposure has come under today's settings, and what keeps it from going further."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import Model
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import DifferenceRun
from astrid_core.observations.entities import Observation, Survey
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.shared.runs import RunKey, RunStatus, SettledRun
from astrid_core.stages.detect import detect_key
from astrid_core.stages.difference import planned_difference, references_today
from astrid_core.stages.masters import calibration_of
from astrid_core.stages.preprocess import Preparation, planned_key
from astrid_core.stages.services import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that names the runs of an exposure besides its pixels and its reference."""

    model: Model
    preparation: Preparation
    difference: DifferenceConfig
    detect: DetectConfig


class Step(StrEnum):
    """What is done to an exposure, in this order."""

    PREPROCESS = "preprocess"
    DIFFERENCE = "difference"
    DETECT = "detect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The runs of one exposure that are on record under a recipe."""

    next_step: Step | None
    """The first that has no run; None where one was skipped, or all are there."""
    last: SettledRun | None
    """The run before it."""
    prepared: PreprocessRun | None = None
    subtracted: DifferenceRun | None = None

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.next_step is None

    @property
    def scored(self) -> RunKey | None:
        """The model run, where it succeeded."""
        done = self.last if self.next_step is None else None
        return done.key if done is not None and done.status is RunStatus.SUCCEEDED else None


def chain_of(
    records: Records, observation: Observation, survey: Survey | None, recipe: Recipe, *, stars: StarCatalog | None
) -> Chain:
    """Look up the runs of an exposure. Keys follow from what goes in, so nothing is computed."""
    prepared = records.preprocess_runs.find(planned_key(records, observation, survey, recipe.preparation, stars=stars))
    if prepared is None or prepared.status is RunStatus.SKIPPED:
        return Chain(next_step=Step.PREPROCESS if prepared is None else None, last=prepared)
    key = planned_difference(records, prepared, observation, recipe.difference)
    subtracted = records.difference_runs.find(key)
    if subtracted is None:
        return Chain(next_step=Step.DIFFERENCE, last=prepared, prepared=prepared)
    if subtracted.status is RunStatus.SKIPPED:
        return Chain(next_step=None, last=subtracted, prepared=prepared)
    scored = records.model_runs.find(detect_key(subtracted.key, recipe.model, recipe.detect))
    return Chain(
        next_step=Step.DETECT if scored is None else None, last=subtracted if scored is None else scored,
        prepared=prepared, subtracted=subtracted,
    )  # fmt: skip


def why_stale(records: Records, observation: Observation, survey: Survey | None, recipe: Recipe, chain: Chain) -> str:
    """Return what has changed since the next step was last done; empty where it was never done."""
    if chain.next_step is Step.PREPROCESS:
        return _preparation_changed(records, observation, survey, recipe)
    if chain.next_step is Step.DIFFERENCE and chain.prepared is not None:
        return _difference_changed(records, observation, recipe, chain.prepared)
    if chain.next_step is Step.DETECT and chain.subtracted is not None:
        return _detection_changed(records, observation, recipe, chain.subtracted)
    return ""


def _preparation_changed(records: Records, observation: Observation, survey: Survey | None, recipe: Recipe) -> str:
    earlier = records.preprocess_runs.of_observation(observation.id)
    if not earlier:
        return ""
    if all(one.processing_round < records.processing_rounds.of(observation.id) for one in earlier):
        return "asked for anew"
    plan = calibration_of(records, observation, survey, recipe.preparation.calibrate)
    masters = {one.digest for one in plan.masters}
    return "settings of preprocess" if any(set(one.masters) == masters for one in earlier) else "calibration"


def _difference_changed(records: Records, observation: Observation, recipe: Recipe, prepared: PreprocessRun) -> str:
    earlier = records.difference_runs.of_observation(observation.id)
    on_this = [one for one in earlier if one.preprocess_key == prepared.key]
    if not on_this:
        return "preparation" if earlier else ""
    today = {one.digest for one in references_today(records, observation, recipe.difference)}
    return "settings of difference" if any(set(one.reference_digests) == today for one in on_this) else "reference"


def _detection_changed(records: Records, observation: Observation, recipe: Recipe, subtracted: DifferenceRun) -> str:
    earlier = records.model_runs.of_observation(observation.id)
    on_this = [one for one in earlier if one.difference_key == subtracted.key]
    if not on_this:
        return "difference" if earlier else ""
    return "settings of detect" if any(one.model == recipe.model.id for one in on_this) else "network"


def steps_left(step: Step | None) -> Sequence[Step]:
    """Return a step and those behind it."""
    steps = [*Step]
    return steps[steps.index(step) :] if step is not None else ()
