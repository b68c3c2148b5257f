"""Runs of every stage, and the candidates of a difference."""

from sqlalchemy import String, cast, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from astrid_core.adapters.db.reading.pages import Ask, Page, Statement, read_page
from astrid_core.adapters.db.rows.detection import InjectionRunRow, ModelRunRow
from astrid_core.adapters.db.rows.differencing import CandidateRow, DifferenceRunRow
from astrid_core.adapters.db.rows.preprocessing import PreprocessRunRow

STAGES = {
    "preprocess": PreprocessRunRow,
    "difference": DifferenceRunRow,
    "detect": ModelRunRow,
    "inject": InjectionRunRow,
}
"""Stages whose runs are recorded, by name."""


async def list_runs(connection: AsyncConnection, ask: Ask, *, stage: str | None, observation: str | None) -> Page:
    """Return runs by key; of all stages, or of one in ``STAGES``."""
    of_stages: list[Statement] = []
    for name, row in STAGES.items():
        if stage in (None, name):
            of = row.__table__.c
            one = select(of.key, literal(name).label("stage"), of.status, of.reason, of.observation_id, of.elapsed_s)
            of_stages.append(one if observation is None else one.where(of.observation_id == observation))
    runs = union_all(*of_stages).subquery()
    return await read_page(connection, select(*runs.c), (runs.c.key,), ask)


async def list_candidates(connection: AsyncConnection, ask: Ask, *, run: str | None) -> Page:
    """Return candidates by difference run and number; of all runs, or of one."""
    statement = select(
        (CandidateRow.run + ":" + cast(CandidateRow.number, String)).label("id"),
        CandidateRow.run,
        CandidateRow.number,
        CandidateRow.ra_deg,
        CandidateRow.dec_deg,
        CandidateRow.x_pix,
        CandidateRow.y_pix,
        CandidateRow.score.label("significance"),
        CandidateRow.flux,
        CandidateRow.flux_err,
        CandidateRow.chi2,
        CandidateRow.fwhm_pix,
        CandidateRow.ellipticity,
        CandidateRow.flags,
    )
    if run is not None:
        statement = statement.where(CandidateRow.run == run)
    return await read_page(connection, statement, (CandidateRow.run, CandidateRow.number), ask)
