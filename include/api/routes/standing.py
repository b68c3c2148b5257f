"""Where a survey stands under today's settings, as ``astrid status`` tells it."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from astrid_core.detection.config import MODEL_NAME
from astrid_core.shared.errors import UnknownModel
from astrid_core.shared.sky import Region
from astrid_core.stages.standing import Standing, SurveyStanding, standing_facts, survey_standing
from include.api.context import Context, context_of
from include.api.identity import Reader
from include.api.problems import Refused
from include.api.queries import Night, region_of

router = APIRouter(tags=["observations"])
MOST_EXPOSURES = 2_000
"""That one request looks at: each costs some queries. The shell tells of all."""


class CountShape(BaseModel):
    """How many exposures stand alike, and why: empty where there is nothing to say."""

    standing: Standing
    reason: str
    n: int


class ToDoShape(BaseModel):
    """An exposure with something to do."""

    observation: str
    night: str
    standing: Standing
    start: str
    """The first step that is to be done."""
    reason: str


class StandingShape(BaseModel):
    """What of a survey is done, missing, out of date or set aside, and what it costs to bring all up to date."""

    survey: str
    n_exposures: int
    counts: list[CountShape]
    steps: dict[str, int]
    """How often each step is to be done."""
    typical_s: dict[str, float | None]
    """Seconds that each step has cost so far, median; null where it was never done."""
    cost_s: float | None
    """Seconds of computing to bring all up to date; null where a step that is needed was never done."""
    to_do: list[ToDoShape]


@router.get("/status")
async def status(
    _: Reader,
    context: Annotated[Context, Depends(context_of)],
    region: Annotated[Region | None, Depends(region_of)],
    survey: Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$")],
    night: Night = None,
) -> StandingShape:
    """Tell where a survey stands under today's settings, references, masters and network; nothing is computed.

    More than 2000 exposures at once are refused: name a night or a region.
    """
    found = await to_thread.run_sync(partial(_look_up, context, survey, night, region))
    facts = standing_facts(found)
    facts["to_do"] = [{**one, "start": one.pop("from")} for one in facts["to_do"]]
    return StandingShape(survey=survey, **facts)


def _look_up(context: Context, survey: str, night: str | None, region: Region | None) -> SurveyStanding:
    services = context.services
    if survey not in services.surveys:
        raise Refused(404, "no such survey is configured")
    try:
        model = services.models.champion(MODEL_NAME)
    except UnknownModel as error:
        raise Refused(409, "no network is in use yet") from error
    return survey_standing(
        services, context.pipeline.recipe(model), survey=survey, nights=[night] if night else None, region=region,
        most=MOST_EXPOSURES,
    )  # fmt: skip
