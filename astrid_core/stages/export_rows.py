"""What may leave of the catalog, page by page: for extracts, and for whoever searches it from outside."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.shared.sky import Region
from astrid_core.stages.services import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """Some objects with their light curves."""

    entries: Sequence[CatalogEntry]
    points: Sequence[LightCurvePoint]
    """In the order of the objects, then by time and detection."""


def pages_that_may_leave(records: Records, config: ExportConfig, region: Region | None) -> Iterator[ExportPage]:
    """Yield what the settings choose, ordered by hpx29, then id; the same catalog gives the same rows."""
    for entries in entries_that_may_leave(records, config, region):
        curves: dict[UUID, list[LightCurvePoint]] = defaultdict(list)
        for point in records.catalog.points([entry.id for entry in entries]):
            curves[point.entry_id].append(point)
        points = [point for entry in entries for point in curves.get(entry.id, ())]
        yield ExportPage(entries=entries, points=points)


def entries_that_may_leave(
    records: Records, config: ExportConfig, region: Region | None
) -> Iterator[Sequence[CatalogEntry]]:
    """Yield the same objects without their light curves."""
    for page in records.catalog.pages(region=region):
        wanted = [
            entry
            for entry in page
            if entry.status.value in config.statuses and entry.n_detections >= config.min_detections
        ]
        if config.classes:
            known = records.contexts.of([entry.id for entry in wanted])
            wanted = [entry for entry in wanted if entry.id in known and known[entry.id].object_class in config.classes]
        yield wanted
