"""Score the candidates of one difference with one model version, and record every one of them."""

import time

import structlog

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import Detection, Model, ModelRun
from astrid_core.detection.scored import score_candidates
from astrid_core.differencing.entities import DifferenceRun
from astrid_core.differencing.products import read_difference
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.runs import RunKey, RunStatus, run_key, settled
from astrid_core.stages.services import Services

VERSION = 2
"""Raise when the same inputs should give a different result."""

log = structlog.get_logger(__name__)


def detect_key(difference_key: RunKey, model: Model, config: DetectConfig) -> RunKey:
    """Return the key of applying a model version to a difference."""
    return run_key("detect", VERSION, config, (difference_key, model.id, model.digest))


def run_detect(services: Services, difference_key: RunKey, model_id: str, config: DetectConfig) -> RunKey:
    """Score every candidate and record the run. Safe to repeat.

    A candidate that cannot be judged is recorded without a score and with the reason. No candidates: no detections.
    """
    model = services.models.get(model_id)
    key = detect_key(difference_key, model, config)
    with services.transaction() as records:
        difference = records.difference_runs.get(difference_key)
        done = records.model_runs.find(key)
    if done:
        return settled(done)
    started = time.monotonic()
    if difference.status is RunStatus.SKIPPED or difference.image is None:
        reason = f"nothing was subtracted: {difference.reason}"
        _record(services, _run_of(key, difference, model, status=RunStatus.SKIPPED, reason=reason))
        raise Unprocessable(reason)
    detections = _score(services, key, difference, model_id, config)
    elapsed_s = time.monotonic() - started
    _record(services, _run_of(key, difference, model, detections=detections, elapsed_s=elapsed_s))
    log.info("model_run.recorded", run=key, observation=difference.observation_id, n_detections=len(detections))
    return key


def _score(
    services: Services, key: RunKey, difference: DifferenceRun, model_id: str, config: DetectConfig
) -> tuple[Detection, ...]:
    if not difference.candidates or difference.image is None:
        return ()
    scorer = services.models.load(model_id)
    product = read_difference(services.artifacts.get(difference.image.digest))
    return score_candidates(product, difference.candidates, scorer, config, run=key)


def _run_of(
    key: RunKey,
    difference: DifferenceRun,
    model: Model,
    *,
    status: RunStatus = RunStatus.SUCCEEDED,
    reason: str = "",
    detections: tuple[Detection, ...] = (),
    elapsed_s: float = 0.0,
) -> ModelRun:
    return ModelRun(
        key=key,
        status=status,
        reason=reason,
        difference_key=difference.key,
        observation_id=difference.observation_id,
        model=model.id,
        detections=detections,
        elapsed_s=elapsed_s,
    )


def _record(services: Services, run: ModelRun) -> None:
    with services.transaction() as records:
        if records.model_runs.add(run):
            facts = {
                "observation": run.observation_id,
                "model": run.model,
                "status": run.status.value,
                "reason": run.reason,
                "n_detections": len(run.detections),
                "n_unscored": sum(one.score is None for one in run.detections),
            }
            records.events.append("model_run.recorded", subject=run.key, facts=facts)
