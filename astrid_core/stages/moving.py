"""The moving objects that those of a night may be part of."""

from collections.abc import Sequence
from uuid import UUID

from astrid_core.catalog.associate import by_entry
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.linking import misfits, tracklets_of
from astrid_core.catalog.tracklets import Tracklet, find_tracklets
from astrid_core.shared.sky import HPX_ORDER, hpx29_of
from astrid_core.stages.held_sky import MOVING_ORDER, HeldSky
from astrid_core.stages.services import Records


class Tracklets:
    """What moves in a night, found once however often publishing starts over."""

    def __init__(self, config: PublishConfig) -> None:
        self._config = config
        self._found: dict[frozenset[str], tuple[Tracklet, ...]] = {}

    def of(self, tonight: Sequence[LightCurvePoint]) -> tuple[Tracklet, ...]:
        """Return what moves of all that was measured in the night."""
        names = frozenset(point.detection_id for point in tonight)
        if names not in self._found:
            self._found = {names: find_tracklets(tonight, self._config)}
        return self._found[names]


class Moving:
    """They are taken apart into the tracklets that they consist of."""

    def __init__(
        self,
        records: Records,
        tonight: Sequence[LightCurvePoint],
        found: Sequence[Tracklet],
        config: PublishConfig,
        held: HeldSky,
    ) -> None:
        self._records = records
        self._config = config
        self._held = held
        self._tonight = {point.detection_id: point for point in tonight}
        self.tracklets: dict[tuple[str, ...], Tracklet] = {one.names: one for one in found}
        self.dissolved: dict[UUID, CatalogEntry] = {}

    def search(self) -> None:
        """Take apart what holds a detection of the night, and what may continue a tracklet, until nothing is left."""
        known = self._records.catalog.published(sorted(self._tonight))
        entries = {identity: self._records.catalog.get(identity) for identity in sorted(set(known.values()))}
        moving = {identity: entry for identity, entry in entries.items() if entry.motion is not None}
        # Also where the night no longer shows that it moves.
        self._held.need(moving=[self._tonight[name].position for name, of in known.items() if of in moving])
        fresh = list(self.tracklets.values())
        for entry in moving.values():
            fresh += self._dissolve(entry, self._records.catalog.points([entry.id]))
        while fresh:
            continued = self._continued(fresh)
            fresh = [one for entry, points in continued for one in self._dissolve(entry, points)]

    def _dissolve(self, entry: CatalogEntry, points: Sequence[LightCurvePoint]) -> list[Tracklet]:
        self.dissolved[entry.id] = entry
        parts = tracklets_of([point for point in points if point.detection_id not in self._tonight], self._config)
        self.tracklets |= {one.names: one for one in parts}
        return list(parts)

    def _continued(self, fresh: Sequence[Tracklet]) -> list[tuple[CatalogEntry, Sequence[LightCurvePoint]]]:
        places = [point.position for one in fresh for point in one.points]
        self._held.need(moving=places)
        gap = self._config.motion.max_gap_days
        times = [point.mid_mjd for one in fresh for point in one.points]
        entries = self._records.catalog.moving(from_mjd=min(times) - gap - 1.0, to_mjd=max(times) + gap + 1.0)
        others = [entry for entry in entries if entry.id not in self.dissolved]
        points = self._records.catalog.points([entry.id for entry in others])
        # Beyond these cells nothing continues them, and somebody may be changing it.
        cells = {cell.number for cell in self._held.near_moving(places)}
        numbers = hpx29_of([point.position for point in points])
        near = {
            point.entry_id
            for point, number in zip(points, numbers, strict=True)
            if number >> 2 * (HPX_ORDER - MOVING_ORDER) in cells
        }
        own = by_entry(point for point in points if point.entry_id in near)
        return [(entry, curve) for entry in others if (curve := own.get(entry.id)) and self._continues(curve, fresh)]

    def _continues(self, points: Sequence[LightCurvePoint], fresh: Sequence[Tracklet]) -> bool:
        parts = tracklets_of(points, self._config)
        pairs = [sorted((one, other), key=lambda line: line.mid_mjd) for one in parts for other in fresh]
        return bool((misfits([one for one, _ in pairs], [other for _, other in pairs], self._config) <= 1.0).any())
