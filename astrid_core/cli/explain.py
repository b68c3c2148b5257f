"""``astrid explain``: why the catalog does, or does not, hold something at a place."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "explain",
        help="why the catalog does, or does not, hold something at a place",
        description="Every exposure around the place says what became of it there: coverage, quality, the score at "
        "that place, the network, people. The first line is that of the exposure that came farthest.",
        allow_abbrev=False,
    )
    parser.add_argument("--ra", type=float, required=True, metavar="DEG", help="ICRS")
    parser.add_argument("--dec", type=float, required=True, metavar="DEG")
    parser.add_argument("--mjd", type=float, metavar="MJD", help="only exposures around this time, UTC")
    parser.add_argument("--days", type=float, default=0.5, metavar="DAYS", help="how far around it (default 0.5)")
    parser.add_argument("--band", default="", metavar="BAND", help="what another band says does not count")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings of the stages")
    parser.add_argument("--json", action="store_true", help="print every number")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask every exposure and print what it says."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.catalog.explain import explained
    from astrid_core.shared.sky import SkyPosition
    from astrid_core.stages.explain import run_explain

    position = SkyPosition(ra_deg=arguments.ra % 360.0, dec_deg=arguments.dec)
    pipeline = load_pipeline(arguments.config)
    migrate_database()
    with open_services() as services:
        answers = run_explain(
            services,
            position,
            publish=pipeline.publish,
            difference=pipeline.difference,
            mjd=arguments.mjd,
            days=arguments.days,
            band=arguments.band,
        )
    if arguments.json:
        print(json.dumps([asdict(answer) for answer in answers], indent=2))
        return 0
    best = explained(answers)
    if best is None:
        print("off_footprint: no exposure was taken of this place" + (" at this time" if arguments.mjd else ""))
        return 0
    print(f"{best.why.value}: {best.text}")
    for answer in answers:
        print(f"  {answer.mid_mjd:.5f} {answer.band:<4} {answer.observation_id}  {answer.why.value}: {answer.text}")
    return 0
