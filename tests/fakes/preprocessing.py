"""Memory twin of the preprocessing domain's record."""

from collections.abc import Sequence

from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from tests.fakes.tables import add_new, typical


class MemoryPreprocessRuns:
    """PreprocessRuns in memory."""

    def __init__(self, rows: dict[RunKey, PreprocessRun]) -> None:
        self._rows = rows

    def add(self, run: PreprocessRun) -> bool:
        return add_new(self._rows, run.key, run)

    def get(self, key: RunKey) -> PreprocessRun:
        if key not in self._rows:
            raise UnknownRecord("no such preparation", run=key)
        return self._rows[key]

    def find(self, key: RunKey) -> PreprocessRun | None:
        return self._rows.get(key)

    def of_observation(self, observation_id: str) -> Sequence[PreprocessRun]:
        return tuple(run for _, run in sorted(self._rows.items()) if run.observation_id == observation_id)

    def typical_s(self) -> float | None:
        return typical(self._rows.values())
