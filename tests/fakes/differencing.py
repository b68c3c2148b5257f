"""Memory twins of the differencing domain's records."""

from collections.abc import Sequence
from dataclasses import replace

from astrid_core.differencing.entities import Comparison, DifferenceRun, ReferenceImage, ReferenceStatus
from astrid_core.shared.errors import NotAllowed, UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region, SkyCell, SkyPosition, separation_arcsec
from tests.fakes.tables import add_new, typical


class MemoryReferenceImages:
    """ReferenceImages in memory."""

    def __init__(self, rows: dict[str, ReferenceImage]) -> None:
        self._rows = rows

    def add(self, reference: ReferenceImage) -> bool:
        if reference.status is ReferenceStatus.ACTIVE and reference.digest not in self._rows:
            self._require_one(reference)
        return add_new(self._rows, reference.digest, reference)

    def get(self, digest: str) -> ReferenceImage:
        if digest not in self._rows:
            raise UnknownRecord("no such reference", digest=digest)
        return self._rows[digest]

    def search(
        self,
        *,
        region: Region | None = None,
        cell: SkyCell | None = None,
        band: str | None = None,
        status: ReferenceStatus | None = None,
    ) -> Sequence[ReferenceImage]:
        found = [
            one
            for one in self._rows.values()
            if (region is None or region.contains(one.position))
            and (cell is None or one.cell == cell)
            and (band is None or one.band == band)
            and (status is None or one.status is status)
        ]
        return tuple(sorted(found, key=lambda one: (one.cell, one.band, one.version, one.digest)))

    def meeting(
        self, position: SkyPosition, radius_deg: float, *, status: ReferenceStatus | None = None
    ) -> Sequence[ReferenceImage]:
        return tuple(
            one
            for one in self.search(status=status)
            if separation_arcsec(one.position, position) / 3600.0 < radius_deg + one.radius_deg
        )

    def set_status(self, digest: str, status: ReferenceStatus) -> None:
        changed = replace(self.get(digest), status=status)
        if status is ReferenceStatus.ACTIVE:
            self._require_one(changed)
        self._rows[digest] = changed

    def _require_one(self, reference: ReferenceImage) -> None:
        active = [
            one.digest
            for one in self._rows.values()
            if one.status is ReferenceStatus.ACTIVE and one.key == reference.key and one.digest != reference.digest
        ]
        if active:
            raise NotAllowed("two active references of one key", active=active[0], other=reference.digest)

    def lock(self) -> None:
        """Transactions in memory follow one another anyway."""


class MemoryDifferenceRuns:
    """DifferenceRuns in memory."""

    def __init__(self, rows: dict[RunKey, DifferenceRun]) -> None:
        self._rows = rows

    def add(self, run: DifferenceRun) -> bool:
        if any(one.run != run.key for one in run.candidates):
            message = f"a candidate is not of {run.key}"
            raise ValueError(message)
        return add_new(self._rows, run.key, run)

    def get(self, key: RunKey) -> DifferenceRun:
        if key not in self._rows:
            raise UnknownRecord("no such difference", run=key)
        return self._rows[key]

    def find(self, key: RunKey) -> DifferenceRun | None:
        return self._rows.get(key)

    def of_observation(self, observation_id: str) -> Sequence[DifferenceRun]:
        return tuple(run for _, run in sorted(self._rows.items()) if run.observation_id == observation_id)

    def typical_s(self) -> float | None:
        return typical(self._rows.values())

    def comparisons(self, reference_digests: Sequence[str]) -> Sequence[Comparison]:
        found = [
            Comparison(observation_id=run.observation_id, run=run.key, reference_digest=digest)
            for run in self._rows.values()
            for digest in run.reference_digests
            if digest in set(reference_digests)
        ]
        return tuple(sorted(found, key=lambda one: (one.observation_id, one.run, one.reference_digest)))
