"""The stages that may be computed on another machine: what they do to a batch, and what they left on record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from astrid_core.curation.config import CurateConfig
from astrid_core.detection.entities import Model
from astrid_core.detection.trial import VERSION as TRIAL_VERSION
from astrid_core.detection.trial import TrialConfig
from astrid_core.differencing.subtract import VERSION as SUBTRACT_VERSION
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.runs import RunKey, RunStatus, SettledRun, run_key
from astrid_core.stages.batch import BatchResult, run_each
from astrid_core.stages.chain import Recipe
from astrid_core.stages.detect import VERSION as DETECT_VERSION
from astrid_core.stages.detect import detect_key, run_detect
from astrid_core.stages.difference import planned_difference, run_difference
from astrid_core.stages.inject import injection_key, run_injection
from astrid_core.stages.services import Records, Services


class HeavyStage(StrEnum):
    """What costs enough to be worth another machine; named as its tasks are."""

    DIFFERENCE = "difference"
    DETECT = "detect"
    INJECT = "inject"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyWork:
    """A stage with everything that decides what it does: on both sides of a network it must be the same."""

    stage: HeavyStage
    recipe: Recipe
    trial: TrialConfig
    curate: CurateConfig

    @property
    def settings(self) -> str:
        """Name of all settings, versions of stages and of the network together."""
        versions = (f"subtract {SUBTRACT_VERSION}", f"detect {DETECT_VERSION}", f"trial {TRIAL_VERSION}")
        trial = run_key("trial", TRIAL_VERSION, self.trial, ())
        model = self.recipe.model
        # Not what was measured of it: that decides nothing, and not everybody who names a network brings it along.
        recipe = replace(self.recipe, model=Model(name=model.name, version=model.version, digest=model.digest))
        return run_key("settings", 1, recipe, (*versions, trial))

    def require(self, settings: str) -> None:
        """Raise BadConfiguration where whoever asked for the work has other settings: it would look for other keys."""
        if settings != self.settings:
            raise BadConfiguration(
                "settings, version or network differ from those of whoever asked; use the same image and pipeline.toml",
                asked_for=settings, here=self.settings,
            )  # fmt: skip


def run_heavy(services: Services, work: HeavyWork, items: Sequence[str]) -> BatchResult:
    """Compute the stage for every item: keys of the runs before it."""
    return run_each(_stage(services, work), items, watch=services.watch(work.stage.value))


def find_heavy(services: Services, work: HeavyWork, items: Sequence[str]) -> BatchResult:
    """Return what is on record of the items under these settings; what is not counts as failed. Computes nothing."""
    keys: list[RunKey] = []
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    with services.transaction() as records:
        for item in items:
            run = _recorded(records, work, RunKey(item))
            if run is None:
                failed[item] = "nothing is on record; the log of whoever computed says why"
            elif run.status is RunStatus.SKIPPED:
                skipped[item] = run.reason
            else:
                keys.append(run.key)
    return BatchResult(keys=tuple(keys), skipped=skipped, failed=failed)


def largest_mpix(services: Services, work: HeavyWork, items: Sequence[str]) -> float:
    """Return the size of the largest frame of a batch, in millions of pixels."""
    with services.transaction() as records:
        frames = [records.observations.get(_observation_id(records, work, RunKey(item))) for item in items]
    return max((one.width_pix * one.height_pix / 1e6 for one in frames), default=0.0)


def _stage(services: Services, work: HeavyWork) -> Callable[[str], RunKey]:
    recipe = work.recipe
    if work.stage is HeavyStage.DIFFERENCE:
        return lambda item: run_difference(services, RunKey(item), recipe.difference)
    if work.stage is HeavyStage.DETECT:
        return lambda item: run_detect(services, RunKey(item), recipe.model.id, recipe.detect)
    return lambda item: run_injection(services, RunKey(item), recipe.model.id, work.trial, curate=work.curate)


def _recorded(records: Records, work: HeavyWork, item: RunKey) -> SettledRun | None:
    recipe = work.recipe
    if work.stage is HeavyStage.DETECT:
        return records.model_runs.find(detect_key(item, recipe.model, recipe.detect))
    if work.stage is HeavyStage.INJECT:
        return records.injection_runs.find(injection_key(item, recipe.model, work.trial))
    prepared = records.preprocess_runs.get(item)
    observation = records.observations.get(prepared.observation_id)
    return records.difference_runs.find(planned_difference(records, prepared, observation, recipe.difference))


def _observation_id(records: Records, work: HeavyWork, item: RunKey) -> str:
    if work.stage is HeavyStage.DIFFERENCE:
        return records.preprocess_runs.get(item).observation_id
    return records.difference_runs.get(item).observation_id
