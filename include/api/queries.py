"""Parameters that several lists have in common.

They are read by coroutines: FastAPI would send a plain function to a thread, which costs more than what it does.
"""

from typing import Annotated

from fastapi import Depends, Query

from astrid_core.adapters.db.reading.detections import DetectionFilter
from astrid_core.detection.entities import Kind
from astrid_core.shared.sky import Region, SkyCell, SkyPosition
from include.api.problems import Refused

Text = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Night = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Score = Annotated[float | None, Query(ge=0.0, le=1.0, allow_inf_nan=False)]
Degrees = Annotated[float | None, Query(ge=0.0, lt=360.0, allow_inf_nan=False)]
Declination = Annotated[float | None, Query(ge=-90.0, le=90.0, allow_inf_nan=False)]
Radius = Annotated[float | None, Query(ge=1e-6, le=648_000.0, allow_inf_nan=False)]


async def cell_of(
    cell: Annotated[str | None, Query(pattern=r"^[0-9]{1,2}/[0-9]{1,19}$", description="order/number, NESTED")] = None,
) -> SkyCell | None:
    """Return the cell that a request asks for."""
    if cell is None:
        return None
    try:
        return SkyCell.parse(cell)
    except ValueError as error:
        raise Refused(422, str(error)) from error


async def region_of(
    ra_deg: Degrees = None,
    dec_deg: Declination = None,
    radius_arcsec: Radius = None,
    region: Annotated[
        str | None,
        Query(
            max_length=5000,
            pattern=r"^[^\x00]*$",
            description="cone(10.68,41.27,0.5deg), polygon(10 41, 11 41, 11 42), cells(6/123,6/124) or "
            "moc(6/123-130 7/45); a polygon has great circles as edges and is the smaller part of the sky.",
        ),
    ] = None,
) -> Region | None:
    """Return the part of the sky that a request asks for: a cone by three numbers, or a region by its text."""
    if region is not None:
        if (ra_deg, dec_deg, radius_arcsec) != (None, None, None):
            raise Refused(422, "give a cone or a region, not both")
        try:
            return Region.parse(region)
        except ValueError as error:
            raise Refused(422, str(error)[:500]) from error
    if (ra_deg, dec_deg, radius_arcsec) == (None, None, None):
        return None
    if ra_deg is None or dec_deg is None or radius_arcsec is None:
        raise Refused(422, "a cone needs ra_deg, dec_deg and radius_arcsec")
    return Region.cone(SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg), radius_deg=radius_arcsec / 3600.0)


async def detections_of(  # noqa: PLR0913 - each is a parameter of the request
    *,
    cell: Annotated[SkyCell | None, Depends(cell_of)],
    region: Annotated[Region | None, Depends(region_of)],
    night: Night = None,
    survey: Text = None,
    band: Text = None,
    kind: Kind | None = None,
    observation: Text = None,
    run: Text = None,
    min_score: Score = None,
    max_score: Score = None,
) -> DetectionFilter:
    """Return which detections a request asks for."""
    return DetectionFilter(
        night=night,
        survey=survey,
        band=band,
        kind=kind,
        observation=observation,
        run=run,
        cell=cell,
        min_score=min_score,
        max_score=max_score,
        region=region,
    )
