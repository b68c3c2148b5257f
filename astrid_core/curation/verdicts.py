"""Which verdicts stand, of those that several people gave at several times."""

from collections.abc import Iterable
from uuid import UUID, uuid5

from astrid_core.curation.entities import ValidationEvent, Verdict

_UNDO = UUID("5b1f8a52-6a0e-5f0a-9d4f-0f6c3c2f7a10")
"""Namespace of the identities of withdrawals."""


def standing(events: Iterable[ValidationEvent]) -> tuple[ValidationEvent, ...]:
    """Return the verdict of every curator on every detection that none of theirs supersedes, oldest first.

    Where a log holds several such verdicts of one curator, the newest stands; what was withdrawn does not. The order
    of ``events`` is irrelevant.
    """
    by_person: dict[tuple[str, str], list[ValidationEvent]] = {}
    for event in events:
        by_person.setdefault((event.detection_id, event.curator), []).append(event)
    last = [history(own)[-1] for own in by_person.values()]
    return tuple(sorted((one for one in last if one.verdict is not Verdict.WITHDRAWN), key=_age))


def history(own: Iterable[ValidationEvent]) -> tuple[ValidationEvent, ...]:
    """Return what one curator said of one detection, each verdict behind the one that it supersedes."""
    ordered = sorted(own, key=_age)
    known = {event.id for event in ordered}
    behind: dict[UUID | None, list[ValidationEvent]] = {}
    for event in ordered:
        behind.setdefault(event.supersedes if event.supersedes in known else None, []).append(event)
    # Clocks of several machines differ: what a verdict supersedes tells more than its time. Verdicts that supersede
    # nothing begin lines of their own; the newest line comes last.
    said: list[ValidationEvent] = []
    for first in behind.get(None, []):
        line = [first]
        while line:
            said.append(line.pop())
            line += reversed(behind.get(said[-1].id, []))
    return tuple(said)


def undo_id(event_id: UUID) -> UUID:
    """Return the identity of the event that takes a verdict back: asking twice takes it back once."""
    return uuid5(_UNDO, str(event_id))


def not_taken_back(own: Iterable[ValidationEvent]) -> list[ValidationEvent]:
    """Return what one curator said of one detection and has not taken back, oldest first: the last one stands."""
    kept: list[ValidationEvent] = []
    for event in history(own):
        if kept and event.id == undo_id(kept[-1].id):
            kept.pop()
        else:
            kept.append(event)
    return kept


def _age(event: ValidationEvent) -> tuple[object, str]:
    return event.at, str(event.id)
