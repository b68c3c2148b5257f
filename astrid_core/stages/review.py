"""What waits for a verdict, and what people say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from astrid_core.curation.access import Permission
from astrid_core.curation.config import REVIEW_CHANNEL
from astrid_core.curation.entities import Alert, ValidationEvent, Verdict
from astrid_core.curation.verdicts import standing
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import require_permission
from astrid_core.stages.publish import refresh_entries
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingDetection:
    """A detection that waits for a verdict, as a person wants to see it."""

    detection_id: str
    observation_id: str
    night: str
    ra_deg: float | None
    dec_deg: float | None
    x_pix: float
    y_pix: float
    score: float
    """Probability of being new in the sky."""
    significance: float
    """Signed S_corr, sigma."""
    flux: float
    """Science counts."""


def list_pending(
    services: Services, *, channel: str = REVIEW_CHANNEL, limit: int = 100
) -> tuple[PendingDetection, ...]:
    """Return what waits for a verdict, highest score first; nothing of exposures that are in quarantine."""
    with services.transaction() as records:
        n_asked = limit
        while True:
            alerts = records.alerts.pending(channel, limit=n_asked)
            free = _free(records, alerts)
            if len(free) >= limit or len(alerts) < n_asked:
                return tuple(_pending(records, alert.detection_id, alert.score) for alert in free[:limit])
            # What is set aside hides others behind it.
            n_asked *= 4


def _free(records: Records, alerts: Sequence[Alert]) -> list[Alert]:
    if not records.quarantines.all():
        return list(alerts)
    is_free: dict[str, bool] = {}
    for alert in alerts:
        run = alert.detection_id.rpartition(":")[0]
        if run not in is_free:
            observation = records.observations.get(records.model_runs.get(RunKey(run)).observation_id)
            is_free[run] = records.quarantines.of(observation) is None
    return [alert for alert in alerts if is_free[alert.detection_id.rpartition(":")[0]]]


def record_verdict(
    services: Services, *, detection_id: str, login: str, verdict: Verdict, comment: str = "", at: datetime
) -> ValidationEvent:
    """Record what a curator thinks of a detection; it supersedes what the same curator said before.

    An object of the catalog that holds the detection takes the new status at once. Raise NotAllowed for somebody who
    may not judge and UnknownRecord for a detection that does not exist. ``at`` is aware UTC.
    """
    if at.tzinfo is None or at.utcoffset() != UTC.utcoffset(None):
        message = f"at must be aware UTC, not {at!r}"
        raise ValueError(message)
    with services.transaction() as records:
        require_permission(records, login, Permission.JUDGE)
        detection = records.model_runs.detection(detection_id)
        # The catalog's lock also keeps two verdicts of the same curator from superseding the same one.
        records.catalog.lock()
        earlier = [
            event
            for event in standing(records.validation_events.of_detections([detection_id]))
            if event.curator == login
        ]
        event = ValidationEvent(
            id=uuid4(),
            detection_id=detection_id,
            curator=login,
            verdict=verdict,
            comment=comment,
            at=at,
            supersedes=earlier[-1].id if earlier else None,
        )
        records.validation_events.add(event)
        records.events.append(
            "verdict.recorded", subject=detection_id, facts={"curator": login, "verdict": verdict.value}
        )
        if detection.candidate.position is not None and records.catalog.published([detection_id]):
            refresh_entries(records, {detection_id: detection.candidate.position})
    log.info("verdict.recorded", detection=detection_id, curator=login, verdict=verdict.value)
    return event


def verdicts_of(services: Services, detection_id: str) -> Sequence[ValidationEvent]:
    """Return every verdict on a detection, oldest first, superseded ones included."""
    with services.transaction() as records:
        return records.validation_events.of_detections([detection_id])


def _pending(records: Records, detection_id: str, score: float) -> PendingDetection:
    detection = records.model_runs.detection(detection_id)
    run = records.model_runs.get(detection.model_run)
    candidate = detection.candidate
    return PendingDetection(
        detection_id=detection_id,
        observation_id=run.observation_id,
        night=records.observations.get(run.observation_id).night,
        ra_deg=None if candidate.position is None else candidate.position.ra_deg,
        dec_deg=None if candidate.position is None else candidate.position.dec_deg,
        x_pix=candidate.x_pix,
        y_pix=candidate.y_pix,
        score=score,
        significance=candidate.score,
        flux=candidate.flux,
    )
