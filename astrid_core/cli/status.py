"""``astrid status``: what is done, missing or out of date under today's settings, and what it would cost to mend."""

import argparse
import json
from typing import Any


def add_commands(choose: Any) -> None:
    """Add the command."""
    text = "tell what of a survey is done, missing, out of date or set aside, and what is to do"
    parser = choose.add_parser(
        "status",
        help=text,
        description=f"{text}. Today's settings, references, masters and network decide; nothing is computed.",
        allow_abbrev=False,
    )
    parser.add_argument("--survey", required=True, metavar="NAME")
    parser.add_argument("--night", metavar="YYYY-MM-DD")
    parser.add_argument("--region", metavar="REGION", help='for example "cone(10.68,41.27,0.5deg)"')
    parser.add_argument("--list", action="store_true", help="a line for each exposure with something to do, and why")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    from astrid_core.adapters.sky_maps.open import read_region
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.detection.config import MODEL_NAME
    from astrid_core.stages.ingest import survey_client
    from astrid_core.stages.standing import standing_facts, standing_lines, survey_standing

    region = read_region(arguments.region) if arguments.region else None
    migrate_database()
    with open_services() as services:
        survey_client(services, arguments.survey)
        recipe = load_pipeline().recipe(services.models.champion(MODEL_NAME))
        nights = [arguments.night] if arguments.night else None
        standing = survey_standing(services, recipe, survey=arguments.survey, nights=nights, region=region)
    if arguments.json:
        print(json.dumps(standing_facts(standing), indent=2))
        return 0
    for line in standing_lines(standing):
        print(line)
    if arguments.list:
        for one in standing.exposures:
            if one.next_step is not None:
                print(f"{one.observation_id}  {one.standing.value}  from {one.next_step.value}  {one.reason}".rstrip())
    return 0
