"""Detections with all that is known of where they come from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, and_, bindparam, cast, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from astrid_core.adapters.db.reading.pages import Ask, Facts, Page, Statement, plain, read_page
from astrid_core.adapters.db.reading.places import inside, near
from astrid_core.adapters.db.rows.detection import DetectionRow, ModelRunRow
from astrid_core.adapters.db.rows.differencing import CandidateRow, DifferenceRunRow, NeighbourReferenceRow
from astrid_core.adapters.db.rows.injected import InjectedSeedRow
from astrid_core.adapters.db.rows.observations import ObservationRow
from astrid_core.adapters.db.rows.preprocessing import PreprocessRunRow
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.images import MaskPlane
from astrid_core.shared.sky import Region, SkyCell

_LARGEST = 2**63
_BATCH = 200
"""Keys in one statement."""
_PLANES = tuple((plane.name, int(plane)) for plane in MaskPlane)
_MEASURED = (
    "ra_deg", "dec_deg", "x_pix", "y_pix", "x_err_pix", "y_err_pix", "significance", "flux", "flux_err", "chi2",
    "fwhm_pix", "ellipticity", "flags",
)  # fmt: skip
_RUNS = (
    ModelRunRow.model,
    ModelRunRow.observation_id,
    ObservationRow.survey,
    ObservationRow.night,
    ObservationRow.band,
    ObservationRow.instrument,
    ObservationRow.mid_mjd,
    ObservationRow.exposure_s,
    ObservationRow.pixel_scale_arcsec,
    DifferenceRunRow.preprocess_key,
    DifferenceRunRow.reference_digest,
    DifferenceRunRow.image_digest.label("difference_digest"),
    DifferenceRunRow.quality_level,
    PreprocessRunRow.raw_digest,
    PreprocessRunRow.image_digest.label("science_digest"),
)
"""What the runs and the exposure behind a detection tell of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFilter:
    """Which detections are wanted; None and empty: all."""

    night: str | None = None
    survey: str | None = None
    band: str | None = None
    kind: str | None = None
    observation: str | None = None
    run: str | None = None
    """Model run."""
    cell: SkyCell | None = None
    min_score: float | None = None
    max_score: float | None = None
    region: Region | None = None


async def list_detections(connection: AsyncConnection, wanted: DetectionFilter, ask: Ask) -> Page:
    """Return detections by model run and number."""
    region = wanted.region
    page = await read_page(
        connection,
        filtered(every_detection(), wanted),
        (DetectionRow.model_run, DetectionRow.number),
        ask,
        keep=inside(region),
    )
    return Page(items=await complete(connection, page.items), next=page.next)


async def find_detection(connection: AsyncConnection, detection_id: str) -> Facts:
    """Return one detection, or raise UnknownRecord."""
    found = await find_detections(connection, [detection_id])
    if not found:
        raise UnknownRecord("no such detection", detection=detection_id)
    return found[0]


async def find_detections(connection: AsyncConnection, detection_ids: Sequence[str]) -> Sequence[Facts]:
    """Return those that exist, in the order in which they are named."""
    keys = []
    for one in dict.fromkeys(detection_ids):
        run, _, number = one.rpartition(":")
        if number.isdecimal() and number.isascii() and int(number) < _LARGEST:
            keys.append((run, int(number)))
    rows: dict[str, Facts] = {}
    for start in range(0, len(keys), _BATCH):
        found = await connection.execute(_BY_KEY, {"keys": keys[start : start + _BATCH]})
        rows |= {row["id"]: plain(row) for row in found.mappings()}
    # What is asked for by name may be a seed: in no list of detections, and not to be told from one.
    others = [one for one in dict.fromkeys(detection_ids) if one not in rows]
    for start in range(0, len(others), _BATCH):
        found = await connection.execute(_INJECTED_BY_ID, {"ids": others[start : start + _BATCH]})
        rows |= {row["id"]: plain(row) for row in found.mappings()}
    return await complete(connection, [rows[one] for one in dict.fromkeys(detection_ids) if one in rows])


