"""What the catalog domain needs from outside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from astrid_core.catalog.context import EntryContext
from astrid_core.catalog.entities import (
    Analytics,
    CatalogEntry,
    ExportJob,
    ForcedPoint,
    LightCurvePoint,
    ReferenceFlux,
)
from astrid_core.catalog.known_sources import KnownSources, SourceKind
from astrid_core.catalog.minor_planets import MinorPlanet
from astrid_core.observations.airmass import Site
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region


class CatalogEntries(Protocol):
    """Objects and their light curves; identities UUID and detection."""

    def put(self, *entries: CatalogEntry) -> None:
        """Record objects, or what has been learnt about known ones."""
        ...

    def put_points(self, points: Sequence[LightCurvePoint]) -> None:
        """Record brightnesses, or to which objects known ones belong now."""
        ...

    def take_out(self, detection_ids: Sequence[str]) -> None:
        """Forget brightnesses that other runs have measured anew; the detections themselves stay on record."""
        ...

    def get(self, entry_id: UUID) -> CatalogEntry:
        """Return it, or raise UnknownRecord."""
        ...

    def search(self, *, region: Region | None = None) -> Sequence[CatalogEntry]:
        """Return objects in the region (all without one), withdrawn ones apart, ordered by hpx29, then id."""
        ...

    def moving(self, *, from_mjd: float, to_mjd: float) -> Sequence[CatalogEntry]:
        """Return moving objects that were seen in this time, its ends included, ordered by id."""
        ...

    def pages(self, *, region: Region | None = None) -> Iterator[Sequence[CatalogEntry]]:
        """Yield the same objects in the same order, some thousands at a time, and keep none of them."""
        ...

    def points(self, entry_ids: Sequence[UUID]) -> Sequence[LightCurvePoint]:
        """Return the light curves of these objects, ordered by entry, mid_mjd, detection."""
        ...

    def points_of_night(self, survey: str, night: str) -> Sequence[LightCurvePoint]:
        """Return what exposures of a night have measured, ordered by mid_mjd, exposure, detection."""
        ...

    def published(self, detection_ids: Sequence[str]) -> Mapping[str, UUID]:
        """Return the objects of those detections that are in the catalog already."""
        ...

    def hold_still(self) -> None:
        """See everything as it is now until this transaction ends, whatever others write; the first thing it does."""
        ...

    def lock(self) -> None:
        """Hold back all others who change the catalog until this transaction ends; the first lock it takes."""
        ...

    def lock_parts(self, names: Collection[str]) -> None:
        """Hold back whoever locks all, or one of these parts, until this transaction ends; the first lock it takes."""
        ...


class ForcedPoints(Protocol):
    """Brightnesses of objects in every exposure that covers them; identities entry and run, entry and reference."""

    def add(self, points: Sequence[ForcedPoint]) -> int:
        """Record them and count the new ones; what is known already stays as it is."""
        ...

    def of_entries(self, entry_ids: Sequence[UUID]) -> Sequence[ForcedPoint]:
        """Return what was measured of these objects, ordered by entry, mid_mjd, exposure, run."""
        ...

    def measured_in(self, difference_key: RunKey) -> Collection[UUID]:
        """Return the objects that are on record of a difference."""
        ...

    def known(self, entry_ids: Sequence[UUID]) -> Collection[UUID]:
        """Return those of these objects of which anything is on record."""
        ...

    def add_reference_fluxes(self, fluxes: Sequence[ReferenceFlux]) -> None:
        """Record them; what is known already stays as it is."""
        ...

    def reference_fluxes(self, entry_ids: Sequence[UUID]) -> Sequence[ReferenceFlux]:
        """Return what references show of these objects, ordered by entry, reference."""
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


class SourceCatalog(Protocol):
    """A catalog of objects of one kind that others have found, on disk or a service."""

    @property
    def name(self) -> str:
        """Name and release, with the digest of its contents where it lies on disk."""
        ...

    @property
    def kind(self) -> SourceKind:
        """What its objects are."""
        ...

    def sources(self, region: Region) -> KnownSources:
        """Return the objects inside ``region``; raise CatalogUnavailable if it cannot be read.

        Finding none is an empty result; a region that the catalog does not cover raises NotCovered.
        """
        ...


class MinorPlanets(Protocol):
    """Minor planets and comets by ephemeris."""

    @property
    def name(self) -> str:
        """What the orbits are, with the digest of their table."""
        ...

    def inside(
        self, region: Region, *, mid_mjd: float, site: Site | None = None, max_err_arcsec: float = 60.0
    ) -> Sequence[MinorPlanet]:
        """Return the bodies that stand in ``region`` at ``mid_mjd`` (UTC), or may within their errors; brightest first.

        Those whose place is known worse than ``max_err_arcsec`` are left out.
        """
        ...


class EntryContexts(Protocol):
    """What is known about entries from elsewhere; identity entry."""

    def put(self, context: EntryContext) -> bool:
        """Record it, in the place of what was known before, and tell whether anything changed."""
        ...

    def of(self, entry_ids: Sequence[UUID]) -> Mapping[UUID, EntryContext]:
        """Return what is known about those of these entries that have been looked up."""
        ...
