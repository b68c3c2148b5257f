"""What the catalog domain needs from outside."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from astrid_core.catalog.entities import Analytics, CatalogEntry, ExportJob, LightCurvePoint
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region


class CatalogEntries(Protocol):
    """Objects and their light curves; identities UUID and detection."""

    def put(self, entry: CatalogEntry) -> None:
        """Record an object, or what has been learnt about a known one."""
        ...

    def add_point(self, point: LightCurvePoint) -> bool:
        """Record a brightness and tell whether it is new; a known detection changes nothing."""
        ...

    def get(self, entry_id: UUID) -> CatalogEntry:
        """Return it, or raise UnknownRecord."""
        ...

    def search(self, *, region: Region | None = None) -> Sequence[CatalogEntry]:
        """Return objects in the region (all without one), ordered by hpx29, then id."""
        ...

    def pages(self, *, region: Region | None = None) -> Iterator[Sequence[CatalogEntry]]:
        """Yield the same objects in the same order, some thousands at a time, and keep none of them."""
        ...

    def points(self, entry_ids: Sequence[UUID]) -> Sequence[LightCurvePoint]:
        """Return the light curves of these objects, ordered by entry, mid_mjd, detection."""
        ...

    def published(self, detection_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these detections are in the catalog already."""
        ...

    def hold_still(self) -> None:
        """See everything as it is now until this transaction ends, whatever others write; the first thing it does."""
        ...

    def lock(self) -> None:
        """Hold back other publishers until this transaction ends: association reads, then writes."""
        ...


class NightAnalytics(Protocol):
    """The record of measured facts; identity RunKey."""

    def add(self, analytics: Analytics) -> bool:
        """Record it and tell whether it is new."""
        ...

    def find(self, key: RunKey) -> Analytics | None:
        """Return it, or None."""
        ...


class ModelJournal(Protocol):
    """What is noted of a network version from night to night, beside its training."""

    def note(self, model_id: str, *, night: str, figures: Mapping[str, float]) -> None:
        """Write the figures of a night; the same again changes nothing. Raise UnknownModel."""
        ...


class ExportJobs(Protocol):
    """The record of extracts; identity RunKey."""

    def add(self, job: ExportJob) -> bool:
        """Record it and tell whether it is new."""
        ...

    def find(self, key: RunKey) -> ExportJob | None:
        """Return it, or None."""
        ...
