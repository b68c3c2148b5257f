"""Preparations, in the database."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import insert_new, read, typical
from astrid_core.adapters.db.rows.preprocessing import PreprocessRunRow
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey


class SqlPreprocessRuns:
    """PreprocessRuns in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: PreprocessRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        return insert_new(self._session, PreprocessRunRow, PreprocessRunRow.values(run))

    def get(self, key: RunKey) -> PreprocessRun:
        """Return it, or raise UnknownRecord."""
        found = self.find(key)
        if found is None:
            raise UnknownRecord("no such preparation", run=key)
        return found

    def find(self, key: RunKey) -> PreprocessRun | None:
        """Return it, or None."""
        found = read(self._session, select(PreprocessRunRow).where(PreprocessRunRow.key == key))
        return found[0].entity() if found else None

    def of_observation(self, observation_id: str) -> Sequence[PreprocessRun]:
        """Return every preparation of an observation, ordered by key."""
        wanted = select(PreprocessRunRow).where(PreprocessRunRow.observation_id == observation_id)
        return tuple(sorted((row.entity() for row in read(self._session, wanted)), key=lambda run: run.key))

    def typical_s(self) -> float | None:
        """Return the median seconds of a hundred that succeeded, or of as many as there are; None without any."""
        return typical(self._session, PreprocessRunRow.elapsed_s, PreprocessRunRow.status)
