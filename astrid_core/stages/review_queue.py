"""What waits for a verdict, and who gets it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from astrid_core.curation.access import Permission
from astrid_core.curation.config import LEASE_S, MAX_CLAIM, SKIP_S
from astrid_core.curation.entities import Claim, ReviewItem, ReviewState, Seed
from astrid_core.curation.queue import QueueFilters, QueueOrder, list_place, shuffle_place, shuffle_start
from astrid_core.curation.seeds import BY_CONSENSUS, SEED_FRACTION, Slot, seed_slots
from astrid_core.curation.verdicts import standing
from astrid_core.shared.errors import Conflict
from astrid_core.stages.access import require_permission
from astrid_core.stages.seeds_ahead import outside_quarantine, seeds_ahead, waiting_for
from astrid_core.stages.services import Records, Services

ANY = QueueFilters()

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSummary:
    """How far people are, and how far one of them is."""

    n_by_state: dict[ReviewState, int]
    n_held: int
    """Kept for the curator."""
    n_judged: int
    """Detections that the curator gave a verdict on that stands."""
    per_hour: float | None
    """From the first to the last of these; None for fewer than two."""


def list_pending(services: Services, *, filters: QueueFilters = ANY, limit: int = 100) -> tuple[ReviewItem, ...]:
    """Return what lacks votes, highest score first; nothing of exposures that are in quarantine."""
    with services.transaction() as records:
        return _list(records, ReviewState.OPEN, QueueOrder.TOP, filters, limit)


def arbitration_queue(
    services: Services, *, login: str, filters: QueueFilters = ANY, limit: int = 100
) -> tuple[ReviewItem, ...]:
    """Return what the curator may settle, what is farthest apart first; nothing that they have voted on themselves."""
    with services.transaction() as records:
        return _list(records, ReviewState.DISPUTED, QueueOrder.DISAGREED, filters, limit, judged_by=login)


def claim_next(  # noqa: PLR0913 - what a curator may choose
    services: Services,
    *,
    login: str,
    order: QueueOrder = QueueOrder.TOP,
    filters: QueueFilters = ANY,
    n: int = 1,
    lease_s: float = LEASE_S,
    seed_fraction: float = SEED_FRACTION,
    at: datetime,
) -> tuple[Claim, ...]:  # fmt: skip
    """Keep the next ``n`` detections for a curator until the lease ends, and return them; fewer where fewer wait.

    Nobody gets what they have judged, nor what others have promised to judge as often as it needs. A part of what is
    given are seeds; nothing that is returned tells which. Raise NotAllowed for somebody who may not judge.
    """
    if not 1 <= n <= MAX_CLAIM:
        message = f"n must lie in [1, {MAX_CLAIM}], not {n}"
        raise ValueError(message)
    until = at + timedelta(seconds=lease_s)
    with services.transaction() as records:
        require_permission(records, login, Permission.JUDGE)
        # Two who look at the same time would be given the same.
        records.review_queue.lock()
        records.review_queue.lock_votes(login)
        slots = seed_slots(login, first=records.claims.count(login), n=n, fraction=seed_fraction)
        chosen = _choose(records, login, order, filters, slots, at)
        claims = _keep(records, login, [item.detection_id for item in chosen], until=until)
        if claims:
            facts = {"role": "reviewer", "order": order.value, "detections": [one.detection_id for one in claims]}
            records.events.append("queue.claimed", subject=login, facts={**facts, "until": until.isoformat()})
    return claims


def held_by(services: Services, *, login: str, at: datetime) -> tuple[Claim, ...]:
    """Return what is kept for a curator, what ends first first."""
    with services.transaction() as records:
        return tuple(records.claims.held(login, at=at))


def extend(
    services: Services, *, login: str, detection_ids: Sequence[str], lease_s: float = LEASE_S, at: datetime
) -> tuple[Claim, ...]:
    """Keep detections longer. Raise Conflict for one that is not kept for the curator any more."""
    with services.transaction() as records:
        records.review_queue.lock_votes(login)
        known = records.claims.of(login, detection_ids)
        for one in detection_ids:
            if one not in known or not known[one].is_held(at):
                raise Conflict("this is not kept for you any more", detection=one, login=login)
        return _keep(records, login, detection_ids, until=at + timedelta(seconds=lease_s))


def release(services: Services, *, login: str, detection_id: str, at: datetime) -> Claim:
    """Give a detection back to the queue; the same curator may get it again."""
    return _put_off(services, "queue.released", login, detection_id, at=at, hidden_until=None)


def skip(services: Services, *, login: str, detection_id: str, for_s: float = SKIP_S, at: datetime) -> Claim:
    """Give a detection back to the queue; the curator does not get it again in this session."""
    return _put_off(
        services, "queue.skipped", login, detection_id, at=at, hidden_until=at + timedelta(seconds=for_s)
    )  # fmt: skip


def snooze(services: Services, *, login: str, detection_id: str, until: datetime, at: datetime) -> Claim:
    """Give a detection back to the queue; the curator does not get it before ``until``, aware UTC."""
    return _put_off(services, "queue.snoozed", login, detection_id, at=at, hidden_until=until)


def queue_summary(
    services: Services, *, login: str, filters: QueueFilters = ANY, since: datetime, at: datetime
) -> QueueSummary:
    """Return how far the queue is, and what a curator has done since a time."""
    with services.transaction() as records:
        n_by_state = dict(records.review_queue.counts(filters))
        n_held = len(records.claims.held(login, at=at))
        said = standing(records.validation_events.of_curator(login, since=since))
    hours = (said[-1].at - said[0].at).total_seconds() / 3600.0 if len(said) > 1 else 0.0
    per_hour = (len(said) - 1) / hours if hours > 0.0 else None
    return QueueSummary(n_by_state=n_by_state, n_held=n_held, n_judged=len(said), per_hour=per_hour)


def _choose(
    records: Records, login: str, order: QueueOrder, filters: QueueFilters, slots: Sequence[Slot], at: datetime
) -> list[ReviewItem]:
    """Return what fills the slots; ordinary detections also where a seed is lacking, seeds never instead of the last.

    All are in ``order``: a seed stands where its own values put it.
    """
    others = waiting_for(records, login, order=order, filters=filters, at=at, limit=len(slots))
    beside = others[0] if others and any(slots) else None
    ahead = seeds_ahead(records, login, beside=beside, order=order, filters=filters, at=at)
    left = iter(others)
    chosen: list[ReviewItem] = []
    following = next(left, None)
    for slot in slots:
        # Nothing but seeds would give them away.
        if following is None:
            break
        seed = slot and ahead.take(beside=following, order=order, prefers_injected=slot is Slot.INJECTED)
        if not seed:
            chosen.append(following)
            following = next(left, None)
        else:
            chosen.append(seed)
            if seed.verdict is not None:
                records.seeds.add(Seed(detection_id=seed.detection_id, answer=seed.verdict, origin=BY_CONSENSUS))
    if order is QueueOrder.RANDOM:
        return sorted(chosen, key=partial(shuffle_place, start=shuffle_start(login, filters.night)))
    return sorted(chosen, key=lambda item: list_place(item, order), reverse=True)


def _keep(
    records: Records, login: str, detection_ids: Sequence[str], *, until: datetime, hidden_until: datetime | None = None
) -> tuple[Claim, ...]:
    known = records.claims.of(login, detection_ids)
    claims = tuple(
        replace(
            known.get(one) or Claim(detection_id=one, login=login, until=until), until=until, hidden_until=hidden_until
        )
        for one in dict.fromkeys(detection_ids)
    )
    records.claims.put(claims)
    return claims


def _put_off(
    services: Services, name: str, login: str, detection_id: str, *, at: datetime, hidden_until: datetime | None
) -> Claim:
    with services.transaction() as records:
        require_permission(records, login, Permission.JUDGE)
        records.review_queue.lock_votes(login)
        if not records.injected_seeds.of([detection_id]):
            records.model_runs.detection(detection_id)
        (claim,) = _keep(records, login, [detection_id], until=at, hidden_until=hidden_until)
        facts = {
            "curator": login,
            "role": "reviewer",
            "hidden_until": None if hidden_until is None else hidden_until.isoformat(),
        }
        records.events.append(name, subject=detection_id, facts=facts)
    return claim


def _list(
    records: Records,
    state: ReviewState,
    order: QueueOrder,
    filters: QueueFilters,
    limit: int,
    *,
    judged_by: str | None = None,
) -> tuple[ReviewItem, ...]:
    def page(n: int) -> Sequence[ReviewItem]:
        return records.review_queue.page(order=order, filters=filters, states=[state], limit=n)

    def is_wanted(items: Sequence[ReviewItem]) -> Iterator[ReviewItem]:
        events = records.validation_events.of_detections([item.detection_id for item in items]) if judged_by else ()
        mine = {event.detection_id for event in events if event.curator == judged_by}
        return (item for item in items if item.detection_id not in mine)

    return tuple(outside_quarantine(records, page, limit, is_wanted))
