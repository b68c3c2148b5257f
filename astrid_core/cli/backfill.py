"""``astrid backfill``: bring many exposures to today's settings, and see what changes before it counts."""

import argparse
import sys
from pathlib import Path
from typing import Any

MODES = ("plan", "shadow", "commit")


def add_commands(choose: Any) -> None:
    """Add the command."""
    text = "search exposures of a region anew under today's settings, and see what changes before it counts"
    parser = choose.add_parser(
        "backfill",
        help=text,
        description=f"{text}. plan: what is to do and what it costs. shadow: search, and compare with the catalog, "
        "which stays as it is. commit: search, and exchange what the exposures measured, each cell of the sky at once; "
        "objects keep their names, and whoever was told is told what was wrong.",
        allow_abbrev=False,
    )
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--survey", required=True, metavar="NAME")
    parser.add_argument("--first-night", required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--last-night", required=True, metavar="YYYY-MM-DD")
    parser.add_argument("--region", metavar="REGION", help="exposures with their centre there")
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        help="where the comparison with pictures is written; a file in results/ else",
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Plan, search, compare and exchange, as far as was asked for."""
    from astrid_core.adapters.sky_maps.open import read_region
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.detection.config import MODEL_NAME
    from astrid_core.settings import Settings
    from astrid_core.stages.backfill import (
        commit_backfill,
        compare_backfill,
        comparison_lines,
        measure_exchanged,
        nights_in_range,
        plan_backfill,
    )
    from astrid_core.stages.exchange_report import draw_exchange, page_of
    from astrid_core.stages.ingest import survey_client
    from astrid_core.stages.standing import standing_lines, survey_standing

    region = read_region(arguments.region) if arguments.region else None
    survey = arguments.survey
    migrate_database()
    with open_services() as services:
        survey_client(services, survey)
        pipeline = load_pipeline()
        recipe = pipeline.recipe(services.models.champion(MODEL_NAME))
        nights = nights_in_range(services, survey, first=arguments.first_night, last=arguments.last_night)
        standing = survey_standing(services, recipe, survey=survey, nights=nights, region=region)
        print(f"{len(nights)} nights", *standing_lines(standing), sep="\n")
        if arguments.mode == "plan":
            return 0
        planned = plan_backfill(services, recipe, survey=survey, nights=nights, region=region)
        _search(services, recipe, planned.pending)
        planned = plan_backfill(services, recipe, survey=survey, nights=nights, region=region)
        is_done = arguments.mode == "commit"
        if is_done:
            found = commit_backfill(services, planned, pipeline.publish, progress=_tell)
        else:
            found = compare_backfill(services, planned, pipeline.publish)
        print(*comparison_lines(found), sep="\n", flush=True)
        if is_done:
            measure_exchanged(services, planned, pipeline.forced)
        page = arguments.page or page_of(Settings().home, planned)
        draw_exchange(services, planned, found, is_done=is_done, out=page)
        print(f"with pictures: {page}")
    return 0


def _search(services: Any, recipe: Any, pending: Any) -> None:
    """Search exposure after exposure; one that cannot be used or fails is told, and costs no other."""
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.batch import run_each
    from astrid_core.stages.detect import run_detect
    from astrid_core.stages.difference import run_difference
    from astrid_core.stages.preprocess import run_preprocess

    def search(observation_id: str) -> RunKey:
        prepared = run_preprocess(services, observation_id, recipe.preparation)
        subtracted = run_difference(services, prepared, recipe.difference)
        return run_detect(services, subtracted, recipe.model.id, recipe.detect)

    for number, one in enumerate(pending, start=1):
        result = run_each(search, [one])
        said = [*result.skipped.values(), *result.failed.values()] or ["searched"]
        _tell(f"{number} of {len(pending)}: {one}: {said[0]}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
