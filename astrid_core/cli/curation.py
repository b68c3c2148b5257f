"""``astrid review``: verdicts from a shell."""

import argparse
from datetime import UTC, datetime
from typing import Any

_VERDICTS = ("real", "bogus", "unsure")


def add_commands(choose: Any) -> None:
    """Add the commands."""
    review = choose.add_parser(
        "review",
        help="list what waits for a verdict, or record one",
        description="Without a detection: what waits, highest score first. With one: record a verdict on it; an "
        "earlier verdict of the same curator is superseded, never erased.",
        allow_abbrev=False,
    )
    review.add_argument("detection", nargs="?", metavar="DETECTION", help="as listed")
    review.add_argument("--verdict", choices=_VERDICTS)
    review.add_argument("--as", dest="login", metavar="LOGIN", help="who judges")
    review.add_argument("--comment", default="")
    review.add_argument("--limit", type=int, default=20)
    review.set_defaults(command=run_review)


def run_review(arguments: argparse.Namespace) -> int:
    """List or judge."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.curation.entities import Verdict
    from astrid_core.stages.review import list_pending, record_verdict, verdicts_of

    migrate_database()
    with open_services() as services:
        if arguments.detection is None:
            waiting = list_pending(services, limit=arguments.limit)
            for one in waiting:
                place = "no sky position" if one.ra_deg is None else f"{one.ra_deg:.5f} {one.dec_deg:+.5f}"
                print(f"{one.detection_id}  {one.score:.3f}  {one.significance:+7.1f} sigma  {place}  {one.night}")
            print(f"{len(waiting)} shown" + ("" if waiting else ": nothing waits for a verdict"))
            return 0
        if arguments.verdict is None:
            for event in verdicts_of(services, arguments.detection):
                print(f"{event.at.isoformat()}  {event.curator}  {event.verdict.value}  {event.comment}")
            return 0
        if not arguments.login:
            raise ValueError("a verdict needs --as LOGIN")
        event = record_verdict(
            services,
            detection_id=arguments.detection,
            login=arguments.login,
            verdict=Verdict(arguments.verdict),
            comment=arguments.comment,
            at=datetime.now(UTC),
        )
    print(f"recorded {event.verdict.value} by {event.curator} as {event.id}")
    return 0
