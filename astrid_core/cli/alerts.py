"""``astrid alerts``: what is said of objects to the outside, and whether it arrived."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from astrid_core.alerts.entities import Alert

_STATES = ("raised", "pending", "held", "delivered", "refused", "dropped")
_FORMATS = ("avro", "gcn", "tns", "voevent")


def add_commands(choose: Any) -> None:
    """Add the commands."""
    alerts = choose.add_parser("alerts", help="tell others of objects", allow_abbrev=False)
    doing = alerts.add_subparsers(required=True, metavar="DOING")
    listing = _command(doing, "list", run_list, "list alerts, oldest first")
    listing.add_argument("--state", choices=_STATES)
    listing.add_argument("--channel", metavar="NAME")
    listing.add_argument("--batch", metavar="BATCH", help="the run that counted them")
    listing.add_argument("--limit", type=int, default=100)
    show = _command(doing, "show", run_show, "print what was said of an object, or a packet of it")
    show.add_argument("object", type=UUID, metavar="OBJECT")
    show.add_argument("--packet", choices=_FORMATS, help="write the newest announcement to standard output")
    _command(doing, "deliver", run_deliver, "let go what was raised, hold floods, and send what is due")
    for name, told in (("release", "let held alerts go"), ("drop", "never send held alerts")):
        settle = _command(doing, name, run_settle, told)
        settle.add_argument("batch", metavar="BATCH", help="as listed")
        _add_person(settle)
        settle.set_defaults(doing=name)
    retract = _command(doing, "retract", run_retract, "take back from every channel what was said of an object")
    retract.add_argument("object", type=UUID, metavar="OBJECT")
    _add_person(retract)


def _command(doing: Any, name: str, run: Any, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = doing.add_parser(name, help=told, description=told, allow_abbrev=False)
    parser.set_defaults(command=run)
    return parser


def _add_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="login", metavar="LOGIN", required=True, help="who says so")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="goes on record")


def run_list(arguments: argparse.Namespace) -> int:
    """List."""
    from astrid_core.alerts.entities import AlertState
    from astrid_core.bootstrap import migrate_database, open_services

    migrate_database()
    state = None if arguments.state is None else AlertState(arguments.state)
    with open_services() as services, services.transaction() as records:
        found = records.alerts.search(
            state=state, channel=arguments.channel, batch=arguments.batch, limit=arguments.limit
        )
    _print(found)
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Show."""
    from astrid_core.adapters.alerts.formats import formats
    from astrid_core.alerts.entities import Message
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.shared.errors import UnknownRecord

    migrate_database()
    with open_services() as services, services.transaction() as records:
        known = records.alerts.of([arguments.object]).get(arguments.object, ())
        if not known:
            raise UnknownRecord("nothing was said of this object", object=arguments.object)
        said = records.alerts.announcement(arguments.object, known[-1].version)
    if arguments.packet is None:
        _print(known)
        return 0
    packet = formats(load_pipeline().alerts.tns)[arguments.packet].packet
    sys.stdout.buffer.write(packet(Message(alert=known[-1], announcement=said)))
    sys.stdout.buffer.flush()
    return 0


def run_deliver(_: argparse.Namespace) -> int:
    """Gate and send; 4 where a channel was given up."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.shared.errors import ChannelUnavailable
    from astrid_core.stages.alert_gate import run_gate_alerts
    from astrid_core.stages.announce import open_channels
    from astrid_core.stages.deliver import run_deliver as deliver

    migrate_database()
    config = load_pipeline().alerts
    with open_services() as services:
        open_channels(services, config)
        gated = run_gate_alerts(services, config, batch=f"by-hand-{datetime.now(UTC).isoformat()}")
        done = deliver(services, config)
    for channel, n_held in sorted((gated.held or {}).items()):
        print(f"{channel}: {n_held} held, {(gated.reasons or {})[channel]}: astrid alerts release {gated.batch}")
    for one in done:
        print(f"{one.channel}: {one.n_delivered} delivered, {one.n_refused} refused, {one.n_failed} to be tried again")
    print(f"{sum(one.n_delivered for one in done)} delivered")
    given_up = [one for one in done if one.error]
    if given_up:
        raise ChannelUnavailable("a channel was given up for now", channel=given_up[0].channel, why=given_up[0].error)
    return 0


def run_settle(arguments: argparse.Namespace) -> int:
    """Release or drop."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.alert_gate import drop_alerts, release_alerts

    migrate_database()
    settle = release_alerts if arguments.doing == "release" else drop_alerts
    with open_services() as services:
        n_settled = settle(services, arguments.batch, login=arguments.login, reason=arguments.reason)
    print(f"{n_settled} alerts " + ("go out with the next delivery" if arguments.doing == "release" else "dropped"))
    return 0


def run_retract(arguments: argparse.Namespace) -> int:
    """Take back."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.announce import retract

    migrate_database()
    with open_services() as services:
        n_raised = retract(services, arguments.object, login=arguments.login, reason=arguments.reason)
    print(f"{n_raised} retractions go out with the next delivery" if n_raised else "no channel knows of this object")
    return 0


def _print(alerts: "Sequence[Alert]") -> None:
    for one in alerts:
        facts = (one.raised_at.isoformat(timespec="seconds"), one.entry_id, one.version, one.channel, one.kind.value)
        print("  ".join(str(fact) for fact in (*facts, one.state.value, one.batch, one.error) if fact != ""))
    print(f"{len(alerts)} alerts")
