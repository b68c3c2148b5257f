"""``astrid import-reference``: images that others made, as references of class B."""

import argparse
import sys
from typing import Any

from astrid_core.cli.exit_status import UNPROCESSABLE


def add_commands(choose: Any) -> None:
    """Add the command."""
    text = "record the images of a survey (SkyView cutouts, a folder of stacks) as references of class B"
    parser = choose.add_parser("import-reference", help=text, description=text, allow_abbrev=False)
    parser.add_argument("--survey", required=True, metavar="NAME", help="an entry of surveys.toml")
    parser.add_argument("--band", required=True, metavar="BAND", help="the band that all of its images show")
    parser.add_argument("--region", metavar="REGION", help="only images whose centre lies in it")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Import and print the digests; reasons of what is refused go to standard error."""
    from astrid_core.adapters.sky_maps.open import read_region
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.stages.import_references import run_import_references

    migrate_database()
    pipeline = load_pipeline()
    with open_services() as services:
        found = run_import_references(
            services,
            arguments.survey,
            pipeline.preprocess,
            band=arguments.band,
            region=read_region(arguments.region) if arguments.region else None,
        )
    for digest in found.digests:
        print(digest)
    for archive_id, reason in found.refused.items():
        print(f"refused {archive_id}: {reason}", file=sys.stderr)
    return UNPROCESSABLE if found.refused else 0
