"""Memory twins of the differencing domain's records."""

from collections.abc import Sequence

from astrid_core.differencing.entities import DifferenceRun, ReferenceImage
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region, SkyCell
from tests.fakes.tables import add_new


class MemoryReferenceImages:
    """ReferenceImages in memory."""

    def __init__(self, rows: dict[str, ReferenceImage]) -> None:
        self._rows = rows

    def add(self, reference: ReferenceImage) -> bool:
        return add_new(self._rows, reference.digest, reference)

    def get(self, digest: str) -> ReferenceImage:
        if digest not in self._rows:
            raise UnknownRecord("no such reference", digest=digest)
        return self._rows[digest]

    def search(
        self, *, region: Region | None = None, cell: SkyCell | None = None, band: str | None = None
    ) -> Sequence[ReferenceImage]:
        found = [
            one
            for one in self._rows.values()
            if (region is None or region.contains(one.position))
            and (cell is None or one.cell == cell)
            and (band is None or one.band == band)
        ]
        return tuple(sorted(found, key=lambda one: (one.cell, one.band, one.version, one.digest)))

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
