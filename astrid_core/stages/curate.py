"""Queue what people should see."""

import structlog

from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import Alert
from astrid_core.curation.queue import review_item
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)


def run_curate(services: Services, model_run_key: RunKey, config: CurateConfig) -> int:
    """Queue and announce every detection that scored well enough, and return how many are new. Safe to repeat.

    Nothing of an exposure in quarantine is.
    """
    with services.transaction() as records:
        run = records.model_runs.get(model_run_key)
        n_raised = 0
        observation = records.observations.get(run.observation_id)
        is_quarantined = records.quarantines.of(observation) is not None
        for detection in () if is_quarantined else run.detections:
            if detection.score is None or detection.score < config.min_score:
                continue
            alert = Alert(detection_id=detection.id, channel=config.channel, score=detection.score)
            n_raised += records.alerts.add(alert)
            records.review_queue.add(review_item(detection, observation, n_needed=config.n_votes))
        if n_raised:
            facts = {"channel": config.channel, "n_raised": n_raised}
            records.events.append("alerts.raised", subject=model_run_key, facts=facts)
    log.info("alerts.raised", run=model_run_key, channel=config.channel, n_raised=n_raised)
    return n_raised
