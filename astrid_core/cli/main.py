"""``astrid``: the stages from a shell, one command each, and two commands that need no database server at all.

Exit status: 0 done (also when nothing was found), 2 wrong usage, 3 this item cannot be processed, 4 a service is down
(try again), 5 nothing that trying again would mend.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

import structlog

from astrid_core.cli import (
    access,
    alerts,
    analytics,
    astrometry,
    audit,
    backup,
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
    store,
    survey,
    training,
)
from astrid_core.shared.errors import AstridError, TemporaryFailure, Unprocessable

_USAGE, _UNPROCESSABLE, _TEMPORARY, _PERMANENT = 2, 3, 4, 5


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = build_parser().parse_args(argv)
    _log_to_stderr(verbose=arguments.verbose)
    try:
        return int(arguments.command(arguments))
    except AstridError as error:
        print(f"astrid {arguments.name}: {error}", file=sys.stderr)
        return _status(error)
    except (ValueError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        print(f"astrid {arguments.name}: {error}", file=sys.stderr)
        return _USAGE
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
        light_curve, analytics, backup, store,
    )  # fmt: skip
    for group in groups:
        group.add_commands(choose)
    return parser


def _status(error: AstridError) -> int:
    if isinstance(error, Unprocessable):
        return _UNPROCESSABLE
    return _TEMPORARY if isinstance(error, TemporaryFailure) else _PERMANENT


def _log_to_stderr(*, verbose: bool) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        # Asked for anew by every line: who calls main() may put another stream in the place of standard error.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


if __name__ == "__main__":
    sys.exit(main())
