"""Memory twins of what happens to files and exposures around their processing."""

from collections.abc import Sequence

from astrid_core.observations.entities import Observation, Quarantine, UndeliveredFile
from tests.fakes.tables import add_new, add_or_replace


class MemoryUndeliveredFiles:
    """UndeliveredFiles in memory."""

    def __init__(self, rows: dict[tuple[str, str], UndeliveredFile]) -> None:
        self._rows = rows

    def add(self, undelivered: UndeliveredFile) -> bool:
        return add_or_replace(self._rows, (undelivered.survey, undelivered.archive_id), undelivered)

    def all(self, *, survey: str | None = None) -> Sequence[UndeliveredFile]:
        return tuple(one for _, one in sorted(self._rows.items()) if survey is None or one.survey == survey)

    def clear(self, survey: str, archive_id: str) -> None:
        self._rows.pop((survey, archive_id), None)


class MemoryQuarantines:
    """Quarantines in memory."""

    def __init__(self, rows: dict[tuple[str, str, str], Quarantine]) -> None:
        self._rows = rows

    def add(self, quarantine: Quarantine) -> bool:
        key = (quarantine.survey, quarantine.archive_id, quarantine.instrument)
        return add_new(self._rows, key, quarantine)

    def remove(self, survey: str, *, archive_id: str = "", instrument: str = "") -> bool:
        return self._rows.pop((survey, archive_id, instrument), None) is not None

    def of(self, observation: Observation) -> Quarantine | None:
        own = self._rows.get((observation.survey, observation.archive_id, ""))
        return own or self._rows.get((observation.survey, "", observation.instrument))

    def all(self, *, survey: str | None = None) -> Sequence[Quarantine]:
        return tuple(one for _, one in sorted(self._rows.items()) if survey is None or one.survey == survey)


class MemoryProcessingRounds:
    """ProcessingRounds in memory."""

    def __init__(self, rows: dict[str, int]) -> None:
        self._rows = rows

    def of(self, observation_id: str) -> int:
        return self._rows.get(observation_id, 0)

    def put(self, observation_id: str, number: int) -> bool:
        return add_or_replace(self._rows, observation_id, number)
