"""The event log, in pages."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from astrid_core.adapters.db.reading.pages import Ask, Page, read_page
from astrid_core.adapters.db.rows.events import DomainEventRow


async def list_events(
    connection: AsyncConnection,
    ask: Ask,
    *,
    subject: str | None = None,
    actor: str | None = None,
    name: str | None = None,
    since: datetime | None = None,
) -> Page:
    """Return events, newest first."""
    statement = select(*DomainEventRow.__table__.columns)
    equal = {DomainEventRow.subject: subject, DomainEventRow.actor: actor, DomainEventRow.name: name}
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    if since is not None:
        statement = statement.where(DomainEventRow.at >= since)
    return await read_page(connection, statement, (DomainEventRow.sequence,), ask, falling=True)
