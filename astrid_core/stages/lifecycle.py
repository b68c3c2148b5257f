"""Set exposures aside, release them, do them anew: every way in has a way out, and every step is on record."""

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from astrid_core.observations.entities import Observation, Quarantine
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.runs import RunStatus
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationState:
    """What has become of an exposure."""

    observation: Observation
    quarantine: Quarantine | None
    """None while it is active."""
    processing_round: int
    preparations: tuple[PreprocessRun, ...]
    """Of every round and setting."""
    n_searched: int
    """Model runs that succeeded, of every round and setting."""
    n_published: int
    """Points of light curves."""


def show_observation(services: Services, observation_id: str) -> ObservationState:
    """Return what is known of an exposure; UnknownRecord if it is none."""
    with services.transaction() as records:
        observation = records.observations.get(observation_id)
        model_runs = records.model_runs.of_observation(observation_id)
        detections = [detection.id for run in model_runs for detection in run.detections]
        return ObservationState(
            observation=observation,
            quarantine=records.quarantines.of(observation),
            processing_round=records.processing_rounds.of(observation_id),
            preparations=tuple(records.preprocess_runs.of_observation(observation_id)),
            n_searched=sum(run.status is RunStatus.SUCCEEDED for run in model_runs),
            n_published=len(records.catalog.published(detections)),
        )


def quarantine_observation(services: Services, observation_id: str, *, reason: str) -> bool:
    """Set an exposure aside and tell whether it was not yet.

    It is not planned, built into references, shown to people or published until it is released; its runs stay.
    """
    with services.transaction() as records:
        observation = records.observations.get(observation_id)
        return _quarantine(records, observation.survey, reason=reason, archive_id=observation.archive_id)


def quarantine_instrument(services: Services, survey: str, instrument: str, *, reason: str) -> bool:
    """Set aside every exposure of an instrument, those to come included; tell whether it was not yet."""
    with services.transaction() as records:
        return _quarantine(records, survey, reason=reason, instrument=instrument)


def release_observation(services: Services, observation_id: str, *, reason: str = "") -> bool:
    """End the quarantine of an exposure and tell whether there was one; that of its instrument goes on."""
    with services.transaction() as records:
        observation = records.observations.get(observation_id)
        return _release(records, observation.survey, reason=reason, archive_id=observation.archive_id)


def release_instrument(services: Services, survey: str, instrument: str, *, reason: str = "") -> bool:
    """End the quarantine of an instrument and tell whether there was one; those of single exposures go on."""
    with services.transaction() as records:
        return _release(records, survey, reason=reason, instrument=instrument)


def reprocess_observation(services: Services, observation_id: str, *, reason: str = "") -> int | None:
    """Make an exposure pending again under the same settings; return its new round.

    None where nothing of the present round is settled: it is pending already. Runs of earlier rounds stay.
    """
    with services.transaction() as records:
        records.observations.get(observation_id)
        now = records.processing_rounds.of(observation_id)
        runs = records.preprocess_runs.of_observation(observation_id)
        if not any(run.processing_round == now for run in runs):
            return None
        records.processing_rounds.put(observation_id, now + 1)
        facts = {"processing_round": now + 1, "reason": reason}
        records.events.append("observation.reprocessed", subject=observation_id, facts=facts)
    log.info("observation.reprocessed", observation=observation_id, processing_round=now + 1)
    return now + 1


def _quarantine(records: Records, survey: str, *, reason: str, archive_id: str = "", instrument: str = "") -> bool:
    planned = Quarantine(
        survey=survey, archive_id=archive_id, instrument=instrument, reason=reason, actor="?", at=datetime.now(UTC)
    )
    if any(one.target == planned.target for one in records.quarantines.all(survey=survey)):
        return False
    kind = "observation" if archive_id else "instrument"
    # The log knows who acts; the record says the same.
    event = records.events.append(f"{kind}.quarantined", subject=planned.target, facts={"reason": reason})
    quarantine = Quarantine(
        survey=survey, archive_id=archive_id, instrument=instrument, reason=reason, actor=event.actor, at=event.at
    )
    log.info("quarantine.began", target=quarantine.target, reason=reason)
    return records.quarantines.add(quarantine)


def _release(records: Records, survey: str, *, reason: str, archive_id: str = "", instrument: str = "") -> bool:
    if not records.quarantines.remove(survey, archive_id=archive_id, instrument=instrument):
        return False
    kind, target = ("observation", f"{survey}:{archive_id}") if archive_id else ("instrument", f"{survey}/{instrument}")
    records.events.append(f"{kind}.released", subject=target, facts={"reason": reason})
    log.info("quarantine.ended", target=target, reason=reason)
    return True
