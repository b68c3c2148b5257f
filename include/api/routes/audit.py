"""The log of who did what."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends

from astrid_core.adapters.db.reading.events import list_events
from astrid_core.adapters.db.reading.pages import Ask
from include.api.context import Context, context_of
from include.api.identity import Auditor
from include.api.paging import Listed, asked, listed
from include.api.queries import Text
from include.api.shapes import EventShape

router = APIRouter(tags=["audit"])


@router.get("/audit")
async def audit(
    _: Auditor,
    context: Annotated[Context, Depends(context_of)],
    ask: Annotated[Ask, Depends(asked)],
    subject: Text = None,
    actor: Text = None,
    name: Text = None,
    since: datetime | None = None,
) -> Listed[EventShape]:
    """List events, newest first; a time without a zone is UTC."""
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    async with context.reading.reading() as connection:
        found = await list_events(connection, ask, subject=subject, actor=actor, name=name, since=since)
    return listed(found, EventShape)
