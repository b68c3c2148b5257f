"""What the observations domain needs from outside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from astrid_core.observations.entities import (
    CalibrationFrame,
    CalibrationKind,
    ExternalImage,
    Found,
    ListedFile,
    Observation,
    Quarantine,
    Rejection,
    Survey,
    UndeliveredFile,
)
from astrid_core.observations.roles import Role
from astrid_core.shared.sky import Region, SkyPosition


class SurveyClient(Protocol):
    """One archive, telescope or folder."""

    @property
    def survey(self) -> Survey:
        """Which one it is."""
        ...

    def listing(self) -> Iterable[ListedFile]:
        """Return what it holds now, nothing opened yet; a question that fails raises, it is never an empty answer."""
        ...

    def discover(self, files: Iterable[ListedFile] | None = None) -> Iterator[Found]:
        """Yield every exposure and calibration frame of the files (by default: of all listed), in the order of names.

        A file that is neither comes as a Rejection, one that is not to be had now as an UndeliveredFile; the others go
        on. Raise ArchiveUnavailable, or what else stops all of it, if the survey itself cannot be read.
        """
        ...

    def fetch(self, observation: Observation | CalibrationFrame) -> bytes:
        """Return the bytes of the whole file; raise UnusableFile if they are not those that were ingested."""
        ...

    def images(self) -> Iterator[ExternalImage]:
        """Yield every file as an image, with or without a time; one that cannot be had is left out."""
        ...

    def companions(self, observation: Observation) -> Mapping[Role, bytes]:
        """Return the bytes of the maps beside it; raise UnusableFile if one is missing or not as it was ingested."""
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

    def holding(self, position: SkyPosition) -> Sequence[Observation]:
        """Return exposures whose circle around the frame holds a place, any survey, ordered by mid_mjd, then id."""
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


class UndeliveredFiles(Protocol):
    """The record of listed files that did not come; identity survey and archive_id."""

    def add(self, undelivered: UndeliveredFile) -> bool:
        """Record it, replacing what was known; tell whether anything changed."""
        ...

    def all(self, *, survey: str | None = None) -> Sequence[UndeliveredFile]:
        """Return them ordered by survey and archive_id."""
        ...

    def clear(self, survey: str, archive_id: str) -> None:
        """Forget one: it came, or is not listed any more."""
        ...


class Quarantines(Protocol):
    """The record of what is set aside; identity survey, archive_id and instrument."""

    def add(self, quarantine: Quarantine) -> bool:
        """Record it and tell whether it is new; one that stands already keeps its reason."""
        ...

    def remove(self, survey: str, *, archive_id: str = "", instrument: str = "") -> bool:
        """End it and tell whether there was one."""
        ...

    def of(self, observation: Observation) -> Quarantine | None:
        """Return why an exposure is set aside, its own quarantine before that of its instrument; None if it is not."""
        ...

    def all(self, *, survey: str | None = None) -> Sequence[Quarantine]:
        """Return them ordered by survey, archive_id and instrument."""
        ...


class ProcessingRounds(Protocol):
    """How often each exposure was asked to be done anew; identity observation."""

    def of(self, observation_id: str) -> int:
        """Return the round that its runs belong to now: 0 unless somebody asked."""
        ...

    def put(self, observation_id: str, number: int) -> bool:
        """Set it and tell whether that changed anything."""
        ...
