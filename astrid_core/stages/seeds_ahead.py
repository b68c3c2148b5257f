"""The seeds that a curator may be given next: a claim takes from these alone, and the list shows them with the rest."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from astrid_core.curation.entities import ReviewItem, ReviewState
from astrid_core.curation.queue import QueueFilters, QueueOrder, QueuePlace, list_place, order_value
from astrid_core.stages.services import Records, Services

_N_AHEAD = 10
"""Of either kind: enough to find one like what it stands beside, few enough not to fill a list."""


@dataclass(slots=True)
class SeedsAhead:
    """What is left of them inside one claim."""

    injected: list[ReviewItem]
    known: list[ReviewItem]
    """Planted, or decided by others."""

    def take(self, *, beside: ReviewItem, order: QueueOrder, prefers_injected: bool) -> ReviewItem | None:
        """Return one, and give it away no more: that which ``order`` would put nearest to ``beside``."""
        pools = (self.injected, self.known) if prefers_injected else (self.known, self.injected)
        for pool in pools:
            if pool:
                chosen = min(pool, key=lambda one: _distance(one, beside, order))
                pool.remove(chosen)
                return chosen
        return None


def seeds_ahead(
    records: Records, login: str, *, beside: ReviewItem | None, order: QueueOrder, filters: QueueFilters, at: datetime
) -> SeedsAhead:
    """Return seeds of the night of ``beside``, the first of what waits for the curator; where it has none, of any.

    None where nothing waits: nothing but seeds would give them away.
    """
    if beside is None:
        return SeedsAhead(injected=[], known=[])
    found = SeedsAhead(injected=[], known=[])
    for wanted in (replace(filters, night=beside.night), filters):
        found = SeedsAhead(
            injected=_of(records, records.injected_seeds.known, login, order, wanted, at),
            known=_of(records, records.review_queue.known, login, order, wanted, at),
        )
        if found.injected or found.known:
            break
    return found


def list_with_seeds(
    services: Services,
    *,
    login: str,
    order: QueueOrder,
    filters: QueueFilters,
    behind: QueuePlace | None = None,
    limit: int,
    at: datetime,
) -> Sequence[ReviewItem]:
    """Return what lacks votes, as ``order`` says, whoever holds or has judged it, with seeds for ``login``, who judges.

    Those that they may be given next stand among the others: whoever compares what they are given with the list learns
    nothing.
    """
    with services.transaction() as records:
        queue = records.review_queue
        open_ones = queue.page(order=order, filters=filters, states=[ReviewState.OPEN], behind=behind, limit=limit)
        first = next(iter(waiting_for(records, login, order=order, filters=filters, at=at, limit=1)), None)
        ahead = seeds_ahead(records, login, beside=first, order=order, filters=filters, at=at)
    items = {item.detection_id: item for item in open_ones}
    is_random = order is QueueOrder.RANDOM
    end = None if behind is None else (0.0 if is_random else behind.value, behind.shuffle)
    items |= {
        item.detection_id: item
        for item in (*ahead.injected, *ahead.known)
        if end is None or list_place(item, order) < end
    }
    return sorted(items.values(), key=lambda item: list_place(item, order), reverse=True)[:limit]


def waiting_for(
    records: Records, login: str, *, order: QueueOrder, filters: QueueFilters, at: datetime, limit: int
) -> Sequence[ReviewItem]:
    """Return what the curator may be given besides seeds, nothing of exposures that are set aside."""
    queue = records.review_queue
    return outside_quarantine(
        records, lambda n: queue.waiting(login, order=order, filters=filters, at=at, limit=n), limit
    )  # fmt: skip


def outside_quarantine(
    records: Records,
    read: Callable[[int], Sequence[ReviewItem]],
    limit: int,
    chosen: Callable[[Sequence[ReviewItem]], Iterator[ReviewItem]] = iter,
) -> list[ReviewItem]:
    """Return the first ``limit`` of what ``read`` returns, without exposures that are set aside."""
    if limit == 0:
        return []
    has_quarantine = bool(records.quarantines.all())
    n_asked = limit
    while True:
        items = read(n_asked)
        free = [item for item in chosen(items) if not has_quarantine or _is_good(records, item.observation_id)]
        if len(free) >= limit or len(items) < n_asked:
            return free[:limit]
        # What is set aside hides others behind it.
        n_asked *= 4


def _of(
    records: Records,
    known: Callable[..., Sequence[ReviewItem]],
    login: str,
    order: QueueOrder,
    filters: QueueFilters,
    at: datetime,
) -> list[ReviewItem]:
    found = outside_quarantine(records, lambda n: known(login, filters=filters, at=at, limit=n), _N_AHEAD)
    return [item for item in found if order_value(item, order) is not None]


def _distance(one: ReviewItem, beside: ReviewItem, order: QueueOrder) -> float:
    if order is QueueOrder.RANDOM:
        return 0.0
    return abs((order_value(one, order) or 0.0) - (order_value(beside, order) or 0.0))


def _is_good(records: Records, observation_id: str) -> bool:
    return records.quarantines.of(records.observations.get(observation_id)) is None
