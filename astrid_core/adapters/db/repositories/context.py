"""What is known about objects from elsewhere, in the database."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import insert_new, plain, plain_in, read_in
from astrid_core.adapters.db.rows.context import EntryContextRow
from astrid_core.catalog.context import EntryContext


class SqlEntryContexts:
    """EntryContexts in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, context: EntryContext) -> bool:
        """Record it, in the place of what was known before, and tell whether anything changed."""
        values = EntryContextRow.values(context)
        if insert_new(self._session, EntryContextRow, values):
            return True
        # JSON has no equality in PostgreSQL: it is compared here.
        (known,) = read_in(self._session, select(EntryContextRow), EntryContextRow.entry_id, [context.entry_id])
        if known.entity() == context:
            return False
        for name, value in values.items():
            setattr(known, name, value)
        self._session.flush()
        return True

    def of(self, entry_ids: Sequence[UUID]) -> Mapping[UUID, EntryContext]:
        """Return what is known about those of these entries that have been looked up."""
        rows = plain_in(self._session, plain(EntryContextRow), EntryContextRow.entry_id, entry_ids)
        return {row.entry_id: EntryContextRow.entity(row) for row in sorted(rows, key=lambda row: row.entry_id)}
