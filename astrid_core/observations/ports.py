"""What the observations domain needs from outside."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from astrid_core.observations.entities import ExternalImage, Observation, Rejection, Survey
from astrid_core.observations.roles import Role
from astrid_core.shared.sky import Region


class SurveyClient(Protocol):
    """One archive, telescope or folder."""

    @property
    def survey(self) -> Survey:
        """Which one it is."""
        ...

    def discover(self) -> Iterator[Observation | Rejection]:
        """Yield every exposure, or the reason why a file is none; raise ArchiveUnavailable if it cannot be read."""
        ...

    def fetch(self, observation: Observation) -> bytes:
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

    def nights(self, *, survey: str | None = None) -> Sequence[str]:
        """Return the nights that hold exposures, oldest first."""
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
