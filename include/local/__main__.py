"""``python -m include.local``: the whole system on this machine, and a demonstration night."""

import argparse
import logging
import os
import sys
from pathlib import Path

import structlog

from astrid_core.shared.errors import AstridError
from include.local.environment import environment
from include.local.health import is_healthy
from include.local.home import LOGIN, Home
from include.local.supervisor import AIRFLOW, Supervisor
from include.local.system import begin, database_of, down, last_address, wait_until_ready, what_is_up
from include.local.terminal import complain, say, tell


def main() -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m include.local", description=__doc__, allow_abbrev=False)
    choose = parser.add_subparsers(dest="command", required=True)
    one = choose.add_parser("demo", help="one night on Airflow, from files to catalog")
    one.add_argument("--data", type=Path, metavar="DIR", help="your own FITS files instead of a simulated survey")
    choose.add_parser("up", help="start PostgreSQL and Airflow with its pages")
    choose.add_parser("down", help="stop them")
    one = choose.add_parser("supervise", help="(used by up) keep the processes of Airflow running")
    one.add_argument("--unscheduled", action="store_true", help="run only what is triggered")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except AstridError as error:
        complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        complain("interrupted; what was done is kept")
        return 130


def _run(arguments: argparse.Namespace) -> int:
    # The library never configures logging; here only its warnings are of interest.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    home = Home.open()
    if arguments.command == "up":
        return _up(home)
    if arguments.command == "down":
        say("stopped" if down(home) else "nothing was running")
        return 0
    if arguments.command == "supervise":
        return _supervise(home, scheduled=not arguments.unscheduled)
    from include.local.demo import run_demo

    return run_demo(home, arguments.data, say)


def _up(home: Home) -> int:
    from include.local.survey import settings_of

    was_up = what_is_up(home) is not None
    system = begin(home, say)
    wait_until_ready(system)
    say("Airflow is up already" if was_up else "Airflow is up")
    tell(f"\n  {system.address.url}\n  login     {LOGIN}\n  password  {home.password()}\n")
    address = settings_of(home, system.postgres).database_url
    tell(f"for astrid in a shell: export ASTRID_HOME={home.folder} ASTRID_DATABASE_URL='{address}'\nto stop: make down")
    return 0


def _supervise(home: Home, *, scheduled: bool) -> int:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()],
    )
    address = last_address(home)
    if address is None:
        complain("started by up, not by hand")
        return 2
    Supervisor(
        home=home,
        environment=environment(home, database_of(home), address, scheduled=scheduled),
        commands=AIRFLOW,
        may_follow=lambda: is_healthy(address.url, ("metadatabase",)),
    ).run()
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
