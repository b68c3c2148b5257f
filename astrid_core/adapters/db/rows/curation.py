"""Verdicts, as rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, false, true
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.curation.access import Role
from astrid_core.curation.entities import ValidationEvent, Verdict


class ValidationEventRow(Row):
    """One verdict; the database refuses to change or delete it."""

    __tablename__ = "validation_event"
    __table_args__ = (Index(None, "curator", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    detection_id: Mapped[str] = mapped_column(index=True)
    curator: Mapped[str] = mapped_column(ForeignKey("curator.login"))
    verdict: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    vocabulary: Mapped[int] = mapped_column(server_default="0")
    comment: Mapped[str]
    confidence: Mapped[int | None]
    seconds: Mapped[float | None]
    is_blind: Mapped[bool] = mapped_column(server_default=false())
    score_shown: Mapped[bool] = mapped_column(server_default=true())
    role: Mapped[str] = mapped_column(server_default=Role.REVIEWER.value)
    is_seed: Mapped[bool] = mapped_column(server_default=false())
    batch: Mapped[UUID | None] = mapped_column(index=True)
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
            "reason": event.reason,
            "vocabulary": event.vocabulary,
            "comment": event.comment,
            "confidence": event.confidence,
            "seconds": event.seconds,
            "is_blind": event.is_blind,
            "score_shown": event.score_shown,
            "role": event.role.value,
            "is_seed": event.is_seed,
            "batch": event.batch,
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
            reason=self.reason,
            vocabulary=self.vocabulary,
            comment=self.comment,
            confidence=self.confidence,
            seconds=self.seconds,
            is_blind=self.is_blind,
            score_shown=self.score_shown,
            role=Role(self.role),
            is_seed=self.is_seed,
            batch=self.batch,
            at=self.at,
            supersedes=self.supersedes,
        )
