"""Surveys, observations and what of the sky a night has seen."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from astrid_core.adapters.db.reading.observations import (
    ObservationFilter,
    Progress,
    count_observations,
    exposures_of,
    find_observation,
    list_nights,
    list_observations,
)
from astrid_core.adapters.db.reading.pages import Ask, Facts
from astrid_core.shared.sky import OPERATIONS_ORDER, Region, SkyCell, SkyPosition
from include.api.context import Context, context_of
from include.api.etags import tagged
from include.api.identity import Reader
from include.api.paging import Listed, asked, listed
from include.api.queries import Night, Text, cell_of, region_of
from include.api.sky_shapes import CellShape, CoverageShape, ExposureShape, NightShape, ObservationShape, SurveyShape

router = APIRouter(tags=["observations"])
_FINEST = 10


@router.get("/surveys")
async def surveys(_: Reader, context: Annotated[Context, Depends(context_of)]) -> Listed[SurveyShape]:
    """List the surveys that are configured or have observations."""
    async with context.reading.reading() as connection:
        n_observations = await count_observations(connection)
    known = {name: client.survey for name, client in context.services.surveys.items()}
    items = [
        SurveyShape(
            name=name,
            description=known[name].description if name in known else "",
            calibrated=known[name].calibrated if name in known else None,
            n_observations=n_observations.get(name, 0),
        )
        for name in sorted({*known, *n_observations})
    ]
    return Listed(items=items, next=None)


@router.get("/observations")
async def observations(  # noqa: PLR0913 - each is a parameter of the request
    *,
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    cell: Annotated[SkyCell | None, Depends(cell_of)],
    region: Annotated[Region | None, Depends(region_of)],
    night: Night = None,
    survey: Text = None,
    band: Text = None,
    status: Progress | None = None,
) -> Listed[ObservationShape]:
    """List observations by id."""
    wanted = ObservationFilter(night=night, survey=survey, band=band, status=status, cell=cell, region=region)
    async with context.reading.reading() as connection:
        return listed(await list_observations(connection, wanted, ask), ObservationShape)


@router.get("/observations/{observation_id:path}", response_model=ObservationShape)
async def observation(
    _: Reader,
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    observation_id: Annotated[str, Path(max_length=500, pattern=r"^[^\x00]+$")],
) -> Response:
    """Show one observation."""
    async with context.reading.reading() as connection:
        return tagged(request, ObservationShape(**await find_observation(connection, observation_id)))


@router.get("/nights")
async def nights(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    survey: Text = None,
) -> Listed[NightShape]:
    """List nights, newest first."""
    async with context.reading.reading() as connection:
        return listed(await list_nights(connection, ask, survey=survey), NightShape)


@router.get("/nights/{night}")
async def night(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    night: Annotated[str, Path(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")],
    survey: Text = None,
    order: Annotated[int, Query(ge=0, le=_FINEST, description="Of the HEALPix cells.")] = OPERATIONS_ORDER,
) -> CoverageShape:
    """Show what of the sky a night has seen, by exposure and by cell; of exposures that were processed with depth."""
    async with context.reading.reading() as connection:
        found = await exposures_of(connection, night, survey=survey)
    return CoverageShape(
        night=night, cell_order=order, cells=_cells(found, order), exposures=[ExposureShape(**one) for one in found]
    )


def _cells(exposures: Sequence[Facts], order: int) -> list[CellShape]:
    touching: dict[SkyCell, list[Facts]] = defaultdict(list)
    for one in exposures:
        middle = SkyPosition(ra_deg=one["ra_deg"], dec_deg=one["dec_deg"])
        for cell in Region.cone(middle, radius_deg=max(one["radius_deg"], 1e-4)).cells(order):
            touching[cell].append(one)
    shapes = []
    for cell, group in sorted(touching.items()):
        depths = [one["depth_mag"] for one in group if one["depth_mag"] is not None]
        centre = cell.centre
        shapes.append(
            CellShape(
                cell=str(cell),
                ra_deg=centre.ra_deg,
                dec_deg=centre.dec_deg,
                n_observations=len(group),
                depth_mag=max(depths) if depths else None,
            )
        )
    return shapes
