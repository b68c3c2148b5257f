"""What the observations domain needs from outside."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from astrid_core.observations.entities import CalibrationFrame, CalibrationKind, Found, Observation, Rejection, Survey
from astrid_core.shared.sky import Region


class SurveyClient(Protocol):
    """One archive, telescope or folder."""

    @property
    def survey(self) -> Survey:
        """Which one it is."""
        ...

    def discover(self) -> Iterator[Found]:
        """Yield every exposure and calibration frame, or the reason why a file is neither.

        Raises ArchiveUnavailable if the survey cannot be read.
        """
        ...

    def fetch(self, observation: Observation | CalibrationFrame) -> bytes:
        """Return the bytes of the whole file; raise UnusableFile if they are not those that were ingested."""
        ...


class Observations(Protocol):
    """The record of exposures; identity ``survey:archive_id``."""

    def add(self, observation: Observation) -> bool:
        """Record it and tell whether it is new; a changed file under a known name replaces the older description."""
        ...

    def get(self, observation_id: str) -> Observation:
        """Return it, or raise UnknownRecord."""
        ...

    def search(
        self, *, survey: str | None = None, night: str | None = None, region: Region | None = None
    ) -> Sequence[Observation]:
        """Return matching exposures (by their centre) ordered by mid_mjd, then id."""
        ...

    def covering(self, region: Region) -> Sequence[Observation]:
        """Return exposures whose centre lies in ``region``, any survey, ordered by mid_mjd, then id."""
        ...

    def nights(self, *, survey: str | None = None) -> Sequence[str]:
        """Return the nights that hold exposures, oldest first."""
        ...


class CalibrationFrames(Protocol):
    """The record of raw bias, dark and flat frames; identity ``survey:archive_id``."""

    def add(self, frame: CalibrationFrame) -> bool:
        """Record it, or replace an older description; tell whether anything changed."""
        ...

    def get(self, frame_id: str) -> CalibrationFrame:
        """Return it, or raise UnknownRecord."""
        ...

    def search(
        self,
        *,
        survey: str,
        kind: CalibrationKind | None = None,
        first_night: str | None = None,
        last_night: str | None = None,
    ) -> Sequence[CalibrationFrame]:
        """Return matching frames of the nights between first and last, ordered by mid_mjd, then id."""
        ...


class Rejections(Protocol):
    """The record of unusable files; identity survey and archive_id."""

    def add(self, rejection: Rejection) -> bool:
        """Record it, replacing an older reason; tell whether anything changed."""
        ...

    def all(self, *, survey: str | None = None) -> Sequence[Rejection]:
        """Return them ordered by survey and archive_id."""
        ...

    def clear(self, survey: str, archive_id: str) -> None:
        """Forget a rejection: the file became usable."""
        ...
