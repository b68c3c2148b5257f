"""The catalog, and what leaves it: announcements, facts of nights and extracts."""

from dataclasses import asdict
from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response

from astrid_core.adapters.db.reading.catalog import (
    find_entry,
    list_alerts,
    list_analytics,
    list_entries,
    list_exports,
    points_of,
)
from astrid_core.adapters.db.reading.context import find_context
from astrid_core.adapters.db.reading.pages import Ask
from astrid_core.alerts.entities import AlertState
from astrid_core.catalog.context import ObjectClass
from astrid_core.catalog.entities import EntryStatus
from astrid_core.catalog.explain import explained
from astrid_core.shared.sky import Region, SkyPosition
from astrid_core.stages.explain import run_explain
from include.api.context import Context, context_of
from include.api.etags import tagged
from include.api.identity import Reader
from include.api.light_curves import ForcedCurveShape, forced_curve
from include.api.neighbours import ContextShape
from include.api.paging import Listed, asked, listed
from include.api.queries import Night, Text, region_of
from include.api.shapes import (
    AlertShape,
    AnalyticsShape,
    AnswerShape,
    EntryShape,
    EntryWithPoints,
    Explanation,
    ExportShape,
    PointShape,
)

router = APIRouter(tags=["catalog"])


@router.get("/catalog")
async def entries(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    region: Annotated[Region | None, Depends(region_of)],
    status: EntryStatus | None = None,
    object_class: Annotated[
        ObjectClass | None, Query(description="What it is taken for; nothing without a context has a class.")
    ] = None,
) -> Listed[EntryShape]:
    """List objects; with a cone or region those in it."""
    async with context.reading.reading() as connection:
        page = await list_entries(connection, ask, region=region, status=status, object_class=object_class)
        return listed(page, EntryShape)


@router.get("/explain")
async def explain(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ra_deg: Annotated[float, Query(ge=0.0, lt=360.0, allow_inf_nan=False)],
    dec_deg: Annotated[float, Query(ge=-90.0, le=90.0, allow_inf_nan=False)],
    mjd: Annotated[float | None, Query(ge=0.0, le=1e6, allow_inf_nan=False)] = None,
    days: Annotated[float, Query(gt=0.0, le=10_000.0, allow_inf_nan=False)] = 0.5,
    band: Text = None,
) -> Explanation:
    """Say why the catalog does, or does not, hold something at a place; with a time only exposures around it count."""
    ask = partial(
        run_explain,
        context.services,
        SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg),
        publish=context.pipeline.publish,
        difference=context.pipeline.difference,
        mjd=mjd,
        days=days,
        band=band or "",
    )
    answers = await to_thread.run_sync(ask)
    best = explained(answers)
    return Explanation(
        best=None if best is None else AnswerShape(**asdict(best)),
        answers=[AnswerShape(**asdict(answer)) for answer in answers],
    )


@router.get("/catalog/{entry_id}", response_model=EntryWithPoints)
async def entry(
    _: Reader, request: Request, context: Annotated[Context, Depends(context_of)], entry_id: UUID
) -> Response:
    """Show one object with its light curve."""
    async with context.reading.reading() as connection:
        found = await find_entry(connection, entry_id)
        points = [PointShape(**one) for one in await points_of(connection, entry_id)]
    return tagged(request, EntryWithPoints(**found, points=points))


@router.get("/catalog/{entry_id}/lightcurve")
async def lightcurve(_: Reader, context: Annotated[Context, Depends(context_of)], entry_id: UUID) -> ForcedCurveShape:
    """Show what was measured of an object in every exposure that covers it, found there or not, with upper limits."""
    return await forced_curve(context, entry_id)


@router.get("/catalog/{entry_id}/context")
async def entry_context(_: Reader, context: Annotated[Context, Depends(context_of)], entry_id: UUID) -> ContextShape:
    """Show what others know at the place of an object, and what it therefore is."""
    async with context.reading.reading() as connection:
        return ContextShape(**await find_context(connection, entry_id))


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
