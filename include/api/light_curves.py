"""What the API tells of the brightness of an object in every exposure that covers it."""

from dataclasses import asdict
from functools import partial
from uuid import UUID

from anyio import to_thread
from pydantic import BaseModel

from astrid_core.catalog.entities import Unmeasured
from astrid_core.stages.light_curves import read_light_curve
from include.api.context import Context


class BrightnessShape(BaseModel):
    """What one exposure shows at the place of an object; null where it was not measured or has no zero point."""

    observation_id: str
    difference_key: str
    reference_digest: str
    band: str
    mid_mjd: float
    zero_point_mag: float | None
    flux: float | None
    """Of the difference, counts."""
    flux_err: float | None
    flux_njy: float | None
    flux_err_njy: float | None
    mag_ab: float | None
    """AB, of the absolute value of the flux."""
    mag_err: float | None
    limit_mag_ab: float | None
    """The object was fainter than this; null where it has a magnitude."""
    reference_flux_njy: float | None
    """Of the object in the reference."""
    reference_flux_err_njy: float | None
    total_flux_njy: float | None
    """Difference and reference: comparable, whatever was subtracted."""
    total_flux_err_njy: float | None
    total_mag_ab: float | None
    total_mag_err: float | None
    masked_fraction: float
    unmeasured: Unmeasured | None
    """Why there is no flux."""
    flags: int


class ForcedCurveShape(BaseModel):
    """The brightness of an object in every exposure that covers it, oldest first."""

    entry_id: UUID
    """The successor where the object that was asked for is withdrawn."""
    limit_sigma: float
    points: list[BrightnessShape]


async def forced_curve(context: Context, entry_id: UUID) -> ForcedCurveShape:
    """Read a light curve beside the loop; raise UnknownRecord."""
    ask = partial(read_light_curve, context.services, entry_id, context.pipeline.forced)
    curve = await to_thread.run_sync(ask)
    points = [BrightnessShape(**asdict(point)) for point in curve.points]
    return ForcedCurveShape(entry_id=curve.entry.id, limit_sigma=curve.limit_sigma, points=points)
