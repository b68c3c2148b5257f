"""What the curation domain needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from astrid_core.curation.entities import Alert, Curator, ValidationEvent


class Curators(Protocol):
    """The people who may judge; identity login."""

    def add(self, curator: Curator) -> bool:
        """Record somebody, or change their role; tell whether anything changed."""
        ...

    def find(self, login: str) -> Curator | None:
        """Return them, or None."""
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
