"""Detections and what surrounds them."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from astrid_core.adapters.db.reading.catalog import entry_of, limits_at, list_entries, points_of
from astrid_core.adapters.db.reading.detections import DetectionFilter, find_detection, list_detections
from astrid_core.adapters.db.reading.pages import Ask, Facts
from astrid_core.curation.access import Permission, Principal
from astrid_core.shared.errors import AstridError
from astrid_core.shared.sky import Region, SkyPosition
from include.api.context import Context, context_of
from include.api.etags import tagged
from include.api.identity import Reader
from include.api.light_curves import BrightnessShape, forced_curve
from include.api.neighbours import HistoryShape, NeighbourShape, NeighboursShape
from include.api.paging import Listed, asked, listed
from include.api.queries import detections_of
from include.api.shapes import DetectionShape, LightCurveShape, LimitShape, Opinion, PointShape, Provenance
from include.api.surroundings import apart, bodies_near, known_near, stars_near

router = APIRouter(tags=["detections"])
DetectionId = Annotated[str, Path(max_length=300, pattern=r"^[^\x00/]+$")]
_MOST_NEIGHBOURS = 200
_OWN = tuple(DetectionShape.model_fields.keys() - {"opinion", "provenance"})
_OPINION = tuple(Opinion.model_fields)
_SOURCES = tuple(Provenance.model_fields.keys() - {"model", "model_digest"})


def detection_shape(*, is_blind: bool = False, model_digest: str | None = None, **facts: object) -> DetectionShape:
    """Return a detection as clients see it; in blind review without what the network says."""
    return DetectionShape.model_validate(
        {
            **{name: facts[name] for name in _OWN},
            "opinion": None if is_blind else {name: facts[name] for name in _OPINION},
            "provenance": {
                **{name: facts[name] for name in _SOURCES},
                "model": None if is_blind else facts["model"],
                "model_digest": None if is_blind else model_digest,
            },
        }
    )


@router.get("/detections")
async def detections(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    wanted: Annotated[DetectionFilter, Depends(detections_of)],
) -> Listed[DetectionShape]:
    """List detections by model run and number."""
    async with context.reading.reading() as connection:
        return listed(await list_detections(connection, wanted, ask), detection_shape)


@router.get("/detections/{detection_id}", response_model=DetectionShape)
async def detection(
    _: Reader, request: Request, context: Annotated[Context, Depends(context_of)], detection_id: DetectionId
) -> Response:
    """Show one detection with the digest of everything it was made of."""
    async with context.reading.reading() as connection:
        facts = await find_detection(connection, detection_id)
    digest = await to_thread.run_sync(_model_digest, context, facts["model"])
    return tagged(request, detection_shape(model_digest=digest, **facts))


@router.get("/detections/{detection_id}/lightcurve")
async def lightcurve(
    person: Reader, context: Annotated[Context, Depends(context_of)], detection_id: DetectionId
) -> LightCurveShape:
    """Show what was measured at the place of a detection, and how faint it was where nothing was found."""
    async with context.reading.reading() as connection:
        facts = await find_detection(connection, detection_id)
        entry_id = await entry_of(connection, detection_id)
        points = [] if entry_id is None else await points_of(connection, entry_id)
        if not points:
            points = [_own_point(facts)]
        told = _told(person, entry_id, len(points))
        if told is None:
            # Not on record of a seed, so that they would tell it from a detection.
            points = [{**one, "position_err_arcsec": None, "zero_point_mag": None} for one in points]
        # Nothing is measured of a seed: without an object there must be nothing of it in the answer.
        forced = [] if told is None else (await forced_curve(context, told)).points
        position = _position(facts)
        found = {one["observation_id"] for one in points}
        seen = sorted(found | {one.observation_id for one in forced if one.unmeasured is None})
        depths = [] if position is None else await limits_at(connection, position, seen=seen)
    limits = [LimitShape(**one, is_forced=False) for one in depths]
    limits += [_limit(one, one.limit_mag_ab) for one in forced if one.observation_id not in found and one.limit_mag_ab]
    return LightCurveShape(
        entry_id=told,
        points=[PointShape(**one) for one in points],
        limits=sorted(limits, key=lambda one: (one.mid_mjd, one.observation_id)),
        forced=forced,
    )


@router.get("/detections/{detection_id}/neighbours")
async def neighbours(
    person: Reader,
    context: Annotated[Context, Depends(context_of)],
    detection_id: DetectionId,
    radius_arcsec: Annotated[float, Query(ge=1e-6, le=600.0, allow_inf_nan=False)] = 60.0,
) -> NeighboursShape:
    """Show when else its object was detected, and what else is near, here and in the catalogs of others."""
    async with context.reading.reading() as connection:
        facts = await find_detection(connection, detection_id)
        position = _position(facts)
        if position is None:
            return NeighboursShape(
                ra_deg=None,
                dec_deg=None,
                entry_id=None,
                history=[],
                objects=[],
                detections=[],
                stars=[],
                stars_from=None,
                known=[],
                known_from=[],
                minor_planets=[],
                minor_planets_from=None,
            )
        entry_id = await entry_of(connection, detection_id)
        points = [] if entry_id is None else await points_of(connection, entry_id)
        region = Region.cone(position, radius_deg=radius_arcsec / 3600.0)
        ask = Ask(limit=_MOST_NEIGHBOURS)
        objects = (await list_entries(connection, ask, region=region)).items
        others = (await list_detections(connection, DetectionFilter(region=region), ask)).items
    services, mjd, survey = context.services, facts["mid_mjd"], facts["observation_id"].partition(":")[0]
    stars = await to_thread.run_sync(stars_near, services, region, position, mjd)
    known = await to_thread.run_sync(known_near, services, region, position, mjd)
    look = partial(bodies_near, survey=survey, config=context.pipeline.context)
    bodies = await to_thread.run_sync(look, services, region, position, mjd)
    own = {one["detection_id"] for one in points} | {detection_id}
    return NeighboursShape(
        ra_deg=position.ra_deg,
        dec_deg=position.dec_deg,
        entry_id=_told(person, entry_id, len(points)),
        history=[
            HistoryShape(**one, separation_arcsec=apart(position, one))
            for one in points
            if one["detection_id"] != detection_id
        ],
        objects=_near(position, [one for one in objects if one["id"] != entry_id], "status"),
        detections=_near(position, [one for one in others if one["id"] not in own], "night"),
        stars=stars,
        stars_from=None if services.stars is None else services.stars.name,
        known=known,
        known_from=[one.name for one in services.known_sources],
        minor_planets=bodies,
        minor_planets_from=None if services.minor_planets is None else services.minor_planets.name,
    )


def _told(person: Principal, entry_id: UUID | None, n_points: int) -> UUID | None:
    """Return the object of a detection as far as somebody may know: a seed, which they may be judging, has none.

    So whoever judges is told only of an object that holds other detections, too.
    """
    return None if n_points <= 1 and Permission.JUDGE in person.permissions else entry_id


def _near(position: SkyPosition, found: Sequence[Facts], note: str) -> list[NeighbourShape]:
    shapes = [
        NeighbourShape(
            id=str(one["id"]),
            ra_deg=one["ra_deg"],
            dec_deg=one["dec_deg"],
            separation_arcsec=apart(position, one),
            note=str(one[note]),
        )
        for one in found
    ]
    return sorted(shapes, key=lambda one: (one.separation_arcsec, one.id))


def _position(facts: Facts) -> SkyPosition | None:
    if facts["ra_deg"] is None or facts["dec_deg"] is None:
        return None
    return SkyPosition(ra_deg=facts["ra_deg"], dec_deg=facts["dec_deg"])


def _limit(one: BrightnessShape, limit_mag: float) -> LimitShape:
    return LimitShape(
        observation_id=one.observation_id,
        band=one.band,
        mid_mjd=one.mid_mjd,
        limit_mag=limit_mag,
        reference_digest=one.reference_digest,
        is_forced=True,
    )


def _own_point(facts: Facts) -> Facts:
    names = ("observation_id", "ra_deg", "dec_deg", "band", "mid_mjd", "flux", "flux_err", "significance")
    return {
        **{name: facts[name] for name in names},
        "detection_id": facts["id"],
        "reference_digest": facts.get("owner_digest") or next(iter(facts["reference_digests"]), None),
        "position_err_arcsec": None,
        "zero_point_mag": None,
        "mag_ab": facts.get("mag_ab"),
        "mag_err": facts.get("mag_err"),
    }


def _model_digest(context: Context, model_id: str) -> str | None:
    """Return the digest of a version; None where the registry does not know it or cannot be asked now."""
    if model_id not in context.model_digests:
        try:
            context.model_digests[model_id] = context.services.models.get(model_id).digest
        except AstridError:
            return None
    return context.model_digests[model_id]
