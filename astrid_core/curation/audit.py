"""Whether the log of events and the verdicts of people are what was written, and which row is not.

Every event seals all events before it, and the event about a verdict holds the digest of what the verdict says. Whoever
rewrites the log from some row to its end and seals it anew is found by a head that was kept elsewhere.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from astrid_core.curation.entities import ValidationEvent
from astrid_core.shared.events import GENESIS, DomainEvent, chain_digest

EVENTS, VERDICTS = "domain_event", "validation_event"
"""Where faults are: tables of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last event of a log: whoever keeps it elsewhere can tell whether the log was rewritten since."""

    sequence: int
    digest: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest}"


def read_head(text: str) -> Head:
    """Return the head that was written down; ValueError for other texts."""
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip(), flags=re.ASCII)
    if found is None:
        message = "a head is written NUMBER:DIGEST"
        raise ValueError(message)
    return Head(sequence=int(found[1]), digest=found[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row that is not what was written, or that is not there."""

    table: str
    row: str
    """Its key, as far as that can be told."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What came of looking at every row."""

    n_events: int
    n_verdicts: int
    faults: tuple[Fault, ...]
    """Empty where nothing was altered."""


@dataclass(slots=True, kw_only=True)
class _Reading:
    """How far the log has been read."""

    kept: Head | None
    expected: int = 1
    last: DomainEvent | None = None
    """The event before, where that is whole: only then must the next one name it."""
    is_broken: bool = False
    n_events: int = 0
    numbers: set[int] = field(default_factory=set)
    """Of rows that are there but altered: they are not missing."""
    sealed: dict[UUID, str] = field(default_factory=dict)
    """Digests of verdicts, by their identity, as events that are whole tell them."""
    doubtful: set[UUID] = field(default_factory=set)
    """Verdicts that an altered event tells of: that is one fault, not two."""
    faults: list[Fault] = field(default_factory=list)

    def take(self, event: DomainEvent) -> None:
        """Read one event; those with higher numbers come later."""
        self.n_events += 1
        if event.digest != _sealed(event):
            self.blame(event.sequence, "its content is not what its digest seals")
            self.numbers.add(event.sequence)
            self.doubtful |= {seal[0] for seal in [_seal(event)] if seal is not None}
            self.last, self.is_broken = None, True
            return
        self._follow(event)
        if self.kept and event.sequence == self.kept.sequence and event.digest != self.kept.digest:
            self.blame(event.sequence, "its digest is not the one that was kept")
        if (seal := _seal(event)) is not None:
            self.sealed.setdefault(*seal)
        self.last, self.is_broken = event, False
        self.expected = max(self.expected, event.sequence + 1)

    def _follow(self, event: DomainEvent) -> None:
        if lost := self.lost(event.sequence - 1):
            self.blame(lost, "it is missing")
        elif event.sequence < self.expected:
            self.blame(event.sequence, "its number was given before")
        elif not self.is_broken and event.previous != (self.last.digest if self.last else GENESIS):
            # This event seals the digest that it names: the one before it was exchanged, seal and all.
            self.blame(event.sequence - 1, "the event behind it seals another digest")

    def lost(self, last: int) -> str:
        """Return which numbers from the next one to ``last`` nothing has; empty if none is missing."""
        there = sorted(number for number in self.numbers if self.expected <= number <= last)
        starts, ends = [self.expected, *(number + 1 for number in there)], [*(number - 1 for number in there), last]
        spans = [(start, end) for start, end in zip(starts, ends, strict=True) if start <= end]
        return ", ".join(str(start) if start == end else f"{start}-{end}" for start, end in spans)

    def blame(self, row: object, why: str) -> None:
        """Remember a fault of the log."""
        self.faults.append(Fault(table=EVENTS, row=str(row), why=why))


def audit(
    *,
    verdicts: Callable[[], Iterable[ValidationEvent | Fault]],
    events: Iterable[DomainEvent | Fault],
    kept: Head | None = None,
) -> AuditReport:
    """Look at every row: events in the order of their numbers, verdicts in any order.

    Others may write meanwhile: ``verdicts`` is read before ``events``, and once more where one seems to be missing.
    """
    said = _read(verdicts())
    reading = _Reading(kept=kept)
    for one in events:
        if isinstance(one, Fault):
            reading.n_events += 1
            reading.faults.append(one)
            reading.is_broken, reading.last = True, None
            if one.row.isascii() and one.row.isdigit():
                reading.numbers.add(int(one.row))
        else:
            reading.take(one)
    if kept and (lost := reading.lost(kept.sequence)):
        reading.blame(lost, "it is missing: the end was cut off")
    known = {one: digest for one, digest in said.digests.items() if one not in reading.doubtful}
    faults = [*reading.faults, *said.faults, *_unlike(known, reading.sealed)]
    damaged = {one.row for one in said.faults}
    missing = [one for one in reading.sealed if one not in said.digests and str(one) not in damaged]
    there = _read(verdicts()).digests if missing else {}
    faults += [
        Fault(table=VERDICTS, row=str(one), why="it is missing, but the log tells of it")
        for one in missing
        if one not in there
    ]
    return AuditReport(n_events=reading.n_events, n_verdicts=len(said.digests) + len(said.faults), faults=tuple(faults))


def seals(events: Iterable[DomainEvent]) -> Mapping[UUID, str]:
    """Return the digests of verdicts, by their identity, that the log holds."""
    return dict(reversed([seal for event in events if (seal := _seal(event)) is not None]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The verdicts: digests of what can be read, faults for the others."""

    digests: Mapping[UUID, str]
    faults: tuple[Fault, ...]


def _read(verdicts: Iterable[ValidationEvent | Fault]) -> _Said:
    digests: dict[UUID, str] = {}
    faults: list[Fault] = []
    for one in verdicts:
        if isinstance(one, Fault):
            faults.append(one)
        else:
            digests[one.id] = one.digest
    return _Said(digests=digests, faults=tuple(faults))


def _unlike(digests: Mapping[UUID, str], sealed: Mapping[UUID, str]) -> Iterable[Fault]:
    for one, digest in digests.items():
        if one not in sealed:
            yield Fault(table=VERDICTS, row=str(one), why="no event of the log tells of it")
        elif sealed[one] != digest:
            yield Fault(table=VERDICTS, row=str(one), why="it is not what the log tells of it")


def _seal(event: DomainEvent) -> tuple[UUID, str] | None:
    """Return the identity and the digest of the verdict that an event tells of; None for other events."""
    identity, digest = event.facts.get("event"), event.facts.get("digest")
    if not event.name.startswith("verdict.") or not isinstance(identity, str) or not isinstance(digest, str):
        return None
    try:
        return UUID(identity), digest
    except ValueError:
        return None


def _sealed(event: DomainEvent) -> str:
    return chain_digest(
        sequence=event.sequence,
        name=event.name,
        subject=event.subject,
        actor=event.actor,
        at=event.at,
        facts=event.facts,
        previous=event.previous,
    )
