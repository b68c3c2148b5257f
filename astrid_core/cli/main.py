"""``astrid``: the stages from a shell, one command each, and two commands that need no database server at all.

Exit status: 0 done (also when nothing was found), 2 wrong usage, 99 this item cannot be processed, 75 a service is down
(try again), 65 nothing that trying again would mend.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from astrid_core.cli import (
    access,
    alerts,
    analytics,
    astrometry,
    audit,
    backfill,
    backup,
    batch,
    calibration,
    curation,
    difference,
    explain,
    extracts,
    injection,
    instruments,
    known_objects,
    light_curve,
    models,
    night,
    observation,
    reference_import,
    references,
    score,
    stages,
    status,
    store,
    survey,
    training,
)
from astrid_core.cli.exit_status import USAGE, status_of
from astrid_core.settings import Settings
from astrid_core.shared.errors import AstridError
from astrid_core.telemetry.logs import configure_logs


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        _log_to_stderr(verbose=arguments.verbose)
        return int(arguments.command(arguments))
    except AstridError as error:
        print(f"astrid {arguments.name}: {error}", file=sys.stderr)
        return status_of(error)
    except (ValueError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        print(f"astrid {arguments.name}: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    parser = argparse.ArgumentParser(prog="astrid", description="Finds what changed in the sky.", allow_abbrev=False)
    parser.add_argument("-v", "--verbose", action="store_true", help="log every stage to standard error")
    choose = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    groups = (
        difference, astrometry, injection, instruments, night, references, reference_import, survey, stages, extracts,
        calibration, training, models, score, curation, alerts, access, audit, observation, explain, known_objects,
        light_curve, analytics, backfill, backup, batch, status, store,
    )  # fmt: skip
    for group in groups:
        group.add_commands(choose)
    return parser


def _log_to_stderr(*, verbose: bool) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    configure_logs(Settings(), level=logging.INFO if verbose else logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
