"""Floods of alerts wait for a person, as does everything for a channel that asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import Alert, AlertKind, AlertState, Channel
from astrid_core.alerts.flood import flood
from astrid_core.curation.access import Permission
from astrid_core.shared.errors import NotAllowed, UnknownRecord
from astrid_core.stages.access import require_permission
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)

_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What became of the alerts that were raised since the last run."""

    batch: str
    n_passed: int = 0
    held: Mapping[str, int] | None = None
    """Channel to how many wait for a person."""
    reasons: Mapping[str, str] | None = None
    """Channel to why."""


def run_gate_alerts(services: Services, config: AlertsConfig, *, batch: str) -> Gated:
    """Let go what was raised, or hold it where it is a flood or its channel asks. Safe to repeat.

    ``batch`` names the run. Retractions always pass: what is known to be wrong is taken back at once.
    """
    at = datetime.now(UTC)
    held: dict[str, int] = {}
    reasons: dict[str, str] = {}
    n_passed = 0
    with services.transaction() as records:
        records.alerts.lock()
        rules = {one.name: one for one in records.alerts.channels()}
        raised: dict[str, list[Alert]] = {}
        for one in records.alerts.search(state=AlertState.RAISED):
            raised.setdefault(one.channel, []).append(one)
        for channel, alerts in sorted(raised.items()):
            why = _reason(records, rules.get(channel), channel, alerts, at=at, config=config)
            settled = [_gated(one, batch, is_held=bool(why)) for one in alerts]
            records.alerts.put(settled)
            n_held = sum(one.state is AlertState.HELD for one in settled)
            n_passed += len(settled) - n_held
            if n_held:
                held[channel], reasons[channel] = n_held, why
        if held:
            records.events.append("alerts.held", subject=batch, facts={"held": held, "reasons": reasons})
        # Asked again after a failure, the run is told what it holds already.
        for one in records.alerts.search(state=AlertState.HELD, batch=batch):
            reasons.setdefault(one.channel, "")
            held[one.channel] = len(records.alerts.search(state=AlertState.HELD, batch=batch, channel=one.channel))
    log.info("alerts.gated", batch=batch, n_passed=n_passed, held=held)
    return Gated(batch=batch, n_passed=n_passed, held=held, reasons=reasons)


def release_alerts(services: Services, batch: str, *, login: str, reason: str) -> int:
    """Let the held alerts of a batch go, and return how many these are.

    Raise NotAllowed for somebody who may not release, and, where a channel asks, for whoever judged one of the objects:
    what goes out there is vouched for by two people.
    """
    return _answer(services, batch, AlertState.PENDING, login=login, reason=reason)


def drop_alerts(services: Services, batch: str, *, login: str, reason: str) -> int:
    """Never send the held alerts of a batch; return how many these are."""
    return _answer(services, batch, AlertState.DROPPED, login=login, reason=reason)


def held_batches(services: Services) -> Mapping[str, Mapping[str, int]]:
    """Return what waits for a person: batch, channel, and how many alerts."""
    found: dict[str, dict[str, int]] = {}
    with services.transaction() as records:
        for one in records.alerts.search(state=AlertState.HELD):
            counts = found.setdefault(one.batch, {})
            counts[one.channel] = counts.get(one.channel, 0) + 1
    return found


def _answer(services: Services, batch: str, state: AlertState, *, login: str, reason: str) -> int:
    at = datetime.now(UTC)
    with services.transaction() as records:
        require_permission(records, login, Permission.RELEASE)
        records.alerts.lock()
        held = records.alerts.search(state=AlertState.HELD, batch=batch)
        if not held and not records.alerts.search(batch=batch, limit=1):
            raise UnknownRecord("no alerts were held under this name", batch=batch)
        if state is AlertState.PENDING:
            _require_second_person(records, held, login)
        settled_at = at if state is AlertState.DROPPED else None
        records.alerts.put([replace(one, state=state, settled_at=settled_at) for one in held])
        if held:
            name = "alerts.released" if state is AlertState.PENDING else "alerts.dropped"
            facts = {"curator": login, "reason": reason, "n_alerts": len(held)}
            records.events.append(name, subject=batch, facts=facts)
    log.info("alerts.answered", batch=batch, state=state.value, n_alerts=len(held), login=login)
    return len(held)


def _require_second_person(records: Records, held: Sequence[Alert], login: str) -> None:
    asking = {one.name for one in records.alerts.channels() if one.asks}
    for one in held:
        if one.channel not in asking:
            continue
        points = records.alerts.announcement(one.entry_id, one.version).points
        judges = {event.curator for event in records.validation_events.of_detections([p.detection_id for p in points])}
        if login in judges:
            raise NotAllowed(
                "this needs somebody who did not judge it", login=login, channel=one.channel, entry=one.entry_id
            )


def _reason(
    records: Records,
    rules: Channel | None,
    channel: str,
    alerts: Sequence[Alert],
    *,
    at: datetime,
    config: AlertsConfig,
) -> str:
    n_raised = sum(one.kind is not AlertKind.RETRACTION for one in alerts)
    if n_raised and rules is not None and rules.asks:
        return "the channel asks"
    return flood(
        n_raised,
        n_of_day=records.alerts.count_since(channel, at - _DAY),
        usual=records.alerts.counts(channel, limit=config.history),
        config=config,
    )


def _gated(alert: Alert, batch: str, *, is_held: bool) -> Alert:
    passes = alert.kind is AlertKind.RETRACTION or not is_held
    return replace(alert, batch=batch, state=AlertState.PENDING if passes else AlertState.HELD)
