"""Objects on the sky and what is published about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyPosition


class EntryStatus(StrEnum):
    """What is thought of an object."""

    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """Its detections are found to be of other objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LightCurvePoint:
    """One measured brightness of an object; identity detection."""

    entry_id: UUID
    detection_id: str
    observation_id: str
    reference_digest: str
    """The reference that the flux is relative to."""
    position: SkyPosition
    position_err_arcsec: float | None = None
    """Standard deviation per axis: of the centroid and of the tie of its exposure; None where it is not known."""
    band: str
    mid_mjd: float
    zero_point_mag: float | None = None
    """AB magnitude of one count there; None without one."""
    flux: float
    """Difference flux, counts of the science exposure; negative where the source faded."""
    flux_err: float
    mag_ab: float | None
    """AB magnitude of abs(flux); None without a zero point."""
    mag_err: float | None
    significance: float
    """Signed S_corr, sigma."""
    score: float
    """Probability of being new in the sky."""
    root_id: str | None = None
    """The detection that was first published of this source in this exposure; None where it is this one."""

    @property
    def root(self) -> str:
        """The name by which the measurement founds an object, whichever run it is of now."""
        return self.root_id or self.detection_id

    @property
    def flux_njy(self) -> float | None:
        """Difference flux in nJy; None without a zero point."""
        return None if self.zero_point_mag is None else self.flux * njy_per_count(self.zero_point_mag)

    @property
    def flux_err_njy(self) -> float | None:
        """Its standard error."""
        return None if self.zero_point_mag is None else self.flux_err * njy_per_count(self.zero_point_mag)


def njy_per_count(zero_point_mag: float) -> float:
    """Return the flux density of one count whose AB magnitude is known: 31.4 mag are 1 nJy (Oke & Gunn 1983)."""
    return float(10.0 ** (-0.4 * (zero_point_mag - 31.4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """How fast an object moves over the sky, and where to."""

    rate_arcsec_h: float
    angle_deg: float
    """From north through east, 0 to 360."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """One object on the sky, gathering its detections."""

    id: UUID
    position: SkyPosition
    """Weighted mean of its detections; of a moving object its first one."""
    position_err_arcsec: float | None = None
    """Standard deviation per axis; None where that of a detection is not known."""
    motion: Motion | None = None
    """At its first detections; None for an object at rest."""
    first_mjd: float
    last_mjd: float
    n_detections: int
    best_score: float
    peak_significance: float
    """Signed significance of the strongest detection."""
    status: EntryStatus
    successor: UUID | None = None
    """Of a withdrawn object: the one that holds its first detection now."""

    @property
    def motion_rate_arcsec_h(self) -> float | None:
        """How fast it moves; None at rest."""
        return None if self.motion is None else self.motion.rate_arcsec_h

    @property
    def motion_angle_deg(self) -> float | None:
        """Where to, from north through east; None at rest."""
        return None if self.motion is None else self.motion.angle_deg


class Unmeasured(StrEnum):
    """Why an exposure that covers an object gives no brightness of it."""

    OFF_FRAME = "off_frame"
    """Beside its pixels: only the circle around it covers the place."""
    EDGE = "edge"
    MASKED = "masked"
    NO_ERROR = "no_error"
    """Its difference was stored before flux errors were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedPoint:
    """What a difference shows at the place of an object, found there or not; identity entry and difference run."""

    entry_id: UUID
    difference_key: RunKey
    observation_id: str
    reference_digest: str
    """The reference that the flux is relative to."""
    position: SkyPosition
    """Where it was measured: the place of the object as it was known then."""
    band: str
    mid_mjd: float
    zero_point_mag: float | None
    """AB magnitude of one count there; None without one."""
    reference_scale: float | None
    """Counts of the exposure per count of its reference."""
    flux: float | None
    """PSF flux of the difference, counts of the exposure; None where it could not be measured."""
    flux_err: float | None
    masked_fraction: float
    """Of the PSF, its pixels weighed by its square: what masked pixels hold."""
    unmeasured: Unmeasured | None = None
    flags: int = 0
    """MaskPlane bits of the pixel that was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFlux:
    """What a reference itself shows at the place of an object; identity entry and reference."""

    entry_id: UUID
    reference_digest: str
    flux: float | None
    """PSF flux, counts of the reference; None where it could not be measured."""
    flux_err: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analytics:
    """Measured facts about a night."""

    key: RunKey
    survey: str
    night: str
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON values only."""


RELEASED = "catalog.released"
"""The event that makes an extract public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One frozen, versioned extract of the catalog."""

    key: RunKey
    files: Mapping[str, ArtifactRef]
    """File name to stored bytes."""
    n_entries: int
    n_points: int
