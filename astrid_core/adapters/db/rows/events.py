"""The event log, as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.shared.events import DomainEvent


class DomainEventRow(Row):
    """One event; the database refuses to change or delete it."""

    __tablename__ = "domain_event"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str] = mapped_column(unique=True)

    @staticmethod
    def values(event: DomainEvent) -> dict[str, object]:
        """Return the columns of ``event``."""
        return {
            "sequence": event.sequence,
            "name": event.name,
            "subject": event.subject,
            "actor": event.actor,
            "at": event.at,
            "facts": dict(event.facts),
            "previous": event.previous,
            "digest": event.digest,
        }

    def entity(self) -> DomainEvent:
        """Return the event."""
        return DomainEvent(
            sequence=self.sequence,
            name=self.name,
            subject=self.subject,
            actor=self.actor,
            at=self.at,
            facts=self.facts,
            previous=self.previous,
            digest=self.digest,
        )
