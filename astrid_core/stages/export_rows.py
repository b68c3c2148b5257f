"""What may leave of the catalog, page by page: for extracts, and for whoever searches it from outside."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.shared.errors import InjectedInCatalog
from astrid_core.shared.sky import Region
from astrid_core.stages.services import Records

_N_NAMED = 3
"""Injected sources that are named where some are found; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """Some objects with their light curves."""

    entries: Sequence[CatalogEntry]
    points: Sequence[LightCurvePoint]
    """In the order of the objects, then by time and detection."""


def pages_that_may_leave(records: Records, config: ExportConfig, region: Region | None) -> Iterator[ExportPage]:
    """Yield what the settings choose, ordered by hpx29, then id; the same catalog gives the same rows.

    Publishing takes detections only, and injected sources are none: should one have come into the catalog all the same,
    the objects beside it cannot be trusted either, and InjectedInCatalog is raised.
    """
    for page in records.catalog.pages(region=region):
        entries = [
            entry
            for entry in page
            if entry.status.value in config.statuses and entry.n_detections >= config.min_detections
        ]
        points = records.catalog.points([entry.id for entry in entries])
        _refuse_injected(records, points)
        curves: dict[UUID, list[LightCurvePoint]] = defaultdict(list)
        for point in points:
            curves[point.entry_id].append(point)
        yield ExportPage(entries=entries, points=[point for entry in entries for point in curves.get(entry.id, ())])


def _refuse_injected(records: Records, points: Sequence[LightCurvePoint]) -> None:
    injected = sorted(records.injected_seeds.of([point.detection_id for point in points]))
    if injected:
        named = ", ".join(injected[:_N_NAMED])
        raise InjectedInCatalog("injected sources are in the catalog", n=len(injected), detections=named)
