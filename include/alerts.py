"""The work behind the tasks that tell others of objects."""

from collections.abc import Sequence

import structlog

from astrid_core.bootstrap import Pipeline
from astrid_core.shared.errors import ChannelUnavailable, Unprocessable
from astrid_core.stages.alert_gate import Gated, drop_alerts, held_batches, release_alerts, run_gate_alerts
from astrid_core.stages.announce import open_channels
from astrid_core.stages.deliver import run_deliver
from astrid_core.stages.services import Services
from include.answers import Answer, acting, person_of, reason_of
from include.messages import DROP, SEND, HeldAlerts

log = structlog.get_logger(__name__)


def gate(services: Services, pipeline: Pipeline, *, run_id: str) -> dict[str, int]:
    """Let go what was raised, or hold it; count both. Unprocessable where nobody is told anything."""
    open_channels(services, pipeline.alerts)
    gated: Gated = run_gate_alerts(services, pipeline.alerts, batch=run_id)
    with services.transaction() as records:
        is_idle = not (pipeline.alerts.channels or records.alerts.busy())
    n_held = sum((gated.held or {}).values())
    if is_idle and not n_held:
        raise Unprocessable("no channel is configured: nobody is told of objects")
    return {"n_passed": gated.n_passed, "n_held": n_held}


def deliver(services: Services, pipeline: Pipeline) -> dict[str, int]:
    """Send what is due; ChannelUnavailable, after all others were served, where a channel was given up."""
    done = run_deliver(services, pipeline.alerts)
    given_up = [one for one in done if one.error]
    if given_up:
        names = ", ".join(one.channel for one in given_up)
        raise ChannelUnavailable("channels were given up for now", channels=names, first=given_up[0].error)
    return {
        "n_delivered": sum(one.n_delivered for one in done),
        "n_refused": sum(one.n_refused for one in done),
        "n_failed": sum(one.n_failed for one in done),
    }


def require_held(gated: dict[str, int]) -> int:
    """Return how many alerts the run held; Unprocessable where it held none: then nobody is asked."""
    if not gated["n_held"]:
        raise Unprocessable("nothing is held", **gated)
    return gated["n_held"]


def list_held(services: Services) -> HeldAlerts:
    """Return what waits for a person, and what the person is shown; Unprocessable where nothing does."""
    held = held_batches(services)
    if not held:
        raise Unprocessable("no alert waits for a person")
    n_alerts = sum(sum(counts.values()) for counts in held.values())
    lines = ["| Run | Channel | Alerts | Why |", "|---|---|---|---|"]
    for batch, counts in sorted(held.items()):
        reasons = _reasons(services, batch)
        lines += [f"| {batch} | {one} | {n} | {reasons.get(one, '')} |" for one, n in sorted(counts.items())]
    lines.append("\n`astrid alerts list --state held` lists them; retractions are not held.")
    return HeldAlerts(batches=sorted(held), n_alerts=n_alerts, text="\n".join(lines))


def settle(services: Services, held: HeldAlerts, answer: Answer) -> int:
    """Do what the person answered, in their name; count what may go out.

    Unprocessable where nothing does; NotAllowed for who may not release, and where a second person is needed.
    """
    login = person_of(answer)
    chosen: Sequence[str] = answer["chosen_options"]
    if not login or chosen not in ([SEND], [DROP]):
        raise Unprocessable("alerts stay held", n_alerts=held["n_alerts"], answered_by=login or "nobody")
    act = release_alerts if chosen == [SEND] else drop_alerts
    n_settled = sum(
        act(acting(services, answer), batch, login=login, reason=reason_of(answer)) for batch in held["batches"]
    )
    if chosen == [DROP]:
        raise Unprocessable("alerts were dropped", n_alerts=n_settled, answered_by=login)
    return n_settled


def _reasons(services: Services, batch: str) -> dict[str, str]:
    with services.transaction() as records:
        events = [event for event in records.events.of(batch) if event.name == "alerts.held"]
    found: dict[str, str] = {}
    for event in events:
        reasons = event.facts.get("reasons")
        found |= {str(one): str(why) for one, why in reasons.items()} if isinstance(reasons, dict) else {}
    return found
