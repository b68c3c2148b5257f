"""Memory twins of the records of calibration."""

from collections.abc import Sequence
from dataclasses import replace

from astrid_core.observations.entities import CalibrationFrame, CalibrationKind
from astrid_core.preprocessing.entities import CalibrationData, DetectorSetup, MasterStatus
from astrid_core.shared.errors import UnknownRecord
from tests.fakes.tables import add_new, add_or_replace


class MemoryCalibrationFrames:
    """CalibrationFrames in memory."""

    def __init__(self, rows: dict[str, CalibrationFrame]) -> None:
        self._rows = rows

    def add(self, frame: CalibrationFrame) -> bool:
        return add_or_replace(self._rows, frame.id, frame)

    def get(self, frame_id: str) -> CalibrationFrame:
        if frame_id not in self._rows:
            raise UnknownRecord("no such calibration frame", frame=frame_id)
        return self._rows[frame_id]

    def search(
        self,
        *,
        survey: str,
        kind: CalibrationKind | None = None,
        first_night: str | None = None,
        last_night: str | None = None,
    ) -> Sequence[CalibrationFrame]:
        found = [
            one
            for one in self._rows.values()
            if one.survey == survey
            and (kind is None or one.kind is kind)
            and (first_night is None or one.night >= first_night)
            and (last_night is None or one.night <= last_night)
        ]
        return tuple(sorted(found, key=lambda one: (one.mid_mjd, one.id)))


class MemoryCalibrationMasters:
    """CalibrationMasters in memory."""

    def __init__(self, rows: dict[str, CalibrationData]) -> None:
        self._rows = rows

    def add(self, master: CalibrationData) -> bool:
        return add_new(self._rows, master.digest, master)

    def get(self, digest: str) -> CalibrationData:
        if digest not in self._rows:
            raise UnknownRecord("no such master", digest=digest)
        return self._rows[digest]

    def search(
        self,
        *,
        survey: str | None = None,
        setup: DetectorSetup | None = None,
        kind: CalibrationKind | None = None,
        at_mjd: float | None = None,
    ) -> Sequence[CalibrationData]:
        found = [
            one
            for one in self._rows.values()
            if (survey is None or one.setup.survey == survey)
            and (setup is None or one.setup == setup)
            and (kind is None or one.kind is kind)
            and (at_mjd is None or one.valid_from_mjd <= at_mjd <= one.valid_to_mjd)
        ]
        return tuple(sorted(found, key=lambda one: (one.kind, one.band, one.mid_mjd, one.version, one.digest)))

    def settle(self, digest: str, status: MasterStatus, reason: str) -> None:
        self._rows[digest] = replace(self.get(digest), status=status, reason=reason)

    def lock(self) -> None:
        """Transactions in memory follow one another anyway."""
