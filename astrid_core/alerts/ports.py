"""What alerts need from outside."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from astrid_core.alerts.entities import Alert, AlertState, Announcement, Channel, Message


class Alerts(Protocol):
    """What was said to whom; identity object, version and channel."""

    def channels(self, *, closed: bool = False) -> Sequence[Channel]:
        """Return those that are open, or with ``closed`` all that ever were, by name."""
        ...

    def open(self, channels: Sequence[Channel]) -> bool:
        """Let these be the open ones, and tell whether that changes anything."""
        ...

    def add(self, announcements: Sequence[Announcement], alerts: Sequence[Alert]) -> None:
        """Record what is said of objects, and to whom; what was said never changes."""
        ...

    def put(self, alerts: Sequence[Alert]) -> None:
        """Record what has become of known alerts."""
        ...

    def of(self, entry_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Alert]]:
        """Return every alert on these objects, by object; each in the order of versions, then channels."""
        ...

    def announcement(self, entry_id: UUID, version: int) -> Announcement:
        """Return it, or raise UnknownRecord."""
        ...

    def search(
        self,
        *,
        state: AlertState | None = None,
        channel: str | None = None,
        batch: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Alert]:
        """Return alerts in the order in which they were raised, then by object and version."""
        ...

    def due(self, channel: str, *, at: datetime, limit: int) -> Sequence[Alert]:
        """Return pending alerts that may be sent now, in the order of ``search``.

        Of each object at most one: the first that is neither delivered nor given up.
        """
        ...

    def busy(self) -> Sequence[Channel]:
        """Return the channels, also closed ones, for which alerts are pending, by name."""
        ...

    def counts(self, channel: str, *, limit: int) -> Sequence[int]:
        """Return how many alerts but retractions the newest batches of a channel held, newest first."""
        ...

    def count_since(self, channel: str, since: datetime) -> int:
        """Return how many alerts but retractions were raised from a time on and not dropped."""
        ...

    def lock(self) -> None:
        """Hold back others who take alerts until this transaction ends. Comes after the lock of the catalog."""
        ...


class AlertSender(Protocol):
    """One open channel."""

    wants_stamps: bool
    """Whether its packets hold pictures."""

    def send(self, message: Message) -> None:
        """Hand a message over. Returns once the receiver has it.

        Raise ChannelUnavailable where it may be tried again, AlertRefused where that is useless.
        """
        ...


class AlertChannels(Protocol):
    """The ways to whoever is told."""

    def open(self, channel: Channel) -> AbstractContextManager[AlertSender]:
        """Open the way to a channel; BadConfiguration where its address is missing or not allowed."""
        ...
