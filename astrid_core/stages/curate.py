"""Queue what people should see."""

import structlog

from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import Alert
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)


def run_curate(services: Services, model_run_key: RunKey, config: CurateConfig) -> int:
    """Announce every detection that scored well enough, and return how many are new to the queue. Safe to repeat.

    Nothing of an exposure in quarantine is announced.
    """
    with services.transaction() as records:
        run = records.model_runs.get(model_run_key)
        n_raised = 0
        is_quarantined = records.quarantines.of(records.observations.get(run.observation_id)) is not None
        for detection in () if is_quarantined else run.detections:
            if detection.score is None or detection.score < config.min_score:
                continue
            alert = Alert(detection_id=detection.id, channel=config.channel, score=detection.score)
            n_raised += records.alerts.add(alert)
        if n_raised:
            facts = {"channel": config.channel, "n_raised": n_raised}
            records.events.append("alerts.raised", subject=model_run_key, facts=facts)
    log.info("alerts.raised", run=model_run_key, channel=config.channel, n_raised=n_raised)
    return n_raised
