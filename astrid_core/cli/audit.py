"""``astrid audit``: what the log of events says, and whether it is whole."""

import argparse
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from astrid_core.cli.exit_status import PERMANENT


def add_commands(choose: Any) -> None:
    """Add the commands."""
    audit = choose.add_parser("audit", help="read and verify the log of who did what", allow_abbrev=False)
    doing = audit.add_subparsers(required=True, metavar="DOING")
    verify = _command(doing, "verify", run_verify, "check that no event and no verdict was altered, lost or slipped in")
    verify.add_argument("--head", metavar="NUMBER:DIGEST", help="as 'astrid audit head' printed it earlier")
    _command(doing, "head", run_head, "print the last event's number and digest, to be kept elsewhere")
    show = _command(doing, "show", run_show, "print events, oldest first")
    show.add_argument("--subject", metavar="WHAT", help="only events about this")
    show.add_argument("--actor", metavar="LOGIN", help="only what they did")
    show.add_argument("--since", metavar="TIME", help="ISO 8601; UTC unless it says otherwise")
    show.add_argument("--after", type=int, default=0, metavar="NUMBER", help="only events behind this one")
    show.add_argument("--limit", type=int, default=100)
    export = _command(doing, "export", run_export, "write the whole log, one JSON object a line")
    export.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
    _command(doing, "seal", run_seal, "seal verdicts from before the log held their digests")
    protect = _command(doing, "protect", run_protect, "let a role of PostgreSQL add to the log, but not change it")
    protect.add_argument("role")


def _command(doing: Any, name: str, run: Any, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = doing.add_parser(name, help=told, description=told, allow_abbrev=False)
    parser.set_defaults(command=run)
    return parser


def run_verify(arguments: argparse.Namespace) -> int:
    """Verify."""
    from astrid_core.bootstrap import open_services
    from astrid_core.curation.audit import read_head
    from astrid_core.stages.audit import verify_log

    kept = None if arguments.head is None else read_head(arguments.head)
    with open_services() as services:
        report = verify_log(services, kept=kept)
    for fault in report.faults:
        print(f"{fault.table} {fault.row}: {fault.why}")
    state = f"{len(report.faults)} faults" if report.faults else "unbroken"
    print(f"{report.n_events} events and {report.n_verdicts} verdicts, {state}")
    return PERMANENT if report.faults else 0


def run_head(_: argparse.Namespace) -> int:
    """Print the head."""
    from astrid_core.bootstrap import open_services
    from astrid_core.stages.audit import head_of_log

    with open_services() as services:
        print(head_of_log(services) or "nothing has happened yet")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Print events."""
    from astrid_core.bootstrap import open_services
    from astrid_core.stages.audit import find_events

    since = None if arguments.since is None else datetime.fromisoformat(arguments.since)
    if since is not None:
        since = since.replace(tzinfo=UTC) if since.tzinfo is None else since.astimezone(UTC)
    with open_services() as services:
        found = find_events(
            services,
            subject=arguments.subject,
            actor=arguments.actor,
            since=since,
            behind=arguments.after,
            limit=arguments.limit,
        )
    for event in found:
        facts = "  ".join(f"{name}={value}" for name, value in event.facts.items())
        print(f"{event.sequence}  {event.at:%Y-%m-%d %H:%M:%S}  {event.actor}  {event.name}  {event.subject}  {facts}")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write the log."""
    from astrid_core.bootstrap import open_services
    from astrid_core.stages.audit import export_log

    place = nullcontext(sys.stdout) if arguments.out is None else arguments.out.open("w")
    with open_services() as services, place as out:
        for line in export_log(services):
            out.write(line + "\n")
    return 0


def run_seal(_: argparse.Namespace) -> int:
    """Seal old verdicts."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.audit import seal_verdicts

    migrate_database()
    with open_services() as services:
        print(f"{seal_verdicts(services)} verdicts sealed")
    return 0


def run_protect(arguments: argparse.Namespace) -> int:
    """Grant and revoke."""
    from astrid_core.bootstrap import migrate_database, protect_log

    migrate_database()
    protect_log(arguments.role)
    print(f"{arguments.role} may add to the log, and not change it")
    return 0
