"""Model runs and injection runs, in the database."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, insert, select, tuple_
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import insert_new, read, typical
from astrid_core.adapters.db.rows.detection import DetectionRow, InjectionRunRow, ModelRunRow
from astrid_core.adapters.db.rows.differencing import CandidateRow
from astrid_core.detection.entities import Detection, InjectionRun, ModelRun
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey

_BATCH = 200
"""Keys in one statement."""
_LONGEST = 19
"""Digits of the first number that no column holds."""


class SqlModelRuns:
    """ModelRuns in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: ModelRun) -> bool:
        """Record it with its detections and tell whether it is new; an existing key changes nothing."""
        for one in run.detections:
            if one.model_run != run.key or one.candidate.run != run.difference_key:
                message = f"detection {one.id} of candidate {one.candidate.id} is not of {run.key}"
                raise ValueError(message)
        is_new = insert_new(self._session, ModelRunRow, ModelRunRow.values(run))
        if is_new and run.detections:
            self._session.execute(insert(DetectionRow), [DetectionRow.values(one) for one in run.detections])
        return is_new

    def get(self, key: RunKey) -> ModelRun:
        """Return it, or raise UnknownRecord."""
        found = self.find(key)
        if found is None:
            raise UnknownRecord("no such model run", run=key)
        return found

    def find(self, key: RunKey) -> ModelRun | None:
        """Return it, or None."""
        found = read(self._session, select(ModelRunRow).where(ModelRunRow.key == key))
        return self._entity(found[0]) if found else None

    def of_observation(self, observation_id: str) -> Sequence[ModelRun]:
        """Return every model run on an observation, ordered by key."""
        wanted = select(ModelRunRow).where(ModelRunRow.observation_id == observation_id)
        return tuple(sorted((self._entity(row) for row in read(self._session, wanted)), key=lambda run: run.key))

    def typical_s(self) -> float | None:
        """Return the median seconds of a hundred that succeeded, or of as many as there are; None without any."""
        return typical(self._session, ModelRunRow.elapsed_s, ModelRunRow.status)

    def detection(self, detection_id: str) -> Detection:
        """Return one detection, or raise UnknownRecord."""
        return self.detections([detection_id])[detection_id]

    def detections(self, detection_ids: Sequence[str]) -> Mapping[str, Detection]:
        """Return these detections by identity, or raise UnknownRecord for one that does not exist."""
        parts = {one: one.rpartition(":") for one in detection_ids}
        keys = [
            (run, int(number)) for run, _, number in parts.values() if number.isdecimal() and len(number) < _LONGEST
        ]
        found: dict[str, Detection] = {}
        for start in range(0, len(keys), _BATCH):
            some = tuple_(DetectionRow.model_run, DetectionRow.number).in_(keys[start : start + _BATCH])
            found |= {one.id: one for one in self._detections(some)}
        for one in detection_ids:
            if one not in found:
                raise UnknownRecord("no such detection", detection=one)
        return {one: found[one] for one in detection_ids}

    def _entity(self, row: ModelRunRow) -> ModelRun:
        return row.entity(self._detections(DetectionRow.model_run == row.key))

    def _detections(self, wanted: ColumnElement[bool]) -> tuple[Detection, ...]:
        of_candidate = and_(CandidateRow.run == DetectionRow.difference_key, CandidateRow.number == DetectionRow.number)
        joined = select(DetectionRow, CandidateRow).join(CandidateRow, of_candidate).where(wanted)
        pairs = self._session.execute(joined.order_by(DetectionRow.number))
        return tuple(detection.entity(candidate.entity()) for detection, candidate in pairs)


class SqlInjectionRuns:
    """InjectionRuns in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: InjectionRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        return insert_new(self._session, InjectionRunRow, InjectionRunRow.values(run))

    def get(self, key: RunKey) -> InjectionRun:
        """Return it, or raise UnknownRecord."""
        found = self.find(key)
        if found is None:
            raise UnknownRecord("no such injection run", run=key)
        return found

    def find(self, key: RunKey) -> InjectionRun | None:
        """Return it, or None."""
        found = read(self._session, select(InjectionRunRow).where(InjectionRunRow.key == key))
        return found[0].entity() if found else None

    def of_difference(self, difference_key: RunKey) -> Sequence[InjectionRun]:
        """Return every injection run on the exposure and reference of a difference, ordered by key."""
        wanted = select(InjectionRunRow).where(InjectionRunRow.difference_key == difference_key)
        return tuple(sorted((row.entity() for row in read(self._session, wanted)), key=lambda run: run.key))
