"""What a row of an extract is made of, where it is more than one entity."""

from dataclasses import dataclass
from uuid import UUID

from astrid_core.catalog.context import EntryContext, ObjectClass
from astrid_core.catalog.entities import CatalogEntry
from astrid_core.catalog.light_curve import Brightness
from astrid_core.shared.sky import SkyPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassedEntry:
    """An object and what it is taken for."""

    entry: CatalogEntry
    context: EntryContext | None = None
    """None where nothing was looked up."""

    @property
    def object_class(self) -> ObjectClass | None:
        """What it is taken for."""
        return None if self.context is None else self.context.object_class

    @property
    def class_reason(self) -> str | None:
        """The rule that said so, in words."""
        return None if self.context is None else self.context.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedBrightness:
    """How bright an object was in an exposure, and where that was measured."""

    entry_id: UUID
    position: SkyPosition
    brightness: Brightness
