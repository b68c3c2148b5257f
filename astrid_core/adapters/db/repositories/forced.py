"""Brightnesses of objects in exposures that cover them, in the database."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import insert_all_new, plain, plain_in, values_in
from astrid_core.adapters.db.rows.forced import ForcedPointRow, ReferenceFluxRow
from astrid_core.catalog.entities import ForcedPoint, ReferenceFlux
from astrid_core.shared.runs import RunKey


class SqlForcedPoints:
    """ForcedPoints in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, points: Sequence[ForcedPoint]) -> int:
        """Record them and count the new ones; what is known already stays as it is."""
        rows = [ForcedPointRow.values(point) for point in points]
        return insert_all_new(self._session, ForcedPointRow, rows) if rows else 0

    def of_entries(self, entry_ids: Sequence[UUID]) -> Sequence[ForcedPoint]:
        """Return what was measured of these objects, ordered by entry, mid_mjd, exposure, run."""
        rows = plain_in(self._session, plain(ForcedPointRow), ForcedPointRow.entry_id, entry_ids)
        found = [ForcedPointRow.entity(row) for row in rows]
        return tuple(sorted(found, key=lambda one: (one.entry_id, one.mid_mjd, one.observation_id, one.difference_key)))

    def measured_in(self, difference_key: RunKey) -> Collection[UUID]:
        """Return the objects that are on record of a difference."""
        wanted = select(ForcedPointRow.entry_id).where(ForcedPointRow.difference_key == difference_key)
        return frozenset(self._session.scalars(wanted))

    def known(self, entry_ids: Sequence[UUID]) -> Collection[UUID]:
        """Return those of these objects of which anything is on record."""
        return values_in(self._session, ForcedPointRow.entry_id, entry_ids)

    def add_reference_fluxes(self, fluxes: Sequence[ReferenceFlux]) -> None:
        """Record them; what is known already stays as it is."""
        rows = [ReferenceFluxRow.values(flux) for flux in fluxes]
        if rows:
            insert_all_new(self._session, ReferenceFluxRow, rows)

    def reference_fluxes(self, entry_ids: Sequence[UUID]) -> Sequence[ReferenceFlux]:
        """Return what references show of these objects, ordered by entry, reference."""
        rows = plain_in(self._session, plain(ReferenceFluxRow), ReferenceFluxRow.entry_id, entry_ids)
        found = (ReferenceFluxRow.entity(row) for row in rows)
        return tuple(sorted(found, key=lambda one: (one.entry_id, one.reference_digest)))
