"""Search one exposure once more with injected sources, and record what its search is worth."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import InjectedSeed
from astrid_core.detection.entities import InjectionRun, Model
from astrid_core.detection.injected_search import TrialPair
from astrid_core.detection.ports import ModelRegistry
from astrid_core.detection.thresholds import threshold_of
from astrid_core.detection.trial import VERSION, TrialConfig, run_trial
from astrid_core.detection.trial_tables import TABLE_TYPE, completeness_table, injection_table
from astrid_core.differencing.entities import DifferenceRun, QualityLevel
from astrid_core.differencing.inject import well_of
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.errors import MissingArtifact, Unprocessable
from astrid_core.shared.runs import RunKey, RunStatus, run_key, settled
from astrid_core.stages.images import load_image, load_template
from astrid_core.stages.injected_seeds import seeds_of
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)


def injection_key(difference_key: RunKey, model: Model | None, config: TrialConfig) -> RunKey:
    """Return the key of injecting into the exposure of a difference: the shadow fraction decides nothing in it."""
    decisive = replace(config, inject=replace(config.inject, shadow_fraction=0.0))
    inputs = (difference_key, *(("no model",) if model is None else (model.id, model.digest)))
    return run_key("inject", VERSION, decisive, inputs)


def run_injection(
    services: Services,
    difference_key: RunKey,
    model_id: str | None,
    config: TrialConfig,
    *,
    curate: CurateConfig | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> RunKey:
    """Inject into the exposure of a difference, search it again by the same chain, record the run. Safe to repeat.

    Without ``model_id`` candidates are counted, but no detections. Neither candidates nor detections are recorded. With
    ``curate`` some of the recovered sources are kept as seeds of the review queue; it decides nothing of the run.
    """
    model = services.models.get(model_id) if model_id is not None else None
    key = injection_key(difference_key, model, config)
    with services.transaction() as records:
        difference = records.difference_runs.get(difference_key)
        observation = records.observations.get(difference.observation_id)
        done = records.injection_runs.find(key)
    if done:
        return settled(done)
    started = time.monotonic()
    empty = InjectionRun(
        key=key,
        status=RunStatus.SKIPPED,
        difference_key=difference_key,
        observation_id=observation.id,
        model=model.id if model else "",
    )
    try:
        _require_trusted(difference)
        pair, _ = recorded_pair(services, difference_key, config.preprocess)
        scorer = services.models.load(model.id) if model is not None else None
        config = as_published(services.models, empty.model, config, instrument=observation.instrument)
        seed = seed_of(observation.id, config.inject.seed)
        trial = run_trial(pair, config, scorer, seed=seed, progress=progress)
    except Unprocessable as error:
        _record(services, replace(empty, reason=str(error)))
        raise
    tables = (
        injection_table(trial.recoveries, zero_point_mag=pair.zero_point_mag),
        completeness_table(trial.quality),
    )
    injections, curves = (services.artifacts.put(table, media_type=TABLE_TYPE) for table in tables)
    run = replace(
        empty,
        status=RunStatus.SUCCEEDED,
        n_injected=len(trial.recoveries),
        quality=trial.quality,
        injections=injections,
        curves=curves,
        elapsed_s=time.monotonic() - started,
    )
    seeds = () if scorer is None or curate is None else seeds_of(services, run, trial, scorer, config, curate)
    _record(services, run, seeds)
    log.info("injection.recorded", run=key, observation=observation.id, n_injected=run.n_injected, n_seeds=len(seeds))
    return key


def recorded_pair(services: Services, difference_key: RunKey, preprocess: PreprocessConfig) -> tuple[TrialPair, str]:
    """Return the two images of a recorded difference, read from the store, and the exposure that it is of."""
    with services.transaction() as records:
        difference = records.difference_runs.get(difference_key)
        prepared = records.preprocess_runs.get(difference.preprocess_key)
        observation = records.observations.get(difference.observation_id)
        references = [records.references.get(digest) for digest in difference.reference_digests]
    if difference.status is RunStatus.SKIPPED:
        raise Unprocessable(f"nothing was subtracted: {difference.reason}")
    if prepared.image is None or prepared.quality is None:
        raise MissingArtifact("preparation has no image", run=prepared.key)
    science = load_image(services.artifacts, prepared.image)
    pair = TrialPair(
        science=science,
        reference=load_template(services.artifacts, references, science),
        well=well_of(prepared.quality, preprocess),
        trust_science_wcs=prepared.wcs is None or prepared.wcs.is_trusted,
        zero_point_mag=prepared.zero_point_in_the_middle(header=observation.zero_point_mag),
    )
    return pair, observation.id


def as_published(models: ModelRegistry, model_id: str, config: TrialConfig, *, instrument: str) -> TrialConfig:
    """Return the settings with the score from which on the catalog takes detections of this model."""
    if not model_id or not config.max_false_per_deg2:
        return config
    manifest = models.manifest(model_id)
    return replace(
        config,
        min_score=threshold_of(
            manifest, model=model_id, instrument=instrument, max_false_per_deg2=config.max_false_per_deg2
        ),
    )


def seed_of(name: str, seed: int) -> int:
    """Return the seed of one exposure: other exposures of the same night get other sources."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8])


