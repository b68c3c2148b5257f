"""What happens to files and exposures around their processing, in the database."""

from collections.abc import Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import insert_new, insert_or_replace, read
from astrid_core.adapters.db.rows.lifecycle import ProcessingRoundRow, QuarantineRow, UndeliveredFileRow
from astrid_core.observations.entities import Observation, Quarantine, UndeliveredFile


class SqlUndeliveredFiles:
    """UndeliveredFiles in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, undelivered: UndeliveredFile) -> bool:
        """Record it, replacing what was known; tell whether anything changed."""
        return insert_or_replace(self._session, UndeliveredFileRow, UndeliveredFileRow.values(undelivered))

    def all(self, *, survey: str | None = None) -> Sequence[UndeliveredFile]:
        """Return them ordered by survey and archive_id."""
        wanted = select(UndeliveredFileRow)
        if survey is not None:
            wanted = wanted.where(UndeliveredFileRow.survey == survey)
        found = [row.entity() for row in read(self._session, wanted)]
        return tuple(sorted(found, key=lambda one: (one.survey, one.archive_id)))

    def clear(self, survey: str, archive_id: str) -> None:
        """Forget one: it came, or is not listed any more."""
        row = UndeliveredFileRow
        self._session.execute(delete(row).where(row.survey == survey, row.archive_id == archive_id))


class SqlQuarantines:
    """Quarantines in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, quarantine: Quarantine) -> bool:
        """Record it and tell whether it is new; one that stands already keeps its reason."""
        return insert_new(self._session, QuarantineRow, QuarantineRow.values(quarantine))

    def remove(self, survey: str, *, archive_id: str = "", instrument: str = "") -> bool:
        """End it and tell whether there was one."""
        row = QuarantineRow
        ended = delete(row).where(row.survey == survey, row.archive_id == archive_id, row.instrument == instrument)
        return self._session.connection().execute(ended).rowcount > 0

    def of(self, observation: Observation) -> Quarantine | None:
        """Return why an exposure is set aside, its own quarantine before that of its instrument; None if it is not."""
        row = QuarantineRow
        is_own = (row.archive_id == observation.archive_id) & (row.instrument == "")
        is_of_instrument = (row.archive_id == "") & (row.instrument == observation.instrument)
        wanted = select(row).where(row.survey == observation.survey, or_(is_own, is_of_instrument))
        found = [one.entity() for one in read(self._session, wanted)]
        return max(found, key=lambda one: one.archive_id, default=None)

    def all(self, *, survey: str | None = None) -> Sequence[Quarantine]:
        """Return them ordered by survey, archive_id and instrument."""
        wanted = select(QuarantineRow)
        if survey is not None:
            wanted = wanted.where(QuarantineRow.survey == survey)
        found = [row.entity() for row in read(self._session, wanted)]
        return tuple(sorted(found, key=lambda one: (one.survey, one.archive_id, one.instrument)))


class SqlProcessingRounds:
    """ProcessingRounds in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, observation_id: str) -> int:
        """Return the round that its runs belong to now: 0 unless somebody asked."""
        row = ProcessingRoundRow
        return self._session.scalar(select(row.number).where(row.observation_id == observation_id)) or 0

    def put(self, observation_id: str, number: int) -> bool:
        """Set it and tell whether that changed anything."""
        values = {"observation_id": observation_id, "number": number}
        return insert_or_replace(self._session, ProcessingRoundRow, values)
