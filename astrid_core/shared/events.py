"""What happened, to what, by whom: an append-only log in which every event names the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from astrid_core.shared.errors import PermanentFailure

GENESIS = "0" * 64
"""The digest that the first event of a log names as its predecessor."""


BY = "by"
"""Fact of an event that tells more about its actor; nothing else may use the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does what an event tells, as far as that is known."""

    name: str
    """A login; the name of the pipeline where nobody else acts."""
    roles: tuple[str, ...] = ()
    via: str = ""
    """How their identity was established; empty where nobody asked."""
    request: str = ""
    """Identity of the request that they sent."""

    def sign(self, facts: Mapping[str, object]) -> dict[str, object]:
        """Return ``facts`` with what is known besides the name; ValueError where they use its place."""
        if BY in facts:
            message = f"the fact {BY!r} tells who acts and cannot be given"
            raise ValueError(message)
        known = {"roles": sorted(self.roles), "via": self.via, "request": self.request}
        told = {name: value for name, value in known.items() if value}
        return {**facts, BY: told} if told else dict(facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """One fact, as it entered the log."""

    sequence: int
    name: str
    """``noun.verb``, for example ``difference.recorded``."""
    subject: str
    actor: str
    at: datetime
    """Aware UTC."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON values only; ``by`` tells more about the actor."""
    previous: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an event is to say, before it has a place in the log."""

    name: str
    subject: str
    facts: Mapping[str, object] = field(default_factory=dict)


class EventLog(Protocol):
    """Append-only; the log joins the transaction of the change that it records."""

    def append(self, name: str, *, subject: str, facts: Mapping[str, object] | None = None) -> DomainEvent:
        """Add one event behind the last one."""
        ...

    def append_all(self, told: Sequence[Told]) -> Sequence[DomainEvent]:
        """Add several behind the last one, in this order."""
        ...

    def all(self) -> Iterable[DomainEvent]:
        """Return every event, oldest first."""
        ...

    def of(self, subject: str) -> Sequence[DomainEvent]:
        """Return the events about one subject, oldest first."""
        ...

    def named(self, name: str) -> Sequence[DomainEvent]:
        """Return the events of one name, oldest first: for those that are rare."""
        ...


def chain_digest(
    *, sequence: int, name: str, subject: str, actor: str, at: datetime, facts: Mapping[str, object], previous: str
) -> str:
    """Return the SHA-256 that seals an event together with all events before it."""
    sealed = [sequence, name, subject, actor, at.isoformat(), dict(facts), previous]
    return hashlib.sha256(json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed(told: Iterable[Told], *, actor: Actor, behind: DomainEvent | None, at: datetime) -> list[DomainEvent]:
    """Return what an actor tells as events, each sealed with the one before it; the first follows ``behind``."""
    events: list[DomainEvent] = []
    sequence, previous = (behind.sequence, behind.digest) if behind else (0, GENESIS)
    for one in told:
        sequence += 1
        # The digest covers the facts as they will be read again: lists for tuples, text for keys.
        facts = json.loads(json.dumps(actor.sign(one.facts), allow_nan=False))
        digest = chain_digest(
            sequence=sequence,
            name=one.name,
            subject=one.subject,
            actor=actor.name,
            at=at,
            facts=facts,
            previous=previous,
        )
        event = DomainEvent(
            sequence=sequence,
            name=one.name,
            subject=one.subject,
            actor=actor.name,
            at=at,
            facts=facts,
            previous=previous,
            digest=digest,
        )
        events.append(event)
        previous = digest
    return events


def verify_chain(events: Iterable[DomainEvent]) -> int:
    """Return how many events were checked; raise PermanentFailure at the first that was altered, lost or moved."""
    previous, n_checked = GENESIS, 0
    for event in events:
        expected = chain_digest(
            sequence=event.sequence,
            name=event.name,
            subject=event.subject,
            actor=event.actor,
            at=event.at,
            facts=event.facts,
            previous=previous,
        )
        if event.sequence != n_checked + 1 or event.previous != previous or event.digest != expected:
            raise PermanentFailure("event log does not verify", sequence=event.sequence, event=event.name)
        previous, n_checked = event.digest, n_checked + 1
    return n_checked
