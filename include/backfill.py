"""The work behind the tasks that bring many exposures to today's settings."""

from collections.abc import Sequence

import structlog

from astrid_core.bootstrap import load_pipeline
from astrid_core.settings import Settings
from astrid_core.shared.errors import Unprocessable
from astrid_core.stages.backfill import (
    Backfill,
    commit_backfill,
    compare_backfill,
    comparison_lines,
    measure_exchanged,
    nights_in_range,
    plan_backfill,
)
from astrid_core.stages.exchange_report import draw_exchange, page_of
from astrid_core.stages.remeasure import Remeasured
from astrid_core.stages.services import Services
from astrid_core.stages.standing import standing_lines, survey_standing
from include.answers import Answer, person_of
from include.messages import START_IT, Batch, Estimate, Request
from include.report_links import artifact_link
from include.request import pin_request, read_night, read_region, recipe_of
from include.search import gather

log = structlog.get_logger(__name__)

_MOST_LINES = 200
"""Of a comparison that is shown; `astrid backfill shadow` prints all."""


def pin_backfill(services: Services, *, survey: str, first_night: str, last_night: str, region: str | None) -> Request:
    """Return the request for all nights of the survey in the range; Unprocessable where there are none."""
    first, last = read_night(first_night).isoformat(), read_night(last_night).isoformat()
    nights = nights_in_range(services, survey, first=first, last=last)
    if not nights:
        raise Unprocessable("no exposure of these nights is recorded", survey=survey, first=first, last=last)
    return pin_request(services, nights=nights, survey=survey, region=region, force=False)


def estimate(services: Services, request: Request) -> Estimate:
    """Return what is to do, in words, and what it costs, as far as anybody knows."""
    (survey,) = request["surveys"]
    recipe, region = recipe_of(request, load_pipeline()), read_region(request["region"])
    standing = survey_standing(services, recipe, survey=survey, nights=request["nights"], region=region)
    cost_s = standing.cost_s
    text = "\n".join(f"    {line}" for line in standing_lines(standing))
    return Estimate(text=text, hours=None if cost_s is None else cost_s / 3600.0)


def require_dear(estimated: Estimate, *, max_hours: float) -> Estimate:
    """Return an estimate that a person must see; Unprocessable where it is cheap enough to begin at once."""
    if estimated["hours"] is not None and estimated["hours"] <= max_hours:
        raise Unprocessable("cheap enough to begin at once", hours=estimated["hours"], allowed=max_hours)
    return estimated


def require_start(request: Request, mode: str, answer: Answer | None) -> Request:
    """Return the request that is to be done now.

    Unprocessable where only the plan was asked for, or a person was asked and did not say so.
    """
    _require_wanted(mode, answer)
    return request


def tally(
    services: Services,
    request: Request | None,
    planned: Sequence[Batch] | None,
    *,
    mode: str,
    estimated: Estimate | None,
    answer: Answer | None,
    max_failed: float,
) -> dict[str, int]:
    """Count what came of all batches; see ``gather``. Unprocessable where it was meant that nothing begins."""
    if estimated is not None:
        _require_wanted(mode, answer)
    return gather(services, request, planned, max_failed=max_failed)


def _require_wanted(mode: str, answer: Answer | None) -> None:
    if mode == "dry":
        raise Unprocessable("only the plan was asked for")
    if answer is not None and answer["chosen_options"] != [START_IT]:
        raise Unprocessable("nobody wants it to begin", answered_by=person_of(answer) or "nobody")


def compare(services: Services, request: Request) -> list[str]:
    """Return what an exchange would change, as lines for people; the second one leads to pictures."""
    planned = _planned(services, request)
    found = compare_backfill(services, planned, load_pipeline().publish)
    return _with_page(services, planned, found, _told(found), is_done=False)


def exchange(services: Services, request: Request, mode: str) -> list[str]:
    """Exchange what the exposures measured, cell by cell; Unprocessable where that was not asked for."""
    if mode != "commit":
        raise Unprocessable("the catalog stays as it is", mode=mode)
    planned, pipeline = _planned(services, request), load_pipeline()
    done = commit_backfill(
        services, planned, pipeline.publish, progress=lambda line: log.info("backfill.cell", told=line)
    )
    # Told first: whatever fails from here on, trying again finds nothing left to exchange.
    lines = _told(done)
    measure_exchanged(services, planned, pipeline.forced)
    return _with_page(services, planned, done, lines, is_done=True)


def _planned(services: Services, request: Request) -> Backfill:
    (survey,) = request["surveys"]
    recipe, region = recipe_of(request, load_pipeline()), read_region(request["region"])
    return plan_backfill(services, recipe, survey=survey, nights=request["nights"], region=region)


def _told(found: Remeasured) -> list[str]:
    lines = [*comparison_lines(found)]
    for line in lines:
        log.info("backfill.compared", told=line)
    return lines


def _with_page(
    services: Services, planned: Backfill, found: Remeasured, lines: Sequence[str], *, is_done: bool
) -> list[str]:
    page = page_of(Settings().home, planned)
    drawn = draw_exchange(services, planned, found, is_done=is_done, out=page)
    link = artifact_link(drawn.digest)
    leads_to = f"with pictures: {page}"
    log.info("backfill.drawn", page=str(page), digest=drawn.digest)
    return [lines[0], f"{leads_to}, or {link}" if link else leads_to, *lines[1 : _MOST_LINES - 1]]
