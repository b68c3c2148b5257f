"""Objects of the catalog, light curves, announcements, facts of nights and extracts."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from astrid_core.adapters.db.reading.pages import Ask, Facts, Page, Statement, plain, read_page
from astrid_core.adapters.db.reading.places import inside, near
from astrid_core.adapters.db.rows.alerts import AlertRow
from astrid_core.adapters.db.rows.catalog import AnalyticsRow, CatalogEntryRow, ExportJobRow, LightCurvePointRow
from astrid_core.adapters.db.rows.context import EntryContextRow
from astrid_core.adapters.db.rows.differencing import DifferenceRunRow
from astrid_core.adapters.db.rows.events import DomainEventRow
from astrid_core.adapters.db.rows.observations import ObservationRow
from astrid_core.adapters.db.rows.preprocessing import PreprocessRunRow
from astrid_core.adapters.db.rows.table import Row
from astrid_core.catalog.entities import RELEASED, EntryStatus
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunStatus
from astrid_core.shared.sky import Region, SkyPosition, separation_arcsec


async def list_entries(
    connection: AsyncConnection,
    ask: Ask,
    *,
    region: Region | None,
    status: str | None = None,
    object_class: str | None = None,
) -> Page:
    """Return objects of the catalog by id; withdrawn ones only where their status is asked for.

    An object of which nobody has looked up what is known there has no class.
    """
    statement = _columns(CatalogEntryRow, but=("hpx29",))
    if object_class:
        statement = statement.join(EntryContextRow, EntryContextRow.entry_id == CatalogEntryRow.id)
        statement = statement.where(EntryContextRow.object_class == object_class)
    if status:
        statement = statement.where(CatalogEntryRow.status == status)
    else:
        statement = statement.where(CatalogEntryRow.status != EntryStatus.WITHDRAWN.value)
    if region is not None:
        statement = statement.where(near(region, CatalogEntryRow.hpx29))
    return await read_page(connection, statement, (CatalogEntryRow.id,), ask, keep=inside(region))


async def find_entry(connection: AsyncConnection, entry_id: UUID) -> Facts:
    """Return one object, or raise UnknownRecord."""
    wanted = _columns(CatalogEntryRow, but=("hpx29",)).where(CatalogEntryRow.id == entry_id)
    found = (await connection.execute(wanted)).mappings().first()
    if found is None:
        raise UnknownRecord("no such catalog entry", entry=entry_id)
    return plain(found)


async def entry_of(connection: AsyncConnection, detection_id: str) -> UUID | None:
    """Return the object that a detection belongs to; None before it is published."""
    wanted = select(LightCurvePointRow.entry_id).where(LightCurvePointRow.detection_id == detection_id)
    found: UUID | None = (await connection.execute(wanted)).scalar()
    return found


async def points_of(connection: AsyncConnection, entry_id: UUID) -> Sequence[Facts]:
    """Return the light curve of an object, oldest point first."""
    wanted = _columns(LightCurvePointRow, but=("hpx29",)).where(LightCurvePointRow.entry_id == entry_id)
    ordered = wanted.order_by(LightCurvePointRow.mid_mjd, LightCurvePointRow.detection_id)
    return [plain(row) for row in (await connection.execute(ordered)).mappings()]


async def limits_at(connection: AsyncConnection, position: SkyPosition, *, seen: Sequence[str]) -> Sequence[Facts]:
    """Return every compared exposure that covers a place, other than those in ``seen``, with its depth."""
    widest: float | None = (await connection.execute(select(func.max(ObservationRow.radius_deg)))).scalar()
    if widest is None or not widest > 0.0:
        return []
    around = Region.cone(position, radius_deg=min(widest, 90.0))
    wanted = (
        select(
            ObservationRow.id.label("observation_id"),
            ObservationRow.band,
            ObservationRow.mid_mjd,
            ObservationRow.ra_deg,
            ObservationRow.dec_deg,
            ObservationRow.radius_deg,
            DifferenceRunRow.reference_digest,
            PreprocessRunRow.quality_depth_mag.label("limit_mag"),
        )
        .join(DifferenceRunRow, DifferenceRunRow.observation_id == ObservationRow.id)
        .join(PreprocessRunRow, PreprocessRunRow.key == DifferenceRunRow.preprocess_key)
        .where(near(around, ObservationRow.hpx29), DifferenceRunRow.status == RunStatus.SUCCEEDED.value)
        .where(PreprocessRunRow.quality_depth_mag.is_not(None), ObservationRow.id.not_in(seen))
        .order_by(ObservationRow.mid_mjd, ObservationRow.id)
        .distinct()
    )
    rows = [plain(row) for row in (await connection.execute(wanted)).mappings()]
    return [
        {name: value for name, value in row.items() if name not in ("ra_deg", "dec_deg", "radius_deg")}
        for row in rows
        if row["limit_mag"] is not None and _covers(row, position)
    ]


def _covers(row: Facts, position: SkyPosition) -> bool:
    # The circle around a frame: a place in its corner region may lie beside the pixels.
    middle = SkyPosition(ra_deg=row["ra_deg"], dec_deg=row["dec_deg"])
    return bool(separation_arcsec(middle, position) <= row["radius_deg"] * 3600.0)


async def list_alerts(
    connection: AsyncConnection,
    ask: Ask,
    *,
    channel: str | None,
    state: str | None = None,
    entry_id: UUID | None = None,
    batch: str | None = None,
) -> Page:
    """Return alerts by object, version and channel."""
    statement = _columns(AlertRow)
    if entry_id is not None:
        statement = statement.where(AlertRow.entry_id == entry_id)
    equal: dict[InstrumentedAttribute[str], str | None] = {
        AlertRow.channel: channel,
        AlertRow.state: state,
        AlertRow.batch: batch,
    }
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    return await read_page(connection, statement, (AlertRow.entry_id, AlertRow.version, AlertRow.channel), ask)


async def list_exports(connection: AsyncConnection, ask: Ask) -> Page:
    """Return extracts by key, and whether each is public."""
    said = exists().where(DomainEventRow.subject == ExportJobRow.key, DomainEventRow.name == RELEASED)
    statement = _columns(ExportJobRow).add_columns(said.label("is_released"))
    return await read_page(connection, statement, (ExportJobRow.key,), ask)


async def list_analytics(connection: AsyncConnection, ask: Ask, *, night: str | None, survey: str | None) -> Page:
    """Return facts of nights by key."""
    statement = _columns(AnalyticsRow)
    equal: dict[InstrumentedAttribute[str], str | None] = {AnalyticsRow.night: night, AnalyticsRow.survey: survey}
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    return await read_page(connection, statement, (AnalyticsRow.key,), ask)


def _columns(row: type[Row], *, but: Sequence[str] = ()) -> Statement:
    return select(*(column for column in row.__table__.columns if column.name not in but))
