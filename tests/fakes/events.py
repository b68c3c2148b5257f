"""Memory twin of the event log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from astrid_core.shared.events import Actor, DomainEvent, Told, sealed


class MemoryEventLog:
    """EventLog in memory."""

    def __init__(self, rows: dict[int, DomainEvent], *, actor: Actor) -> None:
        self._rows = rows
        self._actor = actor

    def append(self, name: str, *, subject: str, facts: Mapping[str, object] | None = None) -> DomainEvent:
        return self.append_all([Told(name=name, subject=subject, facts=facts or {})])[0]

    def append_all(self, told: Sequence[Told]) -> Sequence[DomainEvent]:
        events = sealed(told, actor=self._actor, behind=self._rows.get(len(self._rows)), at=datetime.now(UTC))
        self._rows.update((event.sequence, event) for event in events)
        return events

    def all(self) -> Sequence[DomainEvent]:
        return tuple(self._rows.values())

    def of(self, subject: str) -> Sequence[DomainEvent]:
        return tuple(one for one in self._rows.values() if one.subject == subject)

    def named(self, name: str) -> Sequence[DomainEvent]:
        return tuple(one for one in self._rows.values() if one.name == name)