def choose_shadows(observation_ids: Sequence[str], fraction: float) -> tuple[str, ...]:
    """Return the part of the exposures that is searched with injections, in their order: at least one unless it is 0.

    A hash of the name decides, so that neither order nor company changes who is chosen, save for the one that stands
    in where nobody is.
    """
    if not observation_ids or fraction <= 0.0:
        return ()
    rank = {name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2.0**64 for name in observation_ids}
    least = min(rank, key=lambda name: (rank[name], name))
    return tuple(name for name in observation_ids if rank[name] < fraction or name == least)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowPlan:
    """The exposures of a night that are searched with injections."""

    pending: tuple[RunKey, ...]
    """Differences whose injection run is not settled."""
    keys: tuple[RunKey, ...]
    """Injection runs of all of them, settled or not."""


def plan_shadows(
    services: Services, model_run_keys: Sequence[RunKey], model: Model, config: TrialConfig, *, force: bool = False
) -> ShadowPlan:
    """Choose among the scored exposures of a night, and look up what is left to do; with ``force`` all of them are."""
    pending: list[RunKey] = []
    keys: list[RunKey] = []
    with services.transaction() as records:
        runs = [records.model_runs.get(key) for key in model_run_keys]
        differences = {run.observation_id: run.difference_key for run in runs}
        for name in choose_shadows(list(differences), config.inject.shadow_fraction):
            key = injection_key(differences[name], model, config)
            if force or records.injection_runs.find(key) is None:
                pending.append(differences[name])
            keys.append(key)
    return ShadowPlan(pending=tuple(pending), keys=tuple(keys))


def is_trusted(difference: DifferenceRun) -> bool:
    """Tell whether anything is taken from a difference."""
    return difference.quality is None or difference.quality.level is not QualityLevel.RED


def _require_trusted(difference: DifferenceRun) -> None:
    if difference.quality is not None and not is_trusted(difference):
        reasons = "; ".join(difference.quality.reasons)
        raise Unprocessable(f"nothing is taken from this exposure, injected or not: {reasons}")


def _record(services: Services, run: InjectionRun, seeds: Sequence[InjectedSeed] = ()) -> None:
    with services.transaction() as records:
        if records.injection_runs.add(run):
            for seed in seeds:
                records.injected_seeds.add(seed)
            facts = {
                "observation": run.observation_id,
                "difference": run.difference_key,
                "model": run.model,
                "status": run.status.value,
                "reason": run.reason,
                "n_injected": run.n_injected,
                "n_seeds": len(seeds),
            }
            records.events.append("injection.recorded", subject=run.key, facts=facts)
