"""The queue in its order, without taking anything from it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from astrid_core.adapters.db.repositories.review import in_order, sorted_by
from astrid_core.adapters.db.rows.review import ReviewItemRow
from astrid_core.curation.entities import ReviewState
from astrid_core.curation.queue import QueueFilters, QueueOrder, QueuePlace


@dataclass(frozen=True, slots=True)
class Waiting:
    """A detection and its place in the order."""

    detection_id: str
    place: QueuePlace


async def list_waiting(
    connection: AsyncConnection,
    *,
    order: QueueOrder,
    filters: QueueFilters,
    states: Collection[ReviewState],
    behind: QueuePlace | None,
    limit: int,
) -> Sequence[Waiting]:
    """Return which detections are in these states, in ``order``, whoever holds or has judged them."""
    wanted = select(ReviewItemRow.detection_id, sorted_by(order), ReviewItemRow.shuffle)
    found = await connection.execute(in_order(wanted, order, filters, states, behind=behind, limit=limit))
    return [Waiting(one, QueuePlace(value=float(value), shuffle=shuffle)) for one, value, shuffle in found]
