"""Say to the outside what the catalog says, in the transaction that changes the catalog."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import structlog

from astrid_core.alerts.announce import Change, announce
from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import Alert, Announcement
from astrid_core.catalog.entities import EntryStatus
from astrid_core.curation.access import Permission
from astrid_core.stages.access import require_permission
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


def open_channels(services: Services, config: AlertsConfig) -> None:
    """Let the channels of the settings be the open ones; changes of the catalog are told to these from now on."""
    with services.transaction() as records:
        if list(records.alerts.channels()) == sorted(config.channels, key=lambda one: one.name):
            return
        records.alerts.lock()
        records.alerts.open(config.channels)
        facts = {one.name: {"format": one.format, "min_status": one.min_status} for one in config.channels}
        records.events.append("alerts.channels_opened", subject="alerts", facts={"channels": facts})
    log.info("alerts.channels_opened", channels=sorted(one.name for one in config.channels))


def announce_changes(records: Records, changes: Sequence[Change]) -> int:
    """Record who is to be told of these changes of the catalog, and return how many alerts that makes.

    The catalog must be locked. Nobody is told first of an object that holds a seed.
    """
    # Without a channel, now or before, there is nobody to tell, and nothing to read.
    if not changes or not records.alerts.channels(closed=True):
        return 0
    channels = records.alerts.channels()
    records.alerts.lock()
    known = records.alerts.of([change.after.id for change in changes])
    seeds = records.seeds.of([point.detection_id for change in changes for point in change.points])
    at = datetime.now(UTC)
    announcements: list[Announcement] = []
    raised: list[Alert] = []
    dropped: list[Alert] = []
    for change in changes:
        earlier = known.get(change.after.id, ())
        if not earlier and any(point.detection_id in seeds for point in change.points):
            continue
        said = announce(change, channels, earlier, at=at)
        dropped += said.dropped
        raised += said.alerts
        announcements += [] if said.announcement is None else [said.announcement]
    records.alerts.put(dropped)
    records.alerts.add(announcements, raised)
    return len(raised)


def retract(services: Services, entry_id: UUID, *, login: str, reason: str) -> int:
    """Take back what was said of an object, and return how many channels are told so; the catalog stays as it is.

    Raise NotAllowed for somebody who may not release, UnknownRecord without such an object.
    """
    with services.transaction() as records:
        require_permission(records, login, Permission.RELEASE)
        records.catalog.lock()
        entry, points = records.catalog.get(entry_id), records.catalog.points([entry_id])
        gone = replace(entry, status=EntryStatus.WITHDRAWN)
        # Whatever is thought of it, it is to be known no more: as if it had been a candidate until now.
        before = replace(entry, status=EntryStatus.CANDIDATE)
        n_raised = announce_changes(records, [Change(before=before, after=gone, points_before=points, points=points)])
        facts = {"curator": login, "reason": reason, "n_alerts": n_raised}
        records.events.append("alerts.retracted", subject=str(entry_id), facts=facts)
    log.info("alerts.retracted", entry=str(entry_id), login=login, n_alerts=n_raised)
    return n_raised
