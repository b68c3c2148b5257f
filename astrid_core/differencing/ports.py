"""What the differencing domain needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from astrid_core.differencing.entities import Comparison, DifferenceRun, ReferenceImage, ReferenceStatus
from astrid_core.differencing.retention import DifferenceRecipe, DroppedImage
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region, SkyCell, SkyPosition


class ReferenceImages(Protocol):
    """The record of references; identity the digest of the image."""

    def add(self, reference: ReferenceImage) -> bool:
        """Record it and tell whether it is new; an existing digest changes nothing."""
        ...

    def get(self, digest: str) -> ReferenceImage:
        """Return it, or raise UnknownRecord."""
        ...

    def search(
        self,
        *,
        region: Region | None = None,
        cell: SkyCell | None = None,
        band: str | None = None,
        status: ReferenceStatus | None = None,
    ) -> Sequence[ReferenceImage]:
        """Return references (by their centre), ordered by cell, band, version, digest."""
        ...

    def meeting(
        self, position: SkyPosition, radius_deg: float, *, status: ReferenceStatus | None = None
    ) -> Sequence[ReferenceImage]:
        """Return references whose circles meet a circle on the sky, in the same order."""
        ...

    def set_status(self, digest: str, status: ReferenceStatus) -> None:
        """Change what a reference may be used for; UnknownRecord where there is none.

        A second active one of a key is refused by the database: retire the first before.
        """
        ...

    def lock(self) -> None:
        """Hold back other builders until this transaction ends: a version is counted, then given."""
        ...


class DifferenceRuns(Protocol):
    """The record of differences with their candidates; identity RunKey."""

    def add(self, run: DifferenceRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        ...

    def get(self, key: RunKey) -> DifferenceRun:
        """Return it, or raise UnknownRecord."""
        ...

    def find(self, key: RunKey) -> DifferenceRun | None:
        """Return it, or None."""
        ...

    def of_observation(self, observation_id: str) -> Sequence[DifferenceRun]:
        """Return every difference of an observation, ordered by key."""
        ...

    def typical_s(self) -> float | None:
        """Return the median seconds of a hundred that succeeded, or of as many as there are; None without any."""
        ...

    def comparisons(self, reference_digests: Sequence[str]) -> Sequence[Comparison]:
        """Return what was compared with these references, ordered by observation, run, reference."""
        ...


class DifferenceRecipes(Protocol):
    """The record of settings that differences were made with; identity the digest."""

    def add(self, recipe: DifferenceRecipe) -> bool:
        """Record it and tell whether it is new."""
        ...

    def all(self) -> Sequence[DifferenceRecipe]:
        """Return every recipe, ordered by digest."""
        ...


class DroppedImages(Protocol):
    """The record of difference images that are not kept; identity the digest of the image."""

    def add(self, image: DroppedImage) -> bool:
        """Record that an image is not kept, and tell whether that is new."""
        ...

    def find(self, digest: str) -> DroppedImage | None:
        """Return it, or None."""
        ...

    def all(self) -> Sequence[DroppedImage]:
        """Return all that are not kept, ordered by run."""
        ...

    def remove(self, digest: str) -> None:
        """Forget it: the image is there again."""
        ...

    def unneeded(self) -> Sequence[RunKey]:
        """Return the runs whose images are kept though nothing needs them, ordered.

        Needed are images of detections that wait for people, that somebody has judged, that are shown as seeds, and
        that are points of objects: a release shows those.
        """
        ...
