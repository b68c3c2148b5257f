"""``astrid batch``: one heavy stage over a batch; what a pod on a GPU node runs."""

import argparse
from typing import Any

STAGES = ("difference", "detect", "inject")
"""As in ``astrid_core.stages.heavy``, which is too heavy to be imported for a page of help."""


def add_commands(choose: Any) -> None:
    """Add the command."""
    text = "compute one stage for a batch of runs, as a pod on a GPU node does; prints the keys of its runs"
    parser = choose.add_parser(
        "batch",
        help=text,
        description=f"{text}. One item that is skipped or fails costs no other: the exit status is 0 as long as one of "
        "them succeeds. What is on record already is found, not computed again.",
        allow_abbrev=False,
    )
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("items", nargs="+", metavar="RUN_KEY", help="of the stage before it")
    parser.add_argument("--model", required=True, metavar="NAME/VERSION", help="the network of the night")
    parser.add_argument("--settings", metavar="NAME", help="refuse to compute under settings of another name")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute, and print the keys."""
    from astrid_core.bootstrap import load_pipeline, open_services
    from astrid_core.stages.batch import succeeded
    from astrid_core.stages.heavy import HeavyStage, run_heavy

    with open_services() as services:
        work = load_pipeline().heavy(HeavyStage(arguments.stage), services.models.get(arguments.model))
        if arguments.settings is not None:
            work.require(arguments.settings)
        for key in succeeded(run_heavy(services, work, arguments.items)):
            print(key)
    return 0
