"""Memory twin of what an auditor reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from astrid_core.curation.audit import Head
from astrid_core.curation.entities import ValidationEvent
from astrid_core.shared.events import DomainEvent


class MemoryAuditTrail:
    """AuditTrail in memory, where every row is as it was written."""

    def __init__(self, events: Mapping[int, DomainEvent], verdicts: Mapping[UUID, ValidationEvent]) -> None:
        self._events = events
        self._verdicts = verdicts

    def head(self) -> Head | None:
        last = self._events.get(max(self._events, default=0))
        return None if last is None else Head(sequence=last.sequence, digest=last.digest)

    def events(self) -> Sequence[DomainEvent]:
        return tuple(self._events[number] for number in sorted(self._events))

    def verdicts(self) -> Sequence[ValidationEvent]:
        return tuple(self._verdicts.values())

    def search(
        self,
        *,
        subject: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        behind: int = 0,
        limit: int = 100,
    ) -> Sequence[DomainEvent]:
        found = [
            event
            for event in self.events()
            if event.sequence > behind
            and subject in (None, event.subject)
            and actor in (None, event.actor)
            and (since is None or event.at >= since)
        ]
        return tuple(found[:limit])
