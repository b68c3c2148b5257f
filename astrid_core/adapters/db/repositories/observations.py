"""Exposures and unusable files, in the database."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.statements import insert_or_replace, read, read_region
from astrid_core.adapters.db.rows.observations import ObservationRow, RejectionRow
from astrid_core.observations.entities import Observation, Rejection
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.sky import Region, SkyPosition, separation_arcsec


class SqlObservations:
    """Observations in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, observation: Observation) -> bool:
        """Record it, or replace an older description; tell whether anything changed."""
        return insert_or_replace(self._session, ObservationRow, ObservationRow.values(observation))

    def get(self, observation_id: str) -> Observation:
        """Return it, or raise UnknownRecord."""
        found = read(self._session, select(ObservationRow).where(ObservationRow.id == observation_id))
        if not found:
            raise UnknownRecord("no such observation", observation=observation_id)
        return found[0].entity()

    def search(
        self, *, survey: str | None = None, night: str | None = None, region: Region | None = None
    ) -> Sequence[Observation]:
        """Return matching exposures (by their centre) ordered by mid_mjd, then id."""
        wanted = select(ObservationRow)
        if survey is not None:
            wanted = wanted.where(ObservationRow.survey == survey)
        if night is not None:
            wanted = wanted.where(ObservationRow.night == night)
        if region is None:
            rows = list(read(self._session, wanted))
        else:
            rows = read_region(self._session, wanted, ObservationRow.hpx29, region)
        return tuple(sorted((row.entity() for row in rows), key=lambda seen: (seen.mid_mjd, seen.id)))

    def covering(self, region: Region) -> Sequence[Observation]:
        """Return exposures whose centre lies in ``region``, any survey, ordered by mid_mjd, then id."""
        return self.search(region=region)

    def holding(self, position: SkyPosition) -> Sequence[Observation]:
        """Return exposures whose circle around the frame holds a place, any survey, ordered by mid_mjd, then id."""
        widest = self._session.scalar(select(func.max(ObservationRow.radius_deg)))
        if not widest:
            return ()
        around = self.search(region=Region.cone(position, radius_deg=min(widest, 90.0)))
        return tuple(one for one in around if separation_arcsec(one.position, position) <= one.radius_deg * 3600.0)

    def nights(self, *, survey: str | None = None) -> Sequence[str]:
        """Return the nights that hold exposures, oldest first."""
        wanted = select(ObservationRow.night).distinct()
        if survey is not None:
            wanted = wanted.where(ObservationRow.survey == survey)
        return tuple(sorted(self._session.scalars(wanted)))


class SqlRejections:
    """Rejections in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, rejection: Rejection) -> bool:
        """Record it, replacing an older reason; tell whether anything changed."""
        return insert_or_replace(self._session, RejectionRow, RejectionRow.values(rejection))

    def all(self, *, survey: str | None = None) -> Sequence[Rejection]:
        """Return them ordered by survey and archive_id."""
        wanted = select(RejectionRow)
        if survey is not None:
            wanted = wanted.where(RejectionRow.survey == survey)
        found = [row.entity() for row in read(self._session, wanted)]
        return tuple(sorted(found, key=lambda one: (one.survey, one.archive_id)))

    def clear(self, survey: str, archive_id: str) -> None:
        """Forget a rejection: the file became usable."""
        self._session.execute(
            delete(RejectionRow).where(RejectionRow.survey == survey, RejectionRow.archive_id == archive_id)
        )
