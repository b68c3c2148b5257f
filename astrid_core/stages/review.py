"""What people say of detections: verdicts, arbitrations, and their being taken back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from astrid_core.curation.access import Permission, Role
from astrid_core.curation.entities import ValidationEvent, Verdict
from astrid_core.shared.errors import NotAllowed, UnknownRecord
from astrid_core.stages.access import require_permission
from astrid_core.stages.services import Records, Services
from astrid_core.stages.votes import Vote, Votes

_NEEDED = {Role.REVIEWER: Permission.JUDGE, Role.ARBITER: Permission.ARBITRATE}


def record_verdict(  # noqa: PLR0913 - a verdict says that much
    services: Services,
    *,
    event_id: UUID,
    detection_id: str,
    login: str,
    verdict: Verdict,
    reason: str = "",
    comment: str = "",
    confidence: int | None = None,
    seconds: float | None = None,
    is_blind: bool = False,
    score_shown: bool = True,
    role: Role = Role.REVIEWER,
    batch: UUID | None = None,
    at: datetime,
) -> ValidationEvent:
    """Record what a curator thinks of a detection; it supersedes what the same curator said before.

    The same ``event_id`` with the same content changes nothing and returns what is on record. An object of the catalog
    that holds the detection takes its new status at once. Raise NotAllowed for somebody whose roles do not permit it,
    for an arbiter who has voted on the detection, and for a voter who has arbitrated it; Conflict where ``event_id``
    is on record with another content; UnknownReason; UnknownRecord for a detection that does not exist. ``at`` is
    aware UTC.
    """
    vote = Vote(
        event_id=event_id,
        detection_id=detection_id,
        verdict=verdict,
        reason=reason,
        comment=comment,
        confidence=confidence,
        seconds=seconds,
        is_blind=is_blind,
        score_shown=score_shown,
        role=role,
    )
    return record_many(services, verdicts=[vote], batch=batch, login=login, at=at)[0]


def record_many(
    services: Services, *, verdicts: Sequence[Vote], batch: UUID | None, login: str, at: datetime
) -> tuple[ValidationEvent, ...]:
    """Record several verdicts, all or none; see ``record_verdict``. ``batch`` is what takes them back together."""
    _require_utc(at)
    with services.transaction() as records:
        for role in sorted({vote.role for vote in verdicts}):
            require_permission(records, login, _NEEDED[role])
        votes = Votes.read(
            records, login, [vote.detection_id for vote in verdicts], event_ids=[vote.event_id for vote in verdicts]
        )
        said = tuple(votes.give(vote, login=login, batch=batch, at=at) for vote in verdicts)
        votes.publish()
    return said


def withdraw(
    services: Services, *, event_id: UUID | None = None, batch: UUID | None = None, login: str, at: datetime
) -> tuple[ValidationEvent, ...]:
    """Take back one verdict, or all of a batch that stand; return the events that supersede them. Safe to repeat.

    What the curator said before stands again, word by word; without anything before, nothing does. The queue and the
    consensus are as they were. Raise UnknownRecord without such a verdict, NotAllowed for a verdict of somebody else,
    and Conflict for one that the curator has replaced since.
    """
    _require_utc(at)
    if (event_id is None) == (batch is None):
        message = "name either one verdict or a batch"
        raise ValueError(message)
    with services.transaction() as records:
        require_permission(records, login, Permission.JUDGE)
        found = records.validation_events.of_batch(batch) if batch else _only(records, event_id)
        if not found:
            raise UnknownRecord("no such verdict", event=event_id, batch=batch)
        if others := {event.curator for event in found} - {login}:
            raise NotAllowed("a verdict is taken back by whoever gave it", login=login, curator=min(others))
        votes = Votes.read(records, login, [event.detection_id for event in found])
        # Of two verdicts of a batch on one detection the later one is taken back first.
        undone = [votes.take_back(event, at=at) for event in reversed(found) if not batch or votes.may_take_back(event)]
        votes.publish()
    return tuple(reversed(undone))


def verdicts_of(services: Services, detection_id: str) -> Sequence[ValidationEvent]:
    """Return every verdict on a detection, oldest first, superseded ones included."""
    with services.transaction() as records:
        return records.validation_events.of_detections([detection_id])


def _only(records: Records, event_id: UUID | None) -> Sequence[ValidationEvent]:
    found = None if event_id is None else records.validation_events.find(event_id)
    return () if found is None else (found,)


def _require_utc(at: datetime) -> None:
    if at.tzinfo is None or at.utcoffset() != UTC.utcoffset(None):
        message = f"at must be aware UTC, not {at!r}"
        raise ValueError(message)
