"""The event log, in the database."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, take
from astrid_core.adapters.db.repositories.statements import insert_all_new, read
from astrid_core.adapters.db.rows.events import DomainEventRow
from astrid_core.shared.errors import PermanentFailure
from astrid_core.shared.events import Actor, DomainEvent, Told, sealed

_PAGE = 1000


class SqlEventLog:
    """EventLog in SQL."""

    def __init__(self, session: Session, *, actor: Actor) -> None:
        self._session = session
        self._actor = actor

    def append(self, name: str, *, subject: str, facts: Mapping[str, object] | None = None) -> DomainEvent:
        """Add one event behind the last one; others who append wait until this transaction ends."""
        return self.append_all([Told(name=name, subject=subject, facts=facts or {})])[0]

    def append_all(self, told: Sequence[Told]) -> Sequence[DomainEvent]:
        """Add several behind the last one, in this order."""
        if not told:
            return ()
        take(self._session.connection(), Lock.APPEND_EVENT)
        last = read(self._session, select(DomainEventRow).order_by(DomainEventRow.sequence.desc()).limit(1))
        behind = last[0].entity() if last else None
        events = sealed(told, actor=self._actor, behind=behind, at=datetime.now(UTC))
        rows = [DomainEventRow.values(event) for event in events]
        if insert_all_new(self._session, DomainEventRow, rows) != len(rows):
            raise PermanentFailure("event log was written without its lock", sequence=events[0].sequence)
        return events

    def all(self) -> Iterator[DomainEvent]:
        """Yield every event, oldest first, while the transaction lasts."""
        behind = 0
        while True:
            wanted = select(DomainEventRow).where(DomainEventRow.sequence > behind)
            page = read(self._session, wanted.order_by(DomainEventRow.sequence).limit(_PAGE))
            if not page:
                return
            yield from [row.entity() for row in page]
            behind = page[-1].sequence

    def of(self, subject: str) -> Sequence[DomainEvent]:
        """Return the events about one subject, oldest first."""
        wanted = select(DomainEventRow).where(DomainEventRow.subject == subject).order_by(DomainEventRow.sequence)
        return tuple(row.entity() for row in read(self._session, wanted))

    def named(self, name: str) -> Sequence[DomainEvent]:
        """Return the events of one name, oldest first: for those that are rare."""
        wanted = select(DomainEventRow).where(DomainEventRow.name == name).order_by(DomainEventRow.sequence)
        return tuple(row.entity() for row in read(self._session, wanted))
