"""What is said of objects, to whom, and whether it arrived, as rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.catalog import CatalogEntryRow, LightCurvePointRow
from astrid_core.adapters.db.rows.table import Row
from astrid_core.alerts.entities import Alert, AlertKind, AlertState, Announcement, Channel


class AlertChannelRow(Row):
    """One channel."""

    __tablename__ = "alert_channel"

    name: Mapped[str] = mapped_column(primary_key=True)
    format: Mapped[str]
    min_status: Mapped[str]
    min_score: Mapped[float]
    min_abs_significance: Mapped[float]
    updates: Mapped[bool]
    ask: Mapped[bool]
    is_open: Mapped[bool]

    @staticmethod
    def values(channel: Channel, *, is_open: bool) -> dict[str, object]:
        """Return the columns of ``channel``."""
        return {
            "name": channel.name,
            "format": channel.format,
            "min_status": channel.min_status,
            "min_score": channel.min_score,
            "min_abs_significance": channel.min_abs_significance,
            "updates": channel.updates,
            "ask": channel.ask,
            "is_open": is_open,
        }

    def entity(self) -> Channel:
        """Return the channel."""
        return Channel(
            name=self.name,
            format=self.format,
            min_status=self.min_status,
            min_score=self.min_score,
            min_abs_significance=self.min_abs_significance,
            updates=self.updates,
            ask=self.ask,
        )


class AnnouncementRow(Row):
    """What was said of an object once; never changed."""

    __tablename__ = "announcement"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    entry: Mapped[dict[str, Any]]
    points: Mapped[dict[str, Any]]
    """Detection to columns: JSON without lists of objects."""
    reasons: Mapped[list[str]]
    at: Mapped[datetime]

    @staticmethod
    def values(announcement: Announcement) -> dict[str, object]:
        """Return the columns of ``announcement``."""
        return {
            "entry_id": announcement.entry.id,
            "version": announcement.version,
            "entry": _plain(CatalogEntryRow.values(announcement.entry)),
            "points": {one.detection_id: _plain(LightCurvePointRow.values(one)) for one in announcement.points},
            "reasons": list(announcement.reasons),
            "at": announcement.at,
        }

    def entity(self) -> Announcement:
        """Return the announcement."""
        points = [
            LightCurvePointRow(**{**columns, "entry_id": self.entry_id}).entity() for columns in self.points.values()
        ]
        return Announcement(
            entry=CatalogEntryRow(**{**self.entry, "id": self.entry_id}).entity(),
            version=self.version,
            points=tuple(sorted(points, key=lambda point: (point.mid_mjd, point.detection_id))),
            reasons=tuple(self.reasons),
            at=self.at,
        )


class AlertRow(Row):
    """One announcement to one channel: the outbox."""

    __tablename__ = "alert"
    __table_args__ = (
        ForeignKeyConstraint(["entry_id", "version"], ["announcement.entry_id", "announcement.version"]),
        Index(None, "channel", "state", "raised_at"),
        Index(None, "batch"),
    )

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    raised_at: Mapped[datetime]
    state: Mapped[str]
    batch: Mapped[str]
    n_attempts: Mapped[int]
    try_after: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    error: Mapped[str]

    @staticmethod
    def values(alert: Alert) -> dict[str, object]:
        """Return the columns of ``alert``."""
        return {
            "entry_id": alert.entry_id,
            "version": alert.version,
            "channel": alert.channel,
            "kind": alert.kind.value,
            "raised_at": alert.raised_at,
            "state": alert.state.value,
            "batch": alert.batch,
            "n_attempts": alert.n_attempts,
            "try_after": alert.try_after,
            "settled_at": alert.settled_at,
            "error": alert.error,
        }

    def entity(self) -> Alert:
        """Return the alert."""
        return Alert(
            entry_id=self.entry_id,
            version=self.version,
            channel=self.channel,
            kind=AlertKind(self.kind),
            raised_at=self.raised_at,
            state=AlertState(self.state),
            batch=self.batch,
            n_attempts=self.n_attempts,
            try_after=self.try_after,
            settled_at=self.settled_at,
            error=self.error,
        )


def _plain(columns: dict[str, object]) -> dict[str, object]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in columns.items()}
