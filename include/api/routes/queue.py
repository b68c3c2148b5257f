"""What waits for people: they take some of it for a while, judge it, put it off or give it back."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query

from astrid_core.adapters.db.reading.detections import find_detections
from astrid_core.adapters.db.reading.queue import Waiting, list_waiting
from astrid_core.curation.access import Permission, Principal
from astrid_core.curation.entities import Claim, ReviewItem, ReviewState
from astrid_core.curation.queue import QueueFilters, QueueOrder, QueuePlace, order_value, shuffle_of
from astrid_core.detection.entities import Kind
from astrid_core.shared.sky import SkyCell
from astrid_core.stages.review_queue import claim_next, extend, held_by, queue_summary, release, skip, snooze
from astrid_core.stages.seeds_ahead import list_with_seeds
from include.api.acting import Acting
from include.api.context import Context, context_of
from include.api.identity import Judge, Reader
from include.api.paging import LARGEST, Listed, read_key, write_key
from include.api.problems import Refused
from include.api.queries import Night, Score, Text, cell_of
from include.api.routes.detections import DetectionId, detection_shape
from include.api.shapes import DetectionShape
from include.api.votes import ClaimBody, ClaimShape, ExtendBody, QueuedShape, SnoozeBody, SummaryShape

router = APIRouter(tags=["queue"])
_SESSION_H = 12.0


async def filters_of(
    *,
    cell: Annotated[SkyCell | None, Depends(cell_of)],
    night: Night = None,
    survey: Text = None,
    band: Text = None,
    kind: Kind | None = None,
    min_score: Score = None,
    max_score: Score = None,
) -> QueueFilters:
    """Return which detections a request asks for."""
    return QueueFilters(
        survey=survey, night=night, band=band, cell=cell, min_score=min_score, max_score=max_score, kind=kind
    )


@router.get("/queue")
async def waiting(
    person: Reader,
    *,
    context: Annotated[Context, Depends(context_of)],
    filters: Annotated[QueueFilters, Depends(filters_of)],
    order: QueueOrder = QueueOrder.TOP,
    after: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = 50,
) -> Listed[DetectionShape]:
    """List what lacks votes, without taking it; to whoever judges with the seeds that they may be given next."""
    behind = None if after is None else _place(after)
    found: Sequence[Waiting] = ()
    judges = Permission.JUDGE in person.permissions
    if judges:
        asked = partial(list_with_seeds, login=person.login, order=order, filters=filters, behind=behind)
        found = await to_thread.run_sync(
            lambda: [
                _waiting(one, order) for one in asked(context.services, limit=limit + 1, at=datetime.now(UTC))
            ]
        )  # fmt: skip
    async with context.reading.reading() as connection:
        if not judges:
            found = await list_waiting(
                connection, order=order, filters=filters, states=[ReviewState.OPEN], behind=behind, limit=limit + 1
            )
        shown = found[:limit]
        facts = await find_detections(connection, [one.detection_id for one in shown])
    following = None
    if len(found) > limit:
        following = write_key([shown[-1].place.value, shown[-1].place.shuffle])
    return Listed(items=[detection_shape(**one) for one in facts], next=following)


@router.post("/queue/claim")
async def claim(
    person: Judge, act: Acting, context: Annotated[Context, Depends(context_of)], body: ClaimBody
) -> Listed[QueuedShape]:
    """Keep the next detections for whoever asks until the lease ends, and give them."""
    config = context.pipeline.curate
    claims = await act(
        claim_next,
        login=person.login,
        order=body.order,
        filters=body.filters.filters(),
        n=body.n,
        lease_s=config.lease_s,
        seed_fraction=config.seed_fraction,
        at=datetime.now(UTC),
    )
    return await _queued(context, claims, is_blind=body.blind)


@router.get("/queue/claims")
async def claims(
    person: Judge, act: Acting, context: Annotated[Context, Depends(context_of)], *, blind: bool = False
) -> Listed[QueuedShape]:
    """List what is kept for whoever asks: for a page that was loaded anew."""
    return await _queued(context, await act(held_by, login=person.login, at=datetime.now(UTC)), is_blind=blind)


@router.post("/queue/extend")
async def keep(
    person: Judge, act: Acting, context: Annotated[Context, Depends(context_of)], body: ExtendBody
) -> list[ClaimShape]:
    """Keep detections longer; in conflict once a lease has ended."""
    lease_s = context.pipeline.curate.lease_s
    ids = list(dict.fromkeys(body.detections))
    found = await act(extend, login=person.login, detection_ids=ids, lease_s=lease_s, at=datetime.now(UTC))
    return [_claim_shape(one) for one in found]


@router.get("/queue/summary")
async def summary(
    person: Reader,
    act: Acting,
    filters: Annotated[QueueFilters, Depends(filters_of)],
    hours: Annotated[float, Query(gt=0.0, le=24.0 * 366.0, allow_inf_nan=False)] = _SESSION_H,
) -> SummaryShape:
    """Tell how far people are, and what whoever asks has judged in the last hours."""
    now = datetime.now(UTC)
    since = now - timedelta(hours=hours)
    found = await act(queue_summary, login=person.login, filters=filters, since=since, at=now)
    return SummaryShape(
        n_by_state=found.n_by_state, n_held=found.n_held, n_judged=found.n_judged, per_hour=found.per_hour
    )


@router.post("/queue/{detection_id}/release")
async def give_back(person: Judge, act: Acting, detection_id: DetectionId) -> ClaimShape:
    """Give a detection back; whoever asks may get it again."""
    return _claim_shape(await act(release, **_about(person, detection_id)))


@router.post("/queue/{detection_id}/skip")
async def leave_out(person: Judge, act: Acting, detection_id: DetectionId) -> ClaimShape:
    """Give a detection back; whoever asks does not get it again in this session."""
    return _claim_shape(await act(skip, **_about(person, detection_id)))


@router.post("/queue/{detection_id}/snooze")
async def put_off(person: Judge, act: Acting, detection_id: DetectionId, body: SnoozeBody) -> ClaimShape:
    """Give a detection back; whoever asks does not get it before a time. One without a zone is UTC."""
    until = body.until if body.until.tzinfo else body.until.replace(tzinfo=UTC)
    return _claim_shape(await act(snooze, **_about(person, detection_id), until=until.astimezone(UTC)))


def _about(person: Principal, detection_id: str) -> dict[str, object]:
    return {"login": person.login, "detection_id": detection_id, "at": datetime.now(UTC)}


def _claim_shape(found: Claim) -> ClaimShape:
    return ClaimShape(detection_id=found.detection_id, until=found.until, hidden_until=found.hidden_until)


async def _queued(context: Context, claims: Sequence[Claim], *, is_blind: bool) -> Listed[QueuedShape]:
    until = {one.detection_id: one.until for one in claims}
    async with context.reading.reading() as connection:
        found = await find_detections(connection, list(until))
    items = [
        QueuedShape(**dict(detection_shape(is_blind=is_blind, **one)), claim_until=until[one["id"]]) for one in found
    ]
    return Listed(items=items, next=None)


def _waiting(item: ReviewItem, order: QueueOrder) -> Waiting:
    place = QueuePlace(value=order_value(item, order) or 0.0, shuffle=shuffle_of(item.detection_id))
    return Waiting(item.detection_id, place)


def _place(after: str) -> QueuePlace:
    key = read_key(after)
    match key:
        case [float() | int() as value, int() as shuffle] if not isinstance(value, bool) and 0 <= shuffle < 2**63:
            return QueuePlace(value=float(value), shuffle=shuffle)
        case _:
            raise Refused(422, "not a key of this list")
