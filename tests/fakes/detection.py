"""Memory twins of the detection domain's records."""

from collections.abc import Mapping, Sequence

from astrid_core.detection.entities import Detection, InjectionRun, ModelRun
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from tests.fakes.tables import add_new, typical


class MemoryModelRuns:
    """ModelRuns in memory."""

    def __init__(self, rows: dict[RunKey, ModelRun]) -> None:
        self._rows = rows

    def add(self, run: ModelRun) -> bool:
        if any(one.model_run != run.key or one.candidate.run != run.difference_key for one in run.detections):
            message = f"a detection is not of {run.key}"
            raise ValueError(message)
        return add_new(self._rows, run.key, run)

    def get(self, key: RunKey) -> ModelRun:
        if key not in self._rows:
            raise UnknownRecord("no such model run", run=key)
        return self._rows[key]

    def find(self, key: RunKey) -> ModelRun | None:
        return self._rows.get(key)

    def of_observation(self, observation_id: str) -> Sequence[ModelRun]:
        return tuple(run for _, run in sorted(self._rows.items()) if run.observation_id == observation_id)

    def typical_s(self) -> float | None:
        return typical(self._rows.values())

    def detections(self, detection_ids: Sequence[str]) -> Mapping[str, Detection]:
        return {one: self.detection(one) for one in detection_ids}

    def detection(self, detection_id: str) -> Detection:
        for run in self._rows.values():
            for one in run.detections:
                if one.id == detection_id:
                    return one
        raise UnknownRecord("no such detection", detection=detection_id)


class MemoryInjectionRuns:
    """InjectionRuns in memory."""

    def __init__(self, rows: dict[RunKey, InjectionRun]) -> None:
        self._rows = rows

    def add(self, run: InjectionRun) -> bool:
        return add_new(self._rows, run.key, run)

    def get(self, key: RunKey) -> InjectionRun:
        if key not in self._rows:
            raise UnknownRecord("no such injection run", run=key)
        return self._rows[key]

    def find(self, key: RunKey) -> InjectionRun | None:
        return self._rows.get(key)

    def of_difference(self, difference_key: RunKey) -> Sequence[InjectionRun]:
        return tuple(run for _, run in sorted(self._rows.items()) if run.difference_key == difference_key)
