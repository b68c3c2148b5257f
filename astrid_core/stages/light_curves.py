"""Read the light curve of an object."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from astrid_core.catalog.config import ForcedConfig
from astrid_core.catalog.entities import CatalogEntry, ForcedPoint
from astrid_core.catalog.light_curve import LightCurve, brightness, one_an_exposure
from astrid_core.stages.services import Records, Services


def read_light_curve(services: Services, entry_id: UUID, config: ForcedConfig) -> LightCurve:
    """Return what was measured of an object, or of the successor of one that was withdrawn; raise UnknownRecord.

    One measurement an exposure, against the reference in use; nothing of exposures that are set aside.
    """
    with services.transaction() as records:
        entry = standing_entry(records, entry_id)
        found = _not_set_aside(records, records.forced.of_entries([entry.id]))
        references = {digest: records.references.get(digest) for digest in {one.reference_digest for one in found}}
        fluxes = {one.reference_digest: one for one in records.forced.reference_fluxes([entry.id])}
    points = one_an_exposure(found, references)
    return LightCurve(
        entry=entry,
        asked=entry_id,
        limit_sigma=config.limit_sigma,
        points=tuple(
            brightness(point, fluxes.get(point.reference_digest), limit_sigma=config.limit_sigma) for point in points
        ),
    )


def standing_entry(records: Records, entry_id: UUID) -> CatalogEntry:
    """Return an object, or the one that holds the first detection of a withdrawn one now; raise UnknownRecord."""
    entry, passed = records.catalog.get(entry_id), {entry_id}
    # Two withdrawn objects may name each other where nights were published again in between.
    while entry.successor is not None and entry.successor not in passed:
        passed.add(entry.successor)
        entry = records.catalog.get(entry.successor)
    return entry


def _not_set_aside(records: Records, points: Sequence[ForcedPoint]) -> Sequence[ForcedPoint]:
    names = {point.observation_id for point in points}
    aside: Mapping[str, bool] = {
        name: records.quarantines.of(records.observations.get(name)) is not None for name in names
    }
    return [point for point in points if not aside[point.observation_id]]
