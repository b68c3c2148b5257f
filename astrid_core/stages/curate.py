"""Queue what people should see."""

import structlog

from astrid_core.curation.config import CurateConfig
from astrid_core.curation.queue import review_item
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)


def run_curate(services: Services, model_run_key: RunKey, config: CurateConfig) -> int:
    """Queue every detection that scored well enough, and return how many are new. Safe to repeat.

    Nothing of an exposure in quarantine is.
    """
    with services.transaction() as records:
        run = records.model_runs.get(model_run_key)
        n_queued = 0
        observation = records.observations.get(run.observation_id)
        is_quarantined = records.quarantines.of(observation) is not None
        for detection in () if is_quarantined else run.detections:
            if detection.score is None or detection.score < config.min_score:
                continue
            n_queued += records.review_queue.add(review_item(detection, observation, n_needed=config.n_votes))
        if n_queued:
            records.events.append("detections.queued", subject=model_run_key, facts={"n_queued": n_queued})
    log.info("detections.queued", run=model_run_key, n_queued=n_queued)
    return n_queued
