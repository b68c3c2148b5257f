"""Memory twins of the catalog domain's records."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from astrid_core.catalog.associate import ordered
from astrid_core.catalog.entities import (
    Analytics,
    CatalogEntry,
    EntryStatus,
    ExportJob,
    ForcedPoint,
    LightCurvePoint,
    ReferenceFlux,
)
from astrid_core.observations.entities import Observation
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region
from tests.fakes.tables import add_new

_AT_ONCE = 2


class MemoryCatalogEntries:
    """CatalogEntries in memory."""

    def __init__(
        self,
        entries: dict[UUID, CatalogEntry],
        points: dict[str, LightCurvePoint],
        observations: dict[str, Observation],
    ) -> None:
        self._entries = entries
        self._points = points
        self._observations = observations

    def put(self, *entries: CatalogEntry) -> None:
        self._entries.update({entry.id: entry for entry in entries})

    def put_points(self, points: Sequence[LightCurvePoint]) -> None:
        self._points.update({point.detection_id: point for point in points})

    def take_out(self, detection_ids: Sequence[str]) -> None:
        for name in detection_ids:
            self._points.pop(name, None)

    def get(self, entry_id: UUID) -> CatalogEntry:
        if entry_id not in self._entries:
            raise UnknownRecord("no such catalog entry", entry=entry_id)
        return self._entries[entry_id]

    def search(self, *, region: Region | None = None) -> Sequence[CatalogEntry]:
        standing = (entry for entry in self._entries.values() if entry.status is not EntryStatus.WITHDRAWN)
        found = [entry for entry in standing if region is None or region.contains(entry.position)]
        return tuple(sorted(found, key=lambda entry: (entry.position.hpx29, entry.id)))

    def moving(self, *, from_mjd: float, to_mjd: float) -> Sequence[CatalogEntry]:
        found = [entry for entry in self.search() if entry.motion is not None]
        in_time = [entry for entry in found if entry.last_mjd >= from_mjd and entry.first_mjd <= to_mjd]
        return tuple(sorted(in_time, key=lambda entry: entry.id))

    def pages(self, *, region: Region | None = None) -> Iterator[Sequence[CatalogEntry]]:
        found = self.search(region=region)
        for start in range(0, len(found), _AT_ONCE):
            yield found[start : start + _AT_ONCE]

    def points(self, entry_ids: Sequence[UUID]) -> Sequence[LightCurvePoint]:
        found = [point for point in self._points.values() if point.entry_id in set(entry_ids)]
        return tuple(sorted(found, key=lambda point: (point.entry_id, point.mid_mjd, point.detection_id)))

    def points_of_night(self, survey: str, night: str) -> Sequence[LightCurvePoint]:
        seen = ((point, self._observations[point.observation_id]) for point in self._points.values())
        return tuple(ordered(point for point, of in seen if (of.survey, of.night) == (survey, night)))

    def published(self, detection_ids: Sequence[str]) -> Mapping[str, UUID]:
        return {name: self._points[name].entry_id for name in detection_ids if name in self._points}

    def hold_still(self) -> None:
        """Transactions in memory follow one another anyway."""

    def lock(self) -> None:
        """Transactions in memory follow one another anyway."""

    def lock_parts(self, names: Collection[str]) -> None:
        """The same."""


class MemoryForcedPoints:
    """ForcedPoints in memory."""

    def __init__(
        self, points: dict[tuple[UUID, RunKey], ForcedPoint], fluxes: dict[tuple[UUID, str], ReferenceFlux]
    ) -> None:
        self._points = points
        self._fluxes = fluxes

    def add(self, points: Sequence[ForcedPoint]) -> int:
        return sum(add_new(self._points, (point.entry_id, point.difference_key), point) for point in points)

    def of_entries(self, entry_ids: Sequence[UUID]) -> Sequence[ForcedPoint]:
        found = [point for point in self._points.values() if point.entry_id in set(entry_ids)]
        return tuple(sorted(found, key=lambda one: (one.entry_id, one.mid_mjd, one.observation_id, one.difference_key)))

    def measured_in(self, difference_key: RunKey) -> Collection[UUID]:
        return {entry for entry, key in self._points if key == difference_key}

    def known(self, entry_ids: Sequence[UUID]) -> Collection[UUID]:
        return {entry for entry, _ in self._points} & set(entry_ids)

    def add_reference_fluxes(self, fluxes: Sequence[ReferenceFlux]) -> None:
        for flux in fluxes:
            add_new(self._fluxes, (flux.entry_id, flux.reference_digest), flux)

    def reference_fluxes(self, entry_ids: Sequence[UUID]) -> Sequence[ReferenceFlux]:
        found = [flux for flux in self._fluxes.values() if flux.entry_id in set(entry_ids)]
        return tuple(sorted(found, key=lambda one: (one.entry_id, one.reference_digest)))


class MemoryNightAnalytics:
    """NightAnalytics in memory."""

    def __init__(self, rows: dict[RunKey, Analytics]) -> None:
        self._rows = rows

    def add(self, analytics: Analytics) -> bool:
        stored = replace(analytics, facts=json.loads(json.dumps(dict(analytics.facts), allow_nan=False)))
        return add_new(self._rows, analytics.key, stored)

    def find(self, key: RunKey) -> Analytics | None:
        return self._rows.get(key)


class MemoryExportJobs:
    """ExportJobs in memory."""

    def __init__(self, rows: dict[RunKey, ExportJob]) -> None:
        self._rows = rows

    def add(self, job: ExportJob) -> bool:
        return add_new(self._rows, job.key, job)

    def find(self, key: RunKey) -> ExportJob | None:
        return self._rows.get(key)
