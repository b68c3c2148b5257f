"""Memory twins of the curation domain's records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from astrid_core.curation.entities import ValidationEvent
from tests.fakes.tables import add_new


class MemoryValidationEvents:
    """ValidationEvents in memory."""

    def __init__(self, rows: dict[UUID, ValidationEvent]) -> None:
        self._rows = rows

    def add(self, *events: ValidationEvent) -> bool:
        are_new = [add_new(self._rows, event.id, event) for event in events]
        return all(are_new)

    def find(self, event_id: UUID) -> ValidationEvent | None:
        return self._rows.get(event_id)

    def of(self, event_ids: Sequence[UUID]) -> Mapping[UUID, ValidationEvent]:
        return {one: self._rows[one] for one in event_ids if one in self._rows}

    def all(self) -> Sequence[ValidationEvent]:
        return tuple(sorted(self._rows.values(), key=lambda event: (event.at, str(event.id))))

    def of_detections(self, detection_ids: Sequence[str]) -> Sequence[ValidationEvent]:
        return tuple(event for event in self.all() if event.detection_id in set(detection_ids))

    def of_curator(self, login: str, *, since: datetime) -> Sequence[ValidationEvent]:
        return tuple(event for event in self.all() if event.curator == login and event.at >= since)

    def of_batch(self, batch: UUID) -> Sequence[ValidationEvent]:
        return tuple(event for event in self.all() if event.batch == batch)
