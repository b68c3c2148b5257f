"""Observations, how far each has come, and what of the sky a night has seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from astrid_core.adapters.db.reading.pages import Ask, Facts, Page, Statement, plain, read_page
from astrid_core.adapters.db.reading.places import inside, near
from astrid_core.adapters.db.rows.detection import DetectionRow, ModelRunRow
from astrid_core.adapters.db.rows.differencing import DifferenceRunRow
from astrid_core.adapters.db.rows.lifecycle import QuarantineRow
from astrid_core.adapters.db.rows.observations import ObservationRow
from astrid_core.adapters.db.rows.preprocessing import PreprocessRunRow
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunStatus
from astrid_core.shared.sky import Region, SkyCell

_SUCCEEDED, _SKIPPED = RunStatus.SUCCEEDED.value, RunStatus.SKIPPED.value


class Progress(StrEnum):
    """How far an observation has come."""

    QUARANTINED = "quarantined"
    SEARCHED = "searched"
    SKIPPED = "skipped"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationFilter:
    """Which observations are wanted; None: all."""

    night: str | None = None
    survey: str | None = None
    band: str | None = None
    status: Progress | None = None
    cell: SkyCell | None = None
    region: Region | None = None


async def list_observations(connection: AsyncConnection, wanted: ObservationFilter, ask: Ask) -> Page:
    """Return observations by id; those of a cell or region have their middle in it."""
    statement = _observations()
    equal = {
        ObservationRow.night: wanted.night,
        ObservationRow.survey: wanted.survey,
        ObservationRow.band: wanted.band,
        _progress(): None if wanted.status is None else wanted.status.value,
    }
    for column, value in equal.items():
        if value:
            statement = statement.where(column == value)
    if wanted.cell is not None:
        first, behind = wanted.cell.hpx29_range
        statement = statement.where(ObservationRow.hpx29 >= first, ObservationRow.hpx29 < behind)
    region = wanted.region
    if region is not None:
        statement = statement.where(near(region, ObservationRow.hpx29))
    return await read_page(connection, statement, (ObservationRow.id,), ask, keep=inside(region))


async def find_observation(connection: AsyncConnection, observation_id: str) -> Facts:
    """Return one observation, or raise UnknownRecord."""
    found = (await connection.execute(_observations().where(ObservationRow.id == observation_id))).mappings().first()
    if found is None:
        raise UnknownRecord("no such observation", observation=observation_id)
    return plain(found)


async def list_nights(connection: AsyncConnection, ask: Ask, *, survey: str | None) -> Page:
    """Return nights of surveys, newest first, with what was seen and found in each."""
    found = (
        select(func.count())
        .select_from(DetectionRow)
        .join(ModelRunRow, ModelRunRow.key == DetectionRow.model_run)
        .join(_inner := ObservationRow.__table__.alias(), _inner.c.id == ModelRunRow.observation_id)
        .where(_inner.c.night == ObservationRow.night, _inner.c.survey == ObservationRow.survey)
        .correlate(ObservationRow)
        .scalar_subquery()
    )
    statement = select(
        ObservationRow.night,
        ObservationRow.survey,
        func.count().label("n_observations"),
        func.count(func.distinct(ObservationRow.band)).label("n_bands"),
        found.label("n_detections"),
    ).group_by(ObservationRow.night, ObservationRow.survey)
    if survey:
        statement = statement.where(ObservationRow.survey == survey)
    return await read_page(connection, statement, (ObservationRow.night, ObservationRow.survey), ask, falling=True)


async def exposures_of(connection: AsyncConnection, night: str, *, survey: str | None) -> Sequence[Facts]:
    """Return every exposure of a night with its depth: the map of what was seen."""
    depth = (
        select(func.max(PreprocessRunRow.quality_depth_mag))
        .where(PreprocessRunRow.observation_id == ObservationRow.id, PreprocessRunRow.status == _SUCCEEDED)
        .correlate(ObservationRow)
        .scalar_subquery()
    )
    statement = (
        select(
            ObservationRow.id,
            ObservationRow.survey,
            ObservationRow.band,
            ObservationRow.ra_deg,
            ObservationRow.dec_deg,
            ObservationRow.radius_deg,
            ObservationRow.mid_mjd,
            depth.label("depth_mag"),
            _progress().label("status"),
        )
        .where(ObservationRow.night == night)
        .order_by(ObservationRow.mid_mjd, ObservationRow.id)
    )
    if survey:
        statement = statement.where(ObservationRow.survey == survey)
    return [plain(row) for row in (await connection.execute(statement)).mappings()]


async def count_observations(connection: AsyncConnection) -> dict[str, int]:
    """Return how many observations each survey has."""
    statement = select(ObservationRow.survey, func.count()).group_by(ObservationRow.survey)
    return dict((await connection.execute(statement)).all())


def _observations() -> Statement:
    names = (
        "id", "survey", "archive_id", "night", "ra_deg", "dec_deg", "radius_deg", "band", "exposure_s", "mid_mjd",
        "instrument", "detector", "object_name", "width_pix", "height_pix", "pixel_scale_arcsec", "file_digest",
        "zero_point_mag",
    )  # fmt: skip
    return select(*(getattr(ObservationRow, name) for name in names), _progress().label("status"))


def _progress() -> ColumnElement[str]:
    set_aside = exists().where(
        QuarantineRow.survey == ObservationRow.survey,
        or_(
            QuarantineRow.archive_id == ObservationRow.archive_id,
            and_(QuarantineRow.archive_id == "", QuarantineRow.instrument == ObservationRow.instrument),
        ),
    )
    searched = exists().where(ModelRunRow.observation_id == ObservationRow.id, ModelRunRow.status == _SUCCEEDED)
    skipped = or_(
        *(
            exists().where(run.observation_id == ObservationRow.id, run.status == _SKIPPED)
            for run in (PreprocessRunRow, DifferenceRunRow, ModelRunRow)
        )
    )
    return case(
        (set_aside, literal(Progress.QUARANTINED.value)),
        (searched, literal(Progress.SEARCHED.value)),
        (skipped, literal(Progress.SKIPPED.value)),
        else_=literal(Progress.WAITING.value),
    )
