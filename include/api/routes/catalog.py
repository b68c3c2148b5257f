"""The catalog, and what leaves it: announcements, facts of nights and extracts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from astrid_core.adapters.db.reading.catalog import (
    find_entry,
    list_alerts,
    list_analytics,
    list_entries,
    list_exports,
    points_of,
)
from astrid_core.adapters.db.reading.pages import Ask
from astrid_core.alerts.entities import AlertState
from astrid_core.catalog.entities import EntryStatus
from astrid_core.shared.sky import Region
from include.api.context import Context, context_of
from include.api.etags import tagged
from include.api.identity import Reader
from include.api.paging import Listed, asked, listed
from include.api.queries import Night, Text, region_of
from include.api.shapes import AlertShape, AnalyticsShape, EntryShape, EntryWithPoints, ExportShape, PointShape

router = APIRouter(tags=["catalog"])


@router.get("/catalog")
async def entries(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    region: Annotated[Region | None, Depends(region_of)],
    status: EntryStatus | None = None,
) -> Listed[EntryShape]:
    """List objects; with a cone or region those in it, its edge included."""
    async with context.reading.reading() as connection:
        return listed(await list_entries(connection, ask, region=region, status=status), EntryShape)


@router.get("/catalog/{entry_id}", response_model=EntryWithPoints)
async def entry(
    _: Reader, request: Request, context: Annotated[Context, Depends(context_of)], entry_id: UUID
) -> Response:
    """Show one object with its light curve."""
    async with context.reading.reading() as connection:
        found = await find_entry(connection, entry_id)
        points = [PointShape(**one) for one in await points_of(connection, entry_id)]
    return tagged(request, EntryWithPoints(**found, points=points))


@router.get("/alerts")
async def alerts(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    channel: Text = None,
    state: AlertState | None = None,
    entry: UUID | None = None,
    batch: Text = None,
) -> Listed[AlertShape]:
    """List alerts by object, version and channel, and how far each is on its way."""
    async with context.reading.reading() as connection:
        page = await list_alerts(connection, ask, channel=channel, state=state, entry_id=entry, batch=batch)
        return listed(page, AlertShape)


@router.get("/exports")
async def exports(
    _: Reader, context: Annotated[Context, Depends(context_of)], ask: Annotated[Ask, Depends(asked)]
) -> Listed[ExportShape]:
    """List extracts; their files are artifacts."""
    async with context.reading.reading() as connection:
        return listed(await list_exports(connection, ask), ExportShape)


@router.get("/analytics")
async def analytics(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    night: Night = None,
    survey: Text = None,
) -> Listed[AnalyticsShape]:
    """List measured facts of nights."""
    async with context.reading.reading() as connection:
        return listed(await list_analytics(connection, ask, night=night, survey=survey), AnalyticsShape)
