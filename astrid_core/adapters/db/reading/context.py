"""What is known about objects from elsewhere."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from astrid_core.adapters.db.reading.pages import Facts, plain
from astrid_core.adapters.db.rows.context import EntryContextRow
from astrid_core.shared.errors import UnknownRecord


async def find_context(connection: AsyncConnection, entry_id: UUID) -> Facts:
    """Return what is known about one object; UnknownRecord where nobody has looked it up."""
    wanted = select(*EntryContextRow.__table__.columns).where(EntryContextRow.entry_id == entry_id)
    found = (await connection.execute(wanted)).mappings().first()
    if found is None:
        raise UnknownRecord("nobody has looked up what is known there", entry=entry_id)
    return plain(found)
