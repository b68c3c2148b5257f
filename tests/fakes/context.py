"""Memory twins of what is known from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from astrid_core.catalog.context import EntryContext
from astrid_core.catalog.known_sources import KnownSources, SourceKind
from astrid_core.catalog.minor_planets import MinorPlanet
from astrid_core.observations.airmass import Site
from astrid_core.shared.errors import NotCovered
from astrid_core.shared.sky import Region, SkyPosition
from tests.fakes.tables import add_or_replace


class MemoryEntryContexts:
    """EntryContexts in memory."""

    def __init__(self, rows: dict[UUID, EntryContext]) -> None:
        self._rows = rows

    def put(self, context: EntryContext) -> bool:
        return add_or_replace(self._rows, context.entry_id, context)

    def of(self, entry_ids: Sequence[UUID]) -> Mapping[UUID, EntryContext]:
        return {one: self._rows[one] for one in sorted(set(entry_ids)) if one in self._rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySourceCatalog:
    """Covers ``covered``, or the whole sky."""

    all_sources: KnownSources
    covered: Region | None = None

    @property
    def name(self) -> str:
        return self.all_sources.catalog

    @property
    def kind(self) -> SourceKind:
        return self.all_sources.kind

    def sources(self, region: Region) -> KnownSources:
        if self.covered is not None and region.outside(self.covered) > 0.0:
            raise NotCovered("catalog does not cover the region", catalog=self.name)
        places = zip(self.all_sources.ra_deg, self.all_sources.dec_deg, strict=True)
        inside = [region.contains(SkyPosition(ra_deg=float(ra), dec_deg=float(dec))) for ra, dec in places]
        return self.all_sources.take(np.array(inside, dtype=bool))


@dataclass(kw_only=True)
class MemoryMinorPlanets:
    """Bodies that stand still; keeps from where they were looked at."""

    bodies: tuple[MinorPlanet, ...]
    name: str = "bodies that stand still"
    sites: list[Site | None] = field(default_factory=list)

    def inside(
        self, region: Region, *, mid_mjd: float, site: Site | None = None, max_err_arcsec: float = 60.0
    ) -> Sequence[MinorPlanet]:
        assert mid_mjd > 0.0
        self.sites.append(site)
        return [one for one in self.bodies if region.contains(one.position) and one.err_arcsec <= max_err_arcsec]
