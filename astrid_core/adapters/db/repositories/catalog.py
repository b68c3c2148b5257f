"""Objects, light curves, facts of nights and extracts, in the database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, hold_still, share, take, take_each
from astrid_core.adapters.db.repositories.statements import (
    delete_in,
    insert_new,
    insert_or_replace,
    plain,
    plain_in,
    plain_pages,
    read,
    read_in,
    read_region,
)
from astrid_core.adapters.db.rows.catalog import AnalyticsRow, CatalogEntryRow, ExportJobRow, LightCurvePointRow
from astrid_core.adapters.db.rows.observations import ObservationRow
from astrid_core.catalog.associate import ordered
from astrid_core.catalog.entities import Analytics, CatalogEntry, EntryStatus, ExportJob, LightCurvePoint
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region


class SqlCatalogEntries:
    """CatalogEntries in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, *entries: CatalogEntry) -> None:
        """Record objects, or what has been learnt about known ones."""
        if entries:
            insert_or_replace(self._session, CatalogEntryRow, *(CatalogEntryRow.values(one) for one in entries))

    def put_points(self, points: Sequence[LightCurvePoint]) -> None:
        """Record brightnesses, or to which objects known ones belong now."""
        if points:
            insert_or_replace(self._session, LightCurvePointRow, *(LightCurvePointRow.values(one) for one in points))

    def take_out(self, detection_ids: Sequence[str]) -> None:
        """Forget brightnesses that other runs have measured anew; the detections themselves stay on record."""
        delete_in(self._session, LightCurvePointRow, LightCurvePointRow.detection_id, detection_ids)

    def get(self, entry_id: UUID) -> CatalogEntry:
        """Return it, or raise UnknownRecord."""
        found = read(self._session, select(CatalogEntryRow).where(CatalogEntryRow.id == entry_id))
        if not found:
            raise UnknownRecord("no such catalog entry", entry=entry_id)
        return found[0].entity()

    def search(self, *, region: Region | None = None) -> Sequence[CatalogEntry]:
        """Return objects in the region (all without one), withdrawn ones apart, ordered by hpx29, then id."""
        wanted = select(CatalogEntryRow).where(CatalogEntryRow.status != EntryStatus.WITHDRAWN.value)
        if region is None:
            rows = list(read(self._session, wanted))
        else:
            rows = read_region(self._session, wanted, CatalogEntryRow.hpx29, region)
        return tuple(row.entity() for row in sorted(rows, key=lambda row: (row.hpx29, row.id)))

    def moving(self, *, from_mjd: float, to_mjd: float) -> Sequence[CatalogEntry]:
        """Return moving objects that were seen in this time, its ends included, ordered by id."""
        wanted = select(CatalogEntryRow).where(
            CatalogEntryRow.motion_rate_arcsec_h.is_not(None),
            CatalogEntryRow.status != EntryStatus.WITHDRAWN.value,
            CatalogEntryRow.last_mjd >= from_mjd,
            CatalogEntryRow.first_mjd <= to_mjd,
        )
        return tuple(sorted((row.entity() for row in read(self._session, wanted)), key=lambda entry: entry.id))

    def pages(self, *, region: Region | None = None) -> Iterator[Sequence[CatalogEntry]]:
        """Yield the same objects in the same order, some thousands at a time, and keep none of them."""
        standing = plain(CatalogEntryRow).where(CatalogEntryRow.status != EntryStatus.WITHDRAWN.value)
        in_order = standing.order_by(CatalogEntryRow.hpx29, CatalogEntryRow.id)
        for rows in plain_pages(self._session, in_order, CatalogEntryRow.hpx29, region):
            yield tuple(CatalogEntryRow.entity(row) for row in rows)

    def points(self, entry_ids: Sequence[UUID]) -> Sequence[LightCurvePoint]:
        """Return the light curves of these objects, ordered by entry, mid_mjd, detection."""
        rows = plain_in(self._session, plain(LightCurvePointRow), LightCurvePointRow.entry_id, entry_ids)
        found = (LightCurvePointRow.entity(row) for row in rows)
        return tuple(sorted(found, key=lambda point: (point.entry_id, point.mid_mjd, point.detection_id)))

    def points_of_night(self, survey: str, night: str) -> Sequence[LightCurvePoint]:
        """Return what exposures of a night have measured, ordered by mid_mjd, exposure, detection."""
        wanted = (
            select(LightCurvePointRow)
            .join(ObservationRow, ObservationRow.id == LightCurvePointRow.observation_id)
            .where(ObservationRow.survey == survey, ObservationRow.night == night)
        )
        return tuple(ordered(row.entity() for row in read(self._session, wanted)))

    def published(self, detection_ids: Sequence[str]) -> Mapping[str, UUID]:
        """Return the objects of those detections that are in the catalog already."""
        rows = read_in(self._session, select(LightCurvePointRow), LightCurvePointRow.detection_id, detection_ids)
        return {row.detection_id: row.entry_id for row in rows}

    def hold_still(self) -> None:
        """See everything as it is now until this transaction ends, whatever others write; the first thing it does."""
        hold_still(self._session.connection())

    def lock(self) -> None:
        """Hold back all others who change the catalog until this transaction ends; the first lock it takes."""
        take(self._session.connection(), Lock.CHANGE_CATALOG)

    def lock_parts(self, names: Collection[str]) -> None:
        """Hold back whoever locks all, or one of these parts, until this transaction ends; the first lock it takes."""
        share(self._session.connection(), Lock.CHANGE_CATALOG)
        take_each(self._session.connection(), [f"catalog {name}" for name in names])


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
