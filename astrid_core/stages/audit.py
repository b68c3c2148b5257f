"""The log for auditors: whether it is whole, what it says, and a copy to take away."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import structlog

from astrid_core.curation.audit import AuditReport, Fault, Head, audit, seals
from astrid_core.shared.events import DomainEvent
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)


def verify_log(services: Services, *, kept: Head | None = None) -> AuditReport:
    """Look at every event and every verdict; ``kept`` is a head that was written down before."""
    with services.transaction() as records:
        report = audit(verdicts=records.audit.verdicts, events=records.audit.events(), kept=kept)
    for fault in report.faults:
        log.error("log.altered", table=fault.table, row=fault.row, why=fault.why)
    return report


def head_of_log(services: Services) -> Head | None:
    """Return what to write down elsewhere; None where nothing has happened yet."""
    with services.transaction() as records:
        return records.audit.head()


def find_events(
    services: Services,
    *,
    subject: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    behind: int = 0,
    limit: int = 100,
) -> Sequence[DomainEvent]:
    """Return events with higher numbers than ``behind``, oldest first; ``since`` is aware UTC."""
    with services.transaction() as records:
        return records.audit.search(subject=subject, actor=actor, since=since, behind=behind, limit=limit)


def export_log(services: Services) -> Iterator[str]:
    """Yield the log as JSON, one event a line, with all that a stranger needs to verify the chain.

    The digest is the SHA-256 of the JSON list of sequence, name, subject, actor, at, facts and previous, with sorted
    keys and without spaces. A row that cannot be read is told as a fault, in its place.
    """
    with services.transaction() as records:
        for one in records.audit.events():
            yield json.dumps(_fault(one) if isinstance(one, Fault) else event_as_json(one), sort_keys=True)


def event_as_json(event: DomainEvent) -> dict[str, object]:
    """Return an event as values of JSON."""
    return {
        "sequence": event.sequence,
        "name": event.name,
        "subject": event.subject,
        "actor": event.actor,
        "at": event.at.isoformat(),
        "facts": dict(event.facts),
        "previous": event.previous,
        "digest": event.digest,
    }


def seal_verdicts(services: Services) -> int:
    """Seal the verdicts that were recorded before the log held their digests, and return how many these were.

    Somebody looks at them first: a verdict that was slipped into the database has no seal, either.
    """
    with services.transaction() as records:
        # Nobody judges until this ends: a verdict of now gets its seal in the transaction that records it.
        records.catalog.lock()
        sealed = seals(records.events.all())
        missing = [one for one in records.validation_events.all() if one.id not in sealed]
        for one in missing:
            facts = {"event": str(one.id), "curator": one.curator, "verdict": one.verdict.value, "digest": one.digest}
            records.events.append("verdict.sealed", subject=one.detection_id, facts=facts)
    return len(missing)


def _fault(fault: Fault) -> dict[str, object]:
    return {"fault": fault.why, "table": fault.table, "row": fault.row}
