"""Objects, light curves, facts of nights and extracts, in the database."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, hold_still, take
from astrid_core.adapters.db.repositories.statements import (
    insert_new,
    insert_or_replace,
    read,
    read_in,
    read_pages,
    read_region,
)
from astrid_core.adapters.db.rows.catalog import AnalyticsRow, CatalogEntryRow, ExportJobRow, LightCurvePointRow
from astrid_core.catalog.entities import Analytics, CatalogEntry, ExportJob, LightCurvePoint
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region


class SqlCatalogEntries:
    """CatalogEntries in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, entry: CatalogEntry) -> None:
        """Record an object, or what has been learnt about a known one."""
        insert_or_replace(self._session, CatalogEntryRow, CatalogEntryRow.values(entry))

    def add_point(self, point: LightCurvePoint) -> bool:
        """Record a brightness and tell whether it is new; a known detection changes nothing."""
        return insert_new(self._session, LightCurvePointRow, LightCurvePointRow.values(point))

    def get(self, entry_id: UUID) -> CatalogEntry:
        """Return it, or raise UnknownRecord."""
        found = read(self._session, select(CatalogEntryRow).where(CatalogEntryRow.id == entry_id))
        if not found:
            raise UnknownRecord("no such catalog entry", entry=entry_id)
        return found[0].entity()

    def search(self, *, region: Region | None = None) -> Sequence[CatalogEntry]:
        """Return objects in the region (all without one), ordered by hpx29, then id."""
        wanted = select(CatalogEntryRow)
        if region is None:
            rows = list(read(self._session, wanted))
        else:
            rows = read_region(self._session, wanted, CatalogEntryRow.hpx29, region)
        found = [row.entity() for row in sorted(rows, key=lambda row: (row.hpx29, row.id))]
        return tuple(entry for entry in found if region is None or region.contains(entry.position))

    def pages(self, *, region: Region | None = None) -> Iterator[Sequence[CatalogEntry]]:
        """Yield the same objects in the same order, some thousands at a time, and keep none of them."""
        ordered = select(CatalogEntryRow).order_by(CatalogEntryRow.hpx29, CatalogEntryRow.id)
        for rows in read_pages(self._session, ordered, CatalogEntryRow.hpx29, region):
            found = (row.entity() for row in rows)
            yield tuple(entry for entry in found if region is None or region.contains(entry.position))

    def points(self, entry_ids: Sequence[UUID]) -> Sequence[LightCurvePoint]:
        """Return the light curves of these objects, ordered by entry, mid_mjd, detection."""
        rows = read_in(self._session, select(LightCurvePointRow), LightCurvePointRow.entry_id, entry_ids)
        found = (row.entity() for row in rows)
        return tuple(sorted(found, key=lambda point: (point.entry_id, point.mid_mjd, point.detection_id)))

    def published(self, detection_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these detections are in the catalog already."""
        rows = read_in(self._session, select(LightCurvePointRow), LightCurvePointRow.detection_id, detection_ids)
        return frozenset(row.detection_id for row in rows)

    def hold_still(self) -> None:
        """See everything as it is now until this transaction ends, whatever others write; the first thing it does."""
        hold_still(self._session.connection())

    def lock(self) -> None:
        """Hold back other publishers until this transaction ends: association reads, then writes."""
        take(self._session.connection(), Lock.CHANGE_CATALOG)


class SqlNightAnalytics:
    """NightAnalytics in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, analytics: Analytics) -> bool:
        """Record it and tell whether it is new."""
        return insert_new(self._session, AnalyticsRow, AnalyticsRow.values(analytics))

    def find(self, key: RunKey) -> Analytics | None:
        """Return it, or None."""
        found = read(self._session, select(AnalyticsRow).where(AnalyticsRow.key == key))
        return found[0].entity() if found else None


class SqlExportJobs:
    """ExportJobs in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: ExportJob) -> bool:
        """Record it and tell whether it is new."""
        return insert_new(self._session, ExportJobRow, ExportJobRow.values(job))

    def find(self, key: RunKey) -> ExportJob | None:
        """Return it, or None."""
        found = read(self._session, select(ExportJobRow).where(ExportJobRow.key == key))
        return found[0].entity() if found else None
