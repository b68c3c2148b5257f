"""The queue of detections, who holds what, and seeds, in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Select, exists, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from astrid_core.adapters.db.locks import Lock, take, take_each
from astrid_core.adapters.db.repositories.queued import fitting, is_free, shuffled
from astrid_core.adapters.db.repositories.statements import insert_new, insert_or_replace, read, read_in
from astrid_core.adapters.db.rows.review import ClaimRow, ReviewItemRow, SeedRow
from astrid_core.curation.entities import Claim, ReviewItem, ReviewState, Seed, Verdict
from astrid_core.curation.queue import QueueFilters, QueueOrder, QueuePlace, shuffle_place, shuffle_start

S = TypeVar("S", bound=Select[Any])
_SORTED_BY: Mapping[QueueOrder, InstrumentedAttribute[float] | InstrumentedAttribute[float | None]] = {
    QueueOrder.TOP: ReviewItemRow.score,
    QueueOrder.UNCERTAIN: ReviewItemRow.uncertainty,
    QueueOrder.ANOMALOUS: ReviewItemRow.anomaly,
    QueueOrder.DISAGREED: ReviewItemRow.disagreement,
}
_DECIDED = (ReviewState.AGREED.value, ReviewState.ARBITRATED.value)
_ANSWERS = (Verdict.REAL.value, Verdict.BOGUS.value)


class SqlReviewQueue:
    """ReviewQueue in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, item: ReviewItem) -> bool:
        """Record it and tell whether it is new; what is known of a known detection stays."""
        return insert_new(self._session, ReviewItemRow, ReviewItemRow.values(item))

    def put(self, *items: ReviewItem) -> None:
        """Record them, or what has become of known ones; each may be named once."""
        if items:
            insert_or_replace(self._session, ReviewItemRow, *(ReviewItemRow.values(item) for item in items))

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, ReviewItem]:
        """Return these detections by identity, without those that nobody judges."""
        rows = read_in(self._session, select(ReviewItemRow), ReviewItemRow.detection_id, detection_ids)
        return {row.detection_id: row.entity() for row in rows}

    def waiting(
        self, login: str, *, order: QueueOrder, filters: QueueFilters, at: datetime, limit: int
    ) -> Sequence[ReviewItem]:
        """Return open detections that the curator may be given at this time, in ``order``; never a seed."""
        others = aliased(ClaimRow)
        n_held = (
            select(func.count())
            .where(
                others.detection_id == ReviewItemRow.detection_id,
                others.login != login,
                others.until > at,
                ~others.is_answered,
            )
            .scalar_subquery()
        )
        wanted = select(ReviewItemRow).where(
            ReviewItemRow.state == ReviewState.OPEN.value,
            *fitting(filters, ReviewItemRow),
            ~exists().where(SeedRow.detection_id == ReviewItemRow.detection_id),
            is_free(login, at, ReviewItemRow),
            ReviewItemRow.n_given + n_held < ReviewItemRow.n_needed,
        )
        if order is QueueOrder.RANDOM:
            start = shuffle_start(login, filters.night)
            return _entities(shuffled(self._session, wanted, ReviewItemRow.shuffle, start=start, limit=limit))
        by = _SORTED_BY[order]
        wanted = wanted.where(by.is_not(None)).order_by(by.desc(), ReviewItemRow.shuffle.desc()).limit(limit)
        return _entities(read(self._session, wanted))

    def known(self, login: str, *, filters: QueueFilters, at: datetime, limit: int) -> Sequence[ReviewItem]:
        """Return detections whose answer is known and which the curator may be given at this time, shuffled."""
        start = shuffle_start(login, filters.night)
        wanted = select(ReviewItemRow).where(*fitting(filters, ReviewItemRow), is_free(login, at, ReviewItemRow))
        # One statement each: asked for all of it at once, PostgreSQL reads the whole queue.
        decided = [
            wanted.where(ReviewItemRow.state == state, ReviewItemRow.verdict.in_(_ANSWERS)) for state in _DECIDED
        ]
        planted = wanted.join(SeedRow, SeedRow.detection_id == ReviewItemRow.detection_id).where(
            or_(ReviewItemRow.state.not_in(_DECIDED), ReviewItemRow.verdict.not_in(_ANSWERS))
        )
        found = [
            item
            for one in (*decided, planted)
            for item in _entities(shuffled(self._session, one, ReviewItemRow.shuffle, start=start, limit=limit))
        ]
        return sorted(found, key=partial(shuffle_place, start=start))[:limit]

    def page(
        self,
        *,
        order: QueueOrder,
        filters: QueueFilters,
        states: Collection[ReviewState],
        behind: QueuePlace | None = None,
        limit: int = 100,
    ) -> Sequence[ReviewItem]:
        """Return detections in these states, in ``order``, whoever holds or has judged them."""
        wanted = in_order(select(ReviewItemRow), order, filters, states, behind=behind, limit=limit)
        return _entities(read(self._session, wanted))

    def decided(self) -> Sequence[ReviewItem]:
        """Return every detection with a final verdict, ordered by identity."""
        found = _entities(read(self._session, select(ReviewItemRow).where(ReviewItemRow.state.in_(_DECIDED))))
        return sorted(found, key=lambda item: item.detection_id)

    def counts(self, filters: QueueFilters) -> Mapping[ReviewState, int]:
        """Return how many detections are in each state."""
        wanted = (
            select(ReviewItemRow.state, func.count().label("number"))
            .where(*fitting(filters, ReviewItemRow))
            .group_by(ReviewItemRow.state)
        )
        found = {row.state: row.number for row in self._session.execute(wanted)}
        return {state: found.get(state.value, 0) for state in ReviewState}

    def lock(self) -> None:
        """Hold back others who give out detections until this transaction ends."""
        take(self._session.connection(), Lock.CHANGE_QUEUE)

    def lock_votes(self, login: str, detection_ids: Sequence[str] = ()) -> None:
        """Hold back others who act for this curator, or count votes on these detections."""
        connection = self._session.connection()
        take_each(connection, [f"curator {login}"])
        take_each(connection, [f"detection {one}" for one in detection_ids])


