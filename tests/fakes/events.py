"""Memory twin of the event log."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from astrid_core.shared.events import GENESIS, Actor, DomainEvent, chain_digest


class MemoryEventLog:
    """EventLog in memory."""

    def __init__(self, rows: dict[int, DomainEvent], *, actor: Actor) -> None:
        self._rows = rows
        self._actor = actor

    def append(self, name: str, *, subject: str, facts: Mapping[str, object] | None = None) -> DomainEvent:
        stored = json.loads(json.dumps(self._actor.sign(facts or {}), allow_nan=False))
        sequence, at = len(self._rows) + 1, datetime.now(UTC)
        previous = self._rows[sequence - 1].digest if self._rows else GENESIS
        digest = chain_digest(
            sequence=sequence,
            name=name,
            subject=subject,
            actor=self._actor.name,
            at=at,
            facts=stored,
            previous=previous,
        )
        event = DomainEvent(
            sequence=sequence,
            name=name,
            subject=subject,
            actor=self._actor.name,
            at=at,
            facts=stored,
            previous=previous,
            digest=digest,
        )
        self._rows[sequence] = event
        return event

    def all(self) -> Sequence[DomainEvent]:
        return tuple(self._rows.values())

    def of(self, subject: str) -> Sequence[DomainEvent]:
        return tuple(one for one in self._rows.values() if one.subject == subject)

    def named(self, name: str) -> Sequence[DomainEvent]:
        return tuple(one for one in self._rows.values() if one.name == name)
