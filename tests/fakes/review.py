"""Memory twins of the queue, of who holds what, and of seeds."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from astrid_core.curation.entities import Claim, InjectedSeed, ReviewItem, ReviewState, Seed, Verdict
from astrid_core.curation.queue import (
    QueueFilters,
    QueueOrder,
    QueuePlace,
    order_value,
    shuffle_of,
    shuffle_place,
    shuffle_start,
)
from tests.fakes.tables import add_new

DECIDED = {ReviewState.AGREED, ReviewState.ARBITRATED}


class MemoryReviewQueue:
    """ReviewQueue in memory; claims and seeds are those of the same transaction."""

    def __init__(
        self, rows: dict[str, ReviewItem], claims: Mapping[tuple[str, str], Claim], seeds: Mapping[str, Seed]
    ) -> None:
        self._rows = rows
        self._claims = claims
        self._seeds = seeds

    def add(self, item: ReviewItem) -> bool:
        return add_new(self._rows, item.detection_id, item)

    def put(self, *items: ReviewItem) -> None:
        self._rows.update((item.detection_id, item) for item in items)

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, ReviewItem]:
        return {one: self._rows[one] for one in sorted(set(detection_ids)) if one in self._rows}

    def waiting(
        self, login: str, *, order: QueueOrder, filters: QueueFilters, at: datetime, limit: int
    ) -> Sequence[ReviewItem]:
        found = [
            item
            for item in self._rows.values()
            if item.state is ReviewState.OPEN
            and item.detection_id not in self._seeds
            and self._may_get(item, login, filters, at)
            and item.n_given + self._n_held_by_others(item, login, at) < item.n_needed
            and order_value(item, order) is not None
        ]
        if order is QueueOrder.RANDOM:
            return _shuffled(found, start=shuffle_start(login, filters.night))[:limit]
        return _ordered(found, order)[:limit]

    def known(self, login: str, *, filters: QueueFilters, at: datetime, limit: int) -> Sequence[ReviewItem]:
        found = [
            item
            for item in self._rows.values()
            if (
                item.detection_id in self._seeds
                or (item.state in DECIDED and item.verdict in {Verdict.REAL, Verdict.BOGUS})
            )
            and self._may_get(item, login, filters, at)
        ]
        return _shuffled(found, start=shuffle_start(login, filters.night))[:limit]

    def page(
        self,
        *,
        order: QueueOrder,
        filters: QueueFilters,
        states: Collection[ReviewState],
        behind: QueuePlace | None = None,
        limit: int = 100,
    ) -> Sequence[ReviewItem]:
        found = [
            item
            for item in self._rows.values()
            if item.state in states and filters.fits(item) and order_value(item, order) is not None
        ]
        if behind is not None:
            end = (behind.shuffle,) if order is QueueOrder.RANDOM else (behind.value, behind.shuffle)
            found = [item for item in found if _place(item, order) < end]
        return _ordered(found, order)[:limit]

    def decided(self) -> Sequence[ReviewItem]:
        return [item for _, item in sorted(self._rows.items()) if item.state in DECIDED]

    def counts(self, filters: QueueFilters) -> Mapping[ReviewState, int]:
        fitting = [item.state for item in self._rows.values() if filters.fits(item)]
        return {state: fitting.count(state) for state in ReviewState}

    def lock(self) -> None:
        """One transaction follows another anyway."""

    def lock_votes(self, login: str, detection_ids: Sequence[str] = ()) -> None:
        """One transaction follows another anyway."""

    def _may_get(self, item: ReviewItem, login: str, filters: QueueFilters, at: datetime) -> bool:
        claim = self._claims.get((item.detection_id, login))
        return filters.fits(item) and (claim is None or claim.is_free(at))

    def _n_held_by_others(self, item: ReviewItem, login: str, at: datetime) -> int:
        return sum(
            claim.is_held(at)
            for (detection_id, holder), claim in self._claims.items()
            if detection_id == item.detection_id and holder != login
        )


class MemoryClaims:
    """Claims in memory."""

    def __init__(self, rows: dict[tuple[str, str], Claim]) -> None:
        self._rows = rows

    def put(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._rows[claim.detection_id, claim.login] = claim

    def of(self, login: str, detection_ids: Sequence[str]) -> Mapping[str, Claim]:
        return {one: self._rows[one, login] for one in sorted(set(detection_ids)) if (one, login) in self._rows}

    def held(self, login: str, *, at: datetime) -> Sequence[Claim]:
        found = [claim for claim in self._rows.values() if claim.login == login and claim.is_held(at)]
        return sorted(found, key=lambda claim: (claim.until, claim.detection_id))

    def count(self, login: str) -> int:
        return sum(holder == login for _, holder in self._rows)


class MemorySeeds:
    """Seeds in memory."""

    def __init__(self, rows: dict[str, Seed]) -> None:
        self._rows = rows

    def add(self, seed: Seed) -> bool:
        return add_new(self._rows, seed.detection_id, seed)

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, Seed]:
        return {one: self._rows[one] for one in sorted(set(detection_ids)) if one in self._rows}


class MemoryInjectedSeeds:
    """InjectedSeeds in memory; claims are those of the same transaction."""

    def __init__(self, rows: dict[str, InjectedSeed], claims: Mapping[tuple[str, str], Claim]) -> None:
        self._rows = rows
        self._claims = claims

    def add(self, seed: InjectedSeed) -> bool:
        return add_new(self._rows, seed.detection.id, seed)

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, InjectedSeed]:
        return {one: self._rows[one] for one in sorted(set(detection_ids)) if one in self._rows}

    def known(self, login: str, *, filters: QueueFilters, at: datetime, limit: int) -> Sequence[ReviewItem]:
        claims = {one: self._claims.get((one, login)) for one in self._rows}
        found = [
            seed.item
            for one, seed in self._rows.items()
            if filters.fits(seed.item) and ((claim := claims[one]) is None or claim.is_free(at))
        ]
        return _shuffled(found, start=shuffle_start(login, filters.night))[:limit]


def _place(item: ReviewItem, order: QueueOrder) -> tuple[float, ...]:
    shuffle = shuffle_of(item.detection_id)
    return (shuffle,) if order is QueueOrder.RANDOM else (order_value(item, order) or 0.0, shuffle)


def _ordered(items: Sequence[ReviewItem], order: QueueOrder) -> list[ReviewItem]:
    return sorted(items, key=lambda item: _place(item, order), reverse=True)


def _shuffled(items: Sequence[ReviewItem], *, start: int) -> list[ReviewItem]:
    return sorted(items, key=partial(shuffle_place, start=start))
