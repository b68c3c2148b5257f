"""What the curation domain needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from astrid_core.curation.access import OURS
from astrid_core.curation.entities import Alert, Curator, ValidationEvent


class Curators(Protocol):
    """The people of the project and their roles; identity login."""

    def lock(self) -> None:
        """Let nobody else change a role until this transaction ends."""
        ...

    def add(self, curator: Curator, *, source: str = OURS) -> bool:
        """Record somebody, and their roles in place of those that ``source`` gave before; tell whether that is new."""
        ...

    def find(self, login: str, *, source: str | None = None) -> Curator | None:
        """Return them with the roles of every source, or of one; None if nobody has the name."""
        ...

    def all(self) -> Sequence[Curator]:
        """Return everybody with the roles of every source, by login."""
        ...


class ValidationEvents(Protocol):
    """The record of verdicts; append-only."""

    def add(self, event: ValidationEvent) -> bool:
        """Record it and tell whether it is new."""
        ...

    def all(self) -> Sequence[ValidationEvent]:
        """Return every verdict, oldest first, superseded ones included."""
        ...

    def of_detections(self, detection_ids: Sequence[str]) -> Sequence[ValidationEvent]:
        """Return the verdicts on these detections, oldest first, superseded ones included."""
        ...


class Alerts(Protocol):
    """The record of announcements; identity detection and channel."""

    def add(self, alert: Alert) -> bool:
        """Record it and tell whether it is new."""
        ...

    def pending(self, channel: str, *, limit: int = 100) -> Sequence[Alert]:
        """Return announcements whose detection has no verdict, highest score first, then by detection."""
        ...
