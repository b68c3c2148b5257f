"""Read the light curve of an object."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from uuid import UUID

from astrid_core.catalog.config import ForcedConfig
from astrid_core.catalog.entities import CatalogEntry, ForcedPoint
from astrid_core.catalog.light_curve import Brightness, LightCurve, brightness, one_an_exposure
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.shared.runs import RunKey
from astrid_core.stages.current_runs import run_that_counts
from astrid_core.stages.services import Records, Services


def read_light_curve(services: Services, entry_id: UUID, config: ForcedConfig) -> LightCurve:
    """Return what was measured of an object, or of the successor of one that was withdrawn; raise UnknownRecord.

    One measurement an exposure, against the reference in use; nothing of exposures that are set aside.
    """
    with services.transaction() as records:
        entry = standing_entry(records, entry_id)
        points = tuple(one for _, one in BrightnessReader(records, limit_sigma=config.limit_sigma).of([entry.id]))
    return LightCurve(entry=entry, asked=entry_id, limit_sigma=config.limit_sigma, points=points)


class BrightnessReader:
    """Reads what was measured of objects in one transaction; remembers exposures and references for the next ones."""

    def __init__(self, records: Records, *, limit_sigma: float) -> None:
        self._records, self._limit_sigma = records, limit_sigma
        self._is_aside: dict[str, bool] = {}
        self._references: dict[str, ReferenceImage] = {}
        self._asked: set[str] = set()
        """Exposures with several differences, of which is known which one took the place of the others."""
        self._that_count: set[RunKey] = set()

    def of(self, entry_ids: Sequence[UUID]) -> Iterator[tuple[ForcedPoint, Brightness]]:
        """Yield the measurement of each exposure that counts, by object, oldest first, and how it is read."""
        found = self._records.forced.of_entries(entry_ids)
        if not found:
            return
        self._look_up(found)
        fluxes = {(one.entry_id, one.reference_digest): one for one in self._records.forced.reference_fluxes(entry_ids)}
        in_use = (point for point in found if not self._is_aside[point.observation_id])
        for entry_id, some in groupby(in_use, key=lambda point: point.entry_id):
            for point in one_an_exposure(list(some), self._references, self._that_count):
                reference = fluxes.get((entry_id, point.reference_digest))
                yield point, brightness(point, reference, limit_sigma=self._limit_sigma)

    def _look_up(self, points: Sequence[ForcedPoint]) -> None:
        records = self._records
        for name in {point.observation_id for point in points} - self._is_aside.keys():
            self._is_aside[name] = records.quarantines.of(records.observations.get(name)) is not None
        for digest in {point.reference_digest for point in points} - self._references.keys():
            self._references[digest] = records.references.get(digest)
        several: dict[str, set[RunKey]] = {}
        for point in points:
            several.setdefault(point.observation_id, set()).add(point.difference_key)
        for name in sorted(name for name, keys in several.items() if len(keys) > 1 and name not in self._asked):
            key = run_that_counts(records, name)
            if key is not None:
                self._that_count.add(records.model_runs.get(key).difference_key)
            self._asked.add(name)


def standing_entry(records: Records, entry_id: UUID) -> CatalogEntry:
    """Return an object, or the one that holds the first detection of a withdrawn one now; raise UnknownRecord."""
    entry, passed = records.catalog.get(entry_id), {entry_id}
    # Two withdrawn objects may name each other where nights were published again in between.
    while entry.successor is not None and entry.successor not in passed:
        passed.add(entry.successor)
        entry = records.catalog.get(entry.successor)
    return entry