def every_detection() -> Statement:
    """Return the statement that all others narrow."""
    of_candidate = and_(CandidateRow.run == DetectionRow.difference_key, CandidateRow.number == DetectionRow.number)
    return (
        select(
            (DetectionRow.model_run + ":" + cast(DetectionRow.number, String)).label("id"),
            DetectionRow.model_run,
            DetectionRow.number,
            DetectionRow.difference_key,
            DetectionRow.score,
            DetectionRow.unscored_reason,
            DetectionRow.uncertainty,
            DetectionRow.anomaly,
            DetectionRow.kind,
            CandidateRow.ra_deg,
            CandidateRow.dec_deg,
            CandidateRow.x_pix,
            CandidateRow.y_pix,
            CandidateRow.x_err_pix,
            CandidateRow.y_err_pix,
            CandidateRow.score.label("significance"),
            CandidateRow.flux,
            CandidateRow.flux_err,
            CandidateRow.chi2,
            CandidateRow.fwhm_pix,
            CandidateRow.ellipticity,
            CandidateRow.flags,
            *_RUNS,
        )
        .join(ModelRunRow, ModelRunRow.key == DetectionRow.model_run)
        .join(CandidateRow, of_candidate)
        .join(ObservationRow, ObservationRow.id == ModelRunRow.observation_id)
        .join(DifferenceRunRow, DifferenceRunRow.key == DetectionRow.difference_key)
        .join(PreprocessRunRow, PreprocessRunRow.key == DifferenceRunRow.preprocess_key)
    )


def every_injected_seed() -> Statement:
    """Return injected sources with the columns of ``every_detection``, and what only they have."""
    row = InjectedSeedRow
    own = ("model_run", "number", "difference_key", "score", "uncertainty", "anomaly", "kind", *_MEASURED)
    return (
        select(
            row.detection_id.label("id"),
            literal("").label("unscored_reason"),
            *(getattr(row, name) for name in own),
            *_RUNS,
            row.mag_ab,
            row.mag_err,
            row.reference_digest.label("owner_digest"),
            row.light_digest,
        )
        .join(ModelRunRow, ModelRunRow.key == row.model_run)
        .join(ObservationRow, ObservationRow.id == row.observation_id)
        .join(DifferenceRunRow, DifferenceRunRow.key == row.difference_key)
        .join(PreprocessRunRow, PreprocessRunRow.key == DifferenceRunRow.preprocess_key)
    )


def filtered(statement: Statement, wanted: DetectionFilter) -> Statement:
    """Narrow ``every_detection`` to what is wanted, but for the last step of a region."""
    equal: Mapping[Any, str | None] = {
        ObservationRow.night: wanted.night,
        ObservationRow.survey: wanted.survey,
        ObservationRow.band: wanted.band,
        ObservationRow.id: wanted.observation,
        DetectionRow.model_run: wanted.run,
        DetectionRow.kind: wanted.kind,
    }
    for column, value in equal.items():
        if value:
            statement = statement.where(column == value)
    if wanted.cell is not None:
        first, behind = wanted.cell.hpx29_range
        statement = statement.where(CandidateRow.hpx29 >= first, CandidateRow.hpx29 < behind)
    if wanted.min_score is not None:
        statement = statement.where(DetectionRow.score >= wanted.min_score)
    if wanted.max_score is not None:
        statement = statement.where(DetectionRow.score <= wanted.max_score)
    if wanted.region is not None:
        statement = statement.where(near(wanted.region, CandidateRow.hpx29))
    return statement


async def complete(connection: AsyncConnection, found: Sequence[Facts]) -> list[Facts]:
    """Add the references beside that of the middle, and the names of the flags."""
    runs = sorted({one["difference_key"] for one in found})
    beside: dict[str, list[str]] = defaultdict(list)
    if runs:
        for run, digest in await connection.execute(_BESIDE, {"runs": runs}):
            beside[run].append(digest)
    completed: list[Facts] = []
    for one in found:
        facts = dict(one)
        middle = facts.pop("reference_digest")
        facts["reference_digests"] = [middle, *beside[one["difference_key"]]] if middle else []
        facts["flag_names"] = [name for name, bit in _PLANES if bit & one["flags"]]
        completed.append(facts)
    return completed


# Made once: what a statement is made of takes longer than what it asks for.
_BY_KEY = every_detection().where(
    tuple_(DetectionRow.model_run, DetectionRow.number).in_(bindparam("keys", expanding=True))
)
_INJECTED_BY_ID = every_injected_seed().where(InjectedSeedRow.detection_id.in_(bindparam("ids", expanding=True)))
_BESIDE = (
    select(NeighbourReferenceRow.run, NeighbourReferenceRow.reference_digest)
    .where(NeighbourReferenceRow.run.in_(bindparam("runs", expanding=True)))
    .order_by(NeighbourReferenceRow.run, NeighbourReferenceRow.number)
)
