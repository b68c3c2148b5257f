"""Memory twins of the observations domain's records."""

from collections.abc import Sequence

from astrid_core.observations.entities import Observation, Rejection
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.sky import Region, SkyPosition, separation_arcsec
from tests.fakes.tables import add_or_replace


class MemoryObservations:
    """Observations in memory."""

    def __init__(self, rows: dict[str, Observation]) -> None:
        self._rows = rows

    def add(self, observation: Observation) -> bool:
        return add_or_replace(self._rows, observation.id, observation)

    def get(self, observation_id: str) -> Observation:
        if observation_id not in self._rows:
            raise UnknownRecord("no such observation", observation=observation_id)
        return self._rows[observation_id]

    def search(
        self, *, survey: str | None = None, night: str | None = None, region: Region | None = None
    ) -> Sequence[Observation]:
        found = [
            seen
            for seen in self._rows.values()
            if (survey is None or seen.survey == survey)
            and (night is None or seen.night == night)
            and (region is None or region.contains(seen.position))
        ]
        return tuple(sorted(found, key=lambda seen: (seen.mid_mjd, seen.id)))

    def covering(self, region: Region) -> Sequence[Observation]:
        return self.search(region=region)

    def holding(self, position: SkyPosition) -> Sequence[Observation]:
        return tuple(
            one for one in self.search() if separation_arcsec(one.position, position) <= one.radius_deg * 3600.0
        )

    def nights(self, *, survey: str | None = None) -> Sequence[str]:
        return tuple(sorted({seen.night for seen in self._rows.values() if survey is None or seen.survey == survey}))


class MemoryRejections:
    """Rejections in memory."""

    def __init__(self, rows: dict[tuple[str, str], Rejection]) -> None:
        self._rows = rows

    def add(self, rejection: Rejection) -> bool:
        key = (rejection.survey, rejection.archive_id)
        return add_or_replace(self._rows, key, rejection)

    def all(self, *, survey: str | None = None) -> Sequence[Rejection]:
        return tuple(one for key, one in sorted(self._rows.items()) if survey is None or one.survey == survey)

    def clear(self, survey: str, archive_id: str) -> None:
        self._rows.pop((survey, archive_id), None)
