"""What is known about objects from elsewhere, as rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.catalog.context import EntryContext, KnownMatch, ObjectClass
from astrid_core.catalog.known_sources import SourceKind
from astrid_core.shared.sky import SkyPosition

_PLAIN = (
    "catalog", "source_id", "source_type", "separation_arcsec", "err_arcsec", "chance", "reliability", "mag",
    "redshift", "observation_id",
)  # fmt: skip


class EntryContextRow(Row):
    """What is known about one object."""

    __tablename__ = "entry_context"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_entry.id"), primary_key=True)
    object_class: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str]
    matches: Mapped[list[dict[str, Any]]] = mapped_column(JSON())
    looked_in: Mapped[list[str]]

    @staticmethod
    def values(context: EntryContext) -> dict[str, object]:
        """Return the columns of ``context``."""
        return {
            "entry_id": context.entry_id,
            "object_class": context.object_class.value,
            "reason": context.reason,
            "matches": [_facts(one) for one in context.matches],
            "looked_in": list(context.looked_in),
        }

    def entity(self) -> EntryContext:
        """Return what is known."""
        return EntryContext(
            entry_id=self.entry_id,
            object_class=ObjectClass(self.object_class),
            reason=self.reason,
            matches=tuple(_match(one) for one in self.matches),
            looked_in=tuple(self.looked_in),
        )


def _facts(match: KnownMatch) -> dict[str, object]:
    """Return a match as JSON values."""
    place = {"ra_deg": match.position.ra_deg, "dec_deg": match.position.dec_deg}
    return {"kind": match.kind.value, **place, **{name: getattr(match, name) for name in _PLAIN}}


def _match(facts: dict[str, Any]) -> KnownMatch:
    return KnownMatch(
        kind=SourceKind(facts["kind"]),
        position=SkyPosition(ra_deg=facts["ra_deg"], dec_deg=facts["dec_deg"]),
        **{name: facts[name] for name in _PLAIN},
    )
