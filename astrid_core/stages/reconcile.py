"""Compare what an archive lists with what is recorded, and ask again for what is missing."""

from dataclasses import dataclass

import structlog

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import ListedFile
from astrid_core.stages.ingest import survey_client, take_in
from astrid_core.stages.known_files import Known, file_of
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)

_MAX_NAMES = 20
"""Vanished files that are named in the event; all of them are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSummary:
    """How an archive and the records agree."""

    survey: str
    n_listed: int
    """Files, without their maps."""
    n_missing: int
    """Listed, and neither recorded as an observation, nor a calibration frame, nor a rejection when this began."""
    n_recovered: int
    """Of these: recorded or rejected now."""
    n_waiting: int
    """Of these: did not come, and will be asked for again."""
    n_given_up: int
    """Of these: asked for in vain often enough; ``retry``, or another size or checksum, begins anew."""
    vanished: tuple[str, ...]
    """Observations whose file the archive lists no more; they stay, since runs point to them."""


def run_reconcile(
    services: Services, survey: str, config: IngestConfig | None = None, *, retry: bool = False
) -> ReconcileSummary:
    """Ask for everything that is listed and missing, report what vanished, record the counts. Safe to repeat.

    With ``retry`` the counters of all files that did not come begin anew.
    """
    config = config or IngestConfig()
    client = survey_client(services, survey)
    listed = tuple(client.listing())
    if retry:
        _forget_attempts(services, survey)
    missing = _missing(listed, Known.read(services, survey))
    take_in(services, client, config, listed=listed, wanted=listed)
    after = Known.read(services, survey)
    left = _missing(missing, after)
    names = {file.archive_id for file in listed}
    n_given_up = sum(after.is_given_up(file, config) for file in left)
    summary = ReconcileSummary(
        survey=survey,
        n_listed=len(listed),
        n_missing=len(missing),
        n_recovered=len(missing) - len(left),
        n_waiting=len(left) - n_given_up,
        n_given_up=n_given_up,
        vanished=tuple(f"{survey}:{name}" for name in sorted(after.observations) if file_of(name, names) not in names),
    )
    facts = {
        "n_listed": summary.n_listed,
        "n_missing": summary.n_missing,
        "n_recovered": summary.n_recovered,
        "n_waiting": summary.n_waiting,
        "n_given_up": summary.n_given_up,
        "n_vanished": len(summary.vanished),
    }
    with services.transaction() as records:
        named = {**facts, "vanished": list(summary.vanished[:_MAX_NAMES])}
        records.events.append("survey.reconciled", subject=survey, facts=named)
    log.info("survey.reconciled", survey=survey, **facts)
    return summary


def _missing(files: tuple[ListedFile, ...], known: Known) -> tuple[ListedFile, ...]:
    recorded = {*known.observations, *known.rejections, *known.calibration_frames}
    parts = {file_of(name, ()) for name in recorded}
    return tuple(file for file in files if file.archive_id not in recorded and file.archive_id not in parts)


def _forget_attempts(services: Services, survey: str) -> None:
    with services.transaction() as records:
        given = records.undelivered.all(survey=survey)
        for one in given:
            records.undelivered.clear(survey, one.archive_id)
        if given:
            records.events.append("attempts.forgotten", subject=survey, facts={"n_files": len(given)})
