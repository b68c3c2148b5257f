"""What may leave of the catalog, page by page: for extracts, and for whoever searches it from outside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.exports.records import ClassedEntry, ForcedBrightness
from astrid_core.shared.errors import InjectedInCatalog
from astrid_core.shared.sky import Region
from astrid_core.stages.light_curves import BrightnessReader
from astrid_core.stages.services import Records

_N_NAMED = 3
"""Injected sources that are named where some are found; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """Some objects with what was measured of them."""

    entries: Sequence[ClassedEntry]
    points: Sequence[LightCurvePoint]
    """In the order of the objects, then by time and detection."""
    forced: Sequence[ForcedBrightness]
    """In the order of the objects, then by time and exposure."""


def pages_that_may_leave(
    records: Records, config: ExportConfig, region: Region | None, *, limit_sigma: float
) -> Iterator[ExportPage]:
    """Yield what the settings choose, ordered by hpx29, then id; the same catalog gives the same rows.

    Publishing takes detections only, and injected sources are none: should one have come into the catalog all the same,
    the objects beside it cannot be trusted either, and InjectedInCatalog is raised.
    """
    brightnesses = BrightnessReader(records, limit_sigma=limit_sigma)
    for entries, points in _checked(records, config, region):
        identities = [entry.id for entry in entries]
        place = {identity: number for number, identity in enumerate(identities)}
        forced = [
            ForcedBrightness(entry_id=point.entry_id, position=point.position, brightness=brightness)
            for point, brightness in brightnesses.of(identities)
        ]
        yield ExportPage(
            entries=_classed(records, entries),
            # Both come by identity, and within it by time: sorting keeps that.
            points=sorted(points, key=lambda point: place[point.entry_id]),
            forced=sorted(forced, key=lambda one: place[one.entry_id]),
        )


def entries_that_may_leave(
    records: Records, config: ExportConfig, region: Region | None
) -> Iterator[Sequence[ClassedEntry]]:
    """Yield the same objects without what was measured of them."""
    for entries, _ in _checked(records, config, region):
        yield _classed(records, entries)


def _checked(
    records: Records, config: ExportConfig, region: Region | None
) -> Iterator[tuple[Sequence[CatalogEntry], Sequence[LightCurvePoint]]]:
    for page in records.catalog.pages(region=region):
        entries = [
            entry
            for entry in page
            if entry.status.value in config.statuses and entry.n_detections >= config.min_detections
        ]
        if config.classes:
            known = records.contexts.of([entry.id for entry in entries])
            entries = [one for one in entries if one.id in known and known[one.id].object_class in config.classes]
        points = records.catalog.points([entry.id for entry in entries])
        injected = sorted(records.injected_seeds.of([point.detection_id for point in points]))
        if injected:
            named = ", ".join(injected[:_N_NAMED])
            raise InjectedInCatalog("injected sources are in the catalog", n=len(injected), detections=named)
        yield entries, points


def _classed(records: Records, entries: Sequence[CatalogEntry]) -> Sequence[ClassedEntry]:
    known = records.contexts.of([entry.id for entry in entries])
    return [ClassedEntry(entry=entry, context=known.get(entry.id)) for entry in entries]
