"""Calibration frames and masters, in the database."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, take
from astrid_core.adapters.db.repositories.statements import insert_new, insert_or_replace, read
from astrid_core.adapters.db.rows.calibration import CalibrationDataRow, CalibrationFrameRow
from astrid_core.observations.entities import CalibrationFrame, CalibrationKind
from astrid_core.preprocessing.entities import CalibrationData, DetectorSetup, MasterStatus
from astrid_core.shared.errors import UnknownRecord


class SqlCalibrationFrames:
    """CalibrationFrames in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, frame: CalibrationFrame) -> bool:
        """Record it, or replace an older description; tell whether anything changed."""
        return insert_or_replace(self._session, CalibrationFrameRow, CalibrationFrameRow.values(frame))

    def get(self, frame_id: str) -> CalibrationFrame:
        """Return it, or raise UnknownRecord."""
        found = read(self._session, select(CalibrationFrameRow).where(CalibrationFrameRow.id == frame_id))
        if not found:
            raise UnknownRecord("no such calibration frame", frame=frame_id)
        return found[0].entity()

    def search(
        self,
        *,
        survey: str,
        kind: CalibrationKind | None = None,
        first_night: str | None = None,
        last_night: str | None = None,
    ) -> Sequence[CalibrationFrame]:
        """Return matching frames of the nights between first and last, ordered by mid_mjd, then id."""
        wanted = select(CalibrationFrameRow).where(CalibrationFrameRow.survey == survey)
        if kind is not None:
            wanted = wanted.where(CalibrationFrameRow.kind == kind.value)
        if first_night is not None:
            wanted = wanted.where(CalibrationFrameRow.night >= first_night)
        if last_night is not None:
            wanted = wanted.where(CalibrationFrameRow.night <= last_night)
        found = [row.entity() for row in read(self._session, wanted)]
        return tuple(sorted(found, key=lambda one: (one.mid_mjd, one.id)))


class SqlCalibrationMasters:
    """CalibrationMasters in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, master: CalibrationData) -> bool:
        """Record it and tell whether it is new; an existing digest changes nothing."""
        return insert_new(self._session, CalibrationDataRow, CalibrationDataRow.values(master))

    def get(self, digest: str) -> CalibrationData:
        """Return it, or raise UnknownRecord."""
        found = read(self._session, select(CalibrationDataRow).where(CalibrationDataRow.digest == digest))
        if not found:
            raise UnknownRecord("no such master", digest=digest)
        return found[0].entity()

    def search(
        self,
        *,
        survey: str | None = None,
        setup: DetectorSetup | None = None,
        kind: CalibrationKind | None = None,
        at_mjd: float | None = None,
    ) -> Sequence[CalibrationData]:
        """Return matching masters, rejected ones as well, ordered by kind, band, mid_mjd, version."""
        wanted = select(CalibrationDataRow)
        if survey is not None:
            wanted = wanted.where(CalibrationDataRow.survey == survey)
        if setup is not None:
            wanted = wanted.where(
                CalibrationDataRow.survey == setup.survey,
                CalibrationDataRow.instrument == setup.instrument,
                CalibrationDataRow.detector == setup.detector,
                CalibrationDataRow.binning == setup.binning,
                CalibrationDataRow.width_pix == setup.width_pix,
                CalibrationDataRow.height_pix == setup.height_pix,
            )
        if kind is not None:
            wanted = wanted.where(CalibrationDataRow.kind == kind.value)
        if at_mjd is not None:
            wanted = wanted.where(
                CalibrationDataRow.valid_from_mjd <= at_mjd, CalibrationDataRow.valid_to_mjd >= at_mjd
            )
        found = [row.entity() for row in read(self._session, wanted)]
        return tuple(sorted(found, key=lambda one: (one.kind, one.band, one.mid_mjd, one.version, one.digest)))

    def settle(self, digest: str, status: MasterStatus, reason: str) -> None:
        """Accept or reject a master after all; raise UnknownRecord where there is none."""
        self.get(digest)
        self._session.execute(
            update(CalibrationDataRow)
            .where(CalibrationDataRow.digest == digest)
            .values(status=status.value, reason=reason)
            .execution_options(synchronize_session=False)
        )

    def lock(self) -> None:
        """Hold back other builders until this transaction ends: a version is counted, then given."""
        take(self._session.connection(), Lock.NUMBER_CALIBRATION)
