"""Memory twins of what alerts need from outside."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from astrid_core.alerts.entities import UNSENT, Alert, AlertKind, AlertState, Announcement, Channel, Message
from astrid_core.shared.errors import BadConfiguration, UnknownRecord
from tests.fakes.tables import add_new


class MemoryAlerts:
    """Alerts in memory."""

    def __init__(
        self,
        channels: dict[str, tuple[Channel, bool]],
        announcements: dict[tuple[UUID, int], Announcement],
        alerts: dict[tuple[UUID, int, str], Alert],
    ) -> None:
        self._channels = channels
        self._announcements = announcements
        self._alerts = alerts

    def channels(self, *, closed: bool = False) -> Sequence[Channel]:
        return tuple(channel for _, (channel, is_open) in sorted(self._channels.items()) if is_open or closed)

    def open(self, channels: Sequence[Channel]) -> bool:
        before = dict(self._channels)
        self._channels.update({name: (channel, False) for name, (channel, _) in before.items()})
        self._channels.update({channel.name: (channel, True) for channel in channels})
        return self._channels != before

    def add(self, announcements: Sequence[Announcement], alerts: Sequence[Alert]) -> None:
        for one in announcements:
            add_new(self._announcements, (one.entry.id, one.version), one)
        self.put(alerts)

    def put(self, alerts: Sequence[Alert]) -> None:
        self._alerts.update({(one.entry_id, one.version, one.channel): one for one in alerts})

    def of(self, entry_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Alert]]:
        found: dict[UUID, list[Alert]] = {}
        for (entry_id, _, _), alert in sorted(self._alerts.items()):
            if entry_id in set(entry_ids):
                found.setdefault(entry_id, []).append(alert)
        return found

    def announcement(self, entry_id: UUID, version: int) -> Announcement:
        if (entry_id, version) not in self._announcements:
            raise UnknownRecord("nothing was said of this object in this version", entry=entry_id, version=version)
        return self._announcements[entry_id, version]

    def search(
        self,
        *,
        state: AlertState | None = None,
        channel: str | None = None,
        batch: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Alert]:
        found = [
            one
            for one in self._alerts.values()
            if state in {None, one.state} and channel in {None, one.channel} and batch in {None, one.batch}
        ]
        return tuple(sorted(found, key=lambda one: (one.raised_at, one.entry_id, one.version, one.channel))[:limit])

    def due(self, channel: str, *, at: datetime, limit: int) -> Sequence[Alert]:
        ordered = [one for one in self.search(channel=channel) if one.state in {*UNSENT, AlertState.PENDING}]
        first = {entry_id: min(one.version for one in ordered if one.entry_id == entry_id) for entry_id in _of(ordered)}
        free = [
            one
            for one in ordered
            if one.state is AlertState.PENDING
            and one.version == first[one.entry_id]
            and (one.try_after is None or one.try_after <= at)
        ]
        return tuple(free[:limit])

    def busy(self) -> Sequence[Channel]:
        pending = {one.channel for one in self._alerts.values() if one.state is AlertState.PENDING}
        return tuple(channel for name, (channel, _) in sorted(self._channels.items()) if name in pending)

    def counts(self, channel: str, *, limit: int) -> Sequence[int]:
        batches: dict[str, list[datetime]] = {}
        for one in self._alerts.values():
            if one.channel == channel and one.batch and one.kind is not AlertKind.RETRACTION:
                batches.setdefault(one.batch, []).append(one.raised_at)
        newest = sorted(sorted(batches), key=lambda batch: max(batches[batch]), reverse=True)
        return tuple(len(batches[batch]) for batch in newest[:limit])

    def count_since(self, channel: str, since: datetime) -> int:
        return sum(
            one.channel == channel
            and one.raised_at >= since
            and one.state is not AlertState.DROPPED
            and one.kind is not AlertKind.RETRACTION
            for one in self._alerts.values()
        )

    def lock(self) -> None:
        """Transactions in memory follow one another anyway."""


def _of(alerts: Sequence[Alert]) -> set[UUID]:
    return {one.entry_id for one in alerts}


@dataclass
class MemoryAlertSender:
    """A channel that keeps what it gets, and fails as it is told."""

    wants_stamps: bool = False
    got: list[Message] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    """Raised one after the other, instead of taking a message."""

    def send(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.got.append(message)


@dataclass
class MemoryAlertChannels:
    """Channels in memory, by name."""

    senders: Mapping[str, MemoryAlertSender] = field(default_factory=dict)

    @contextmanager
    def open(self, channel: Channel) -> Iterator[MemoryAlertSender]:
        if channel.name not in self.senders:
            raise BadConfiguration("no address for this channel", channel=channel.name)
        yield self.senders[channel.name]
