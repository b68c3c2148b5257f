"""``astrid analytics``: what a survey has found over many nights."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.catalog.survey_statistics import SurveyStatistics


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "analytics",
        help="rates of new objects, and how complete a survey is in each part of the sky",
        description="New objects per square degree and night by kind, and the part of the injected sources that is "
        "found in each sky cell, with intervals of 95 %%.",
        allow_abbrev=False,
    )
    parser.add_argument("--survey", required=True, metavar="NAME")
    parser.add_argument("--from", dest="first_night", metavar="YYYY-MM-DD", help="first night")
    parser.add_argument("--to", dest="last_night", metavar="YYYY-MM-DD", help="last night")
    parser.add_argument("--json", action="store_true", help="print every number")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the nights and print what came of them."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.analytics import statistics_of

    migrate_database()
    with open_services() as services:
        found = statistics_of(
            services, arguments.survey, first_night=arguments.first_night, last_night=arguments.last_night
        )
    print(json.dumps(found.as_json(), indent=1) if arguments.json else _text(found))
    return 0


def _text(found: "SurveyStatistics") -> str:
    from astrid_core.catalog.track_text import describe_share

    n_searched = sum(one.n_searched for one in found.nights)
    measured = sum(bool(one.area_deg2) for one in found.nights)
    lines = [
        f"{found.survey}: {len(found.nights)} nights, {n_searched} exposures searched",
        f"new objects, in the {measured} reported nights of {found.deg2_nights:.4g} square degrees together:",
        *(
            f"  {kind}: {rate.n}, {rate.per_deg2_night:.3g} per square degree and night "
            f"({rate.low:.3g} to {rate.high:.3g})"
            for kind, rate in found.rates.items()
        ),
        "injected sources found, by sky cell:",
        *(f"  {cell}: {describe_share(share)}" for cell, share in found.completeness.items()),
    ]
    return "\n".join(lines)
