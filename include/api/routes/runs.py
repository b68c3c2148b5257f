"""Runs of the stages, and the candidates of a difference."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends

from astrid_core.adapters.db.reading.pages import Ask
from astrid_core.adapters.db.reading.runs import list_candidates, list_runs
from include.api.context import Context, context_of
from include.api.identity import Reader
from include.api.paging import Listed, asked, listed
from include.api.queries import Text
from include.api.shapes import CandidateShape, RunShape

router = APIRouter(tags=["runs"])


@router.get("/runs")
async def runs(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    stage: Literal["preprocess", "difference", "detect", "inject"] | None = None,
    observation: Text = None,
) -> Listed[RunShape]:
    """List runs by key."""
    async with context.reading.reading() as connection:
        return listed(await list_runs(connection, ask, stage=stage, observation=observation), RunShape)


@router.get("/candidates")
async def candidates(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    run: Text = None,
) -> Listed[CandidateShape]:
    """List candidates, scored or not, by difference run and number."""
    async with context.reading.reading() as connection:
        return listed(await list_candidates(connection, ask, run=run), CandidateShape)
