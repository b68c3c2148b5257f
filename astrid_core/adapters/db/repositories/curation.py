"""Verdicts, in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import insert_all_new, read, read_in
from astrid_core.adapters.db.rows.curation import ValidationEventRow
from astrid_core.curation.entities import ValidationEvent


class SqlValidationEvents:
    """ValidationEvents in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, *events: ValidationEvent) -> bool:
        """Record them, each behind what it supersedes, and tell whether all are new."""
        rows = [ValidationEventRow.values(event) for event in events]
        return not rows or insert_all_new(self._session, ValidationEventRow, rows) == len(rows)

    def find(self, event_id: UUID) -> ValidationEvent | None:
        """Return it, or None."""
        return self.of([event_id]).get(event_id)

    def of(self, event_ids: Sequence[UUID]) -> Mapping[UUID, ValidationEvent]:
        """Return those that are on record, by identity."""
        rows = read_in(self._session, select(ValidationEventRow), ValidationEventRow.id, event_ids)
        return {row.id: row.entity() for row in rows}

    def all(self) -> Sequence[ValidationEvent]:
        """Return every verdict, oldest first, superseded ones included."""
        return _in_order(read(self._session, select(ValidationEventRow)))

    def of_detections(self, detection_ids: Sequence[str]) -> Sequence[ValidationEvent]:
        """Return the verdicts on these detections, oldest first, superseded ones included."""
        return _in_order(
            read_in(self._session, select(ValidationEventRow), ValidationEventRow.detection_id, detection_ids)
        )

    def of_curator(self, login: str, *, since: datetime) -> Sequence[ValidationEvent]:
        """Return the verdicts of somebody from a time on, oldest first, superseded ones included."""
        wanted = select(ValidationEventRow).where(ValidationEventRow.curator == login, ValidationEventRow.at >= since)
        return _in_order(read(self._session, wanted))

    def of_batch(self, batch: UUID) -> Sequence[ValidationEvent]:
        """Return the verdicts that were given in one act, oldest first, superseded ones included."""
        return _in_order(read(self._session, select(ValidationEventRow).where(ValidationEventRow.batch == batch)))


def _in_order(rows: Sequence[ValidationEventRow]) -> tuple[ValidationEvent, ...]:
    return tuple(sorted((row.entity() for row in rows), key=lambda event: (event.at, str(event.id))))
