"""What the preprocessing domain needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from astrid_core.observations.entities import CalibrationKind
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.entities import CalibrationData, DetectorSetup, MasterStatus, PreprocessRun
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region


class StarCatalog(Protocol):
    """A catalog of reference stars with positions, proper motions and magnitudes, on disk or a service."""

    @property
    def name(self) -> str:
        """Name and release, with the digest of its contents where it lies on disk: part of run keys."""
        ...

    def stars(self, region: Region, *, max_stars: int) -> CatalogStars:
        """Return the brightest stars inside ``region``, brightest first; raise CatalogUnavailable if it cannot be read.

        Finding none is an empty result; a region that the catalog does not cover raises NotCovered.
        """
        ...


class CalibrationMasters(Protocol):
    """The record of masters; identity digest."""

    def add(self, master: CalibrationData) -> bool:
        """Record it and tell whether it is new; an existing digest changes nothing."""
        ...

    def get(self, digest: str) -> CalibrationData:
        """Return it, or raise UnknownRecord."""
        ...

    def search(
        self,
        *,
        survey: str | None = None,
        setup: DetectorSetup | None = None,
        kind: CalibrationKind | None = None,
        at_mjd: float | None = None,
    ) -> Sequence[CalibrationData]:
        """Return matching masters, rejected ones as well, those valid at ``at_mjd`` where that is given.

        Ordered by kind, band, mid_mjd, version.
        """
        ...

    def settle(self, digest: str, status: MasterStatus, reason: str) -> None:
        """Accept or reject a master after all; raise UnknownRecord where there is none."""
        ...

    def lock(self) -> None:
        """Hold back other builders until this transaction ends: a version is counted, then given."""
        ...


class PreprocessRuns(Protocol):
    """The record of preparations; identity RunKey."""

    def add(self, run: PreprocessRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        ...

    def get(self, key: RunKey) -> PreprocessRun:
        """Return it, or raise UnknownRecord."""
        ...

    def find(self, key: RunKey) -> PreprocessRun | None:
        """Return it, or None."""
        ...

    def of_observation(self, observation_id: str) -> Sequence[PreprocessRun]:
        """Return every preparation of an observation, ordered by key."""
        ...

    def typical_s(self) -> float | None:
        """Return the median seconds of a hundred that succeeded, or of as many as there are; None without any."""
        ...