class SqlClaims:
    """Claims in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, claims: Sequence[Claim]) -> None:
        """Record them, or what has become of them; each may be named once."""
        if claims:
            insert_or_replace(self._session, ClaimRow, *(ClaimRow.values(one) for one in claims))

    def of(self, login: str, detection_ids: Sequence[str]) -> Mapping[str, Claim]:
        """Return what the curator has to do with these detections, by detection."""
        wanted = select(ClaimRow).where(ClaimRow.login == login)
        rows = read_in(self._session, wanted, ClaimRow.detection_id, detection_ids)
        return {row.detection_id: row.entity() for row in rows}

    def held(self, login: str, *, at: datetime) -> Sequence[Claim]:
        """Return what is kept for the curator at this time, by the end of the lease, then by detection."""
        wanted = select(ClaimRow).where(ClaimRow.login == login, ClaimRow.until > at, ~ClaimRow.is_answered)
        found = (row.entity() for row in read(self._session, wanted))
        return sorted(found, key=lambda claim: (claim.until, claim.detection_id))

    def count(self, login: str) -> int:
        """Return how many detections the curator has ever had to do with."""
        return self._session.scalar(select(func.count()).where(ClaimRow.login == login)) or 0


class SqlSeeds:
    """Seeds in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, seed: Seed) -> bool:
        """Record it and tell whether it is new; a known one never changes."""
        return insert_new(self._session, SeedRow, SeedRow.values(seed))

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, Seed]:
        """Return the seeds among these detections, by detection."""
        rows = read_in(self._session, select(SeedRow), SeedRow.detection_id, detection_ids)
        return {row.detection_id: row.entity() for row in rows}


def sorted_by(order: QueueOrder) -> InstrumentedAttribute[Any]:
    """Return what ``order`` sorts by before the shuffle; of the random order that is the shuffle itself."""
    return ReviewItemRow.shuffle if order is QueueOrder.RANDOM else _SORTED_BY[order]


def in_order(
    wanted: S,
    order: QueueOrder,
    filters: QueueFilters,
    states: Collection[ReviewState],
    *,
    behind: QueuePlace | None,
    limit: int,
) -> S:
    """Narrow a statement to one page of the queue; what has no number to be sorted by is left out."""
    wanted = wanted.where(ReviewItemRow.state.in_([state.value for state in states]), *fitting(filters, ReviewItemRow))
    if order is QueueOrder.RANDOM:
        if behind is not None:
            wanted = wanted.where(ReviewItemRow.shuffle < behind.shuffle)
        return wanted.order_by(ReviewItemRow.shuffle.desc()).limit(limit)
    by = _SORTED_BY[order]
    if behind is not None:
        wanted = wanted.where(tuple_(by, ReviewItemRow.shuffle) < (behind.value, behind.shuffle))
    return wanted.where(by.is_not(None)).order_by(by.desc(), ReviewItemRow.shuffle.desc()).limit(limit)


def _entities(rows: Sequence[ReviewItemRow]) -> list[ReviewItem]:
    return [row.entity() for row in rows]
