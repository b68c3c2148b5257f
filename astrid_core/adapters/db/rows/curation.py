"""Verdicts and announcements, as rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.curation.entities import Alert, ValidationEvent, Verdict


class ValidationEventRow(Row):
    """One verdict; the database refuses to change or delete it."""

    __tablename__ = "validation_event"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    detection_id: Mapped[str] = mapped_column(index=True)
    curator: Mapped[str] = mapped_column(ForeignKey("curator.login"))
    verdict: Mapped[str]
    comment: Mapped[str]
    at: Mapped[datetime]
    supersedes: Mapped[UUID | None] = mapped_column(ForeignKey("validation_event.id"))

    @staticmethod
    def values(event: ValidationEvent) -> dict[str, object]:
        """Return the columns of ``event``."""
        return {
            "id": event.id,
            "detection_id": event.detection_id,
            "curator": event.curator,
            "verdict": event.verdict.value,
            "comment": event.comment,
            "at": event.at,
            "supersedes": event.supersedes,
        }

    def entity(self) -> ValidationEvent:
        """Return the verdict."""
        return ValidationEvent(
            id=self.id,
            detection_id=self.detection_id,
            curator=self.curator,
            verdict=Verdict(self.verdict),
            comment=self.comment,
            at=self.at,
            supersedes=self.supersedes,
        )


class AlertRow(Row):
    """One announcement."""

    __tablename__ = "alert"
    __table_args__ = (Index(None, "channel", "score"),)

    detection_id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[float]

    @staticmethod
    def values(alert: Alert) -> dict[str, object]:
        """Return the columns of ``alert``."""
        return {"detection_id": alert.detection_id, "channel": alert.channel, "score": alert.score}

    def entity(self) -> Alert:
        """Return the announcement."""
        return Alert(detection_id=self.detection_id, channel=self.channel, score=self.score)
