"""Small invented messages, and the FITS stamps of one."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from astrid_core.alerts.entities import Alert, AlertKind, AlertStamps, Announcement, Message
from astrid_core.catalog.entities import EntryStatus
from tests.catalog.invented import light_curve, measured

AT = datetime(2024, 3, 4, 5, 6, 7, 891_000, tzinfo=UTC)
STAMPS = AlertStamps(science=b"science", reference=b"reference", difference=b"difference")


def message(
    kind: AlertKind = AlertKind.NEW,
    *,
    version: int = 1,
    number: int = 7,
    replaces: UUID | None = None,
    mag_ab: float | None = 21.5,
    stamps: AlertStamps | None = None,
) -> Message:
    """Return what is told of an object with two points."""
    entry, points = light_curve(
        number,
        measured("detect-1:1", observation="demo:1.fits", mid_mjd=60371.25, mag_ab=mag_ab),
        measured("detect-2:1", observation="demo:2.fits", mid_mjd=60373.25, significance=12.0, mag_ab=mag_ab),
    )
    status = EntryStatus.REJECTED if kind is AlertKind.RETRACTION else EntryStatus.CONFIRMED
    announcement = Announcement(
        entry=replace(entry, status=status), version=version, points=points, reasons=("point", "status"), at=AT
    )
    alert = Alert(entry_id=entry.id, version=version, channel="all", kind=kind, raised_at=AT)
    return Message(alert=alert, announcement=announcement, replaces=replaces, stamps=stamps)
