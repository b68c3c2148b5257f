"""What was done to an exposure before it may be compared with another."""

from dataclasses import dataclass
from enum import StrEnum

from astrid_core.observations.entities import CalibrationKind, WcsOrigin
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus


class MasterStatus(StrEnum):
    """Whether a master may be applied."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSetup:
    """Frames of one setup share masters: one detector of one instrument, read out in one way."""

    survey: str
    instrument: str
    detector: str
    """Which one of a mosaic; empty where there is but one."""
    binning: str
    width_pix: int
    """Of the raw frame, overscan included."""
    height_pix: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationData:
    """A master bias, dark, flat or bad-pixel mask, and when it is valid."""

    image: ArtifactRef
    """Pixels, variance and number of inputs."""
    kind: CalibrationKind
    setup: DetectorSetup
    band: str
    """Of a flat, and of a bad-pixel mask made with one; empty for others."""
    valid_from_mjd: float
    valid_to_mjd: float
    mid_mjd: float
    """Mean time of the inputs: of several valid masters the nearest applies."""
    version: int
    """From 1, of its kind, setup and band."""
    inputs: tuple[str, ...]
    """Ids of the calibration frames; of a bad-pixel mask digests of the masters."""
    level: float
    """Median of the pixels: counts, counts per second, 1; of a bad-pixel mask the part that is bad."""
    scatter: float
    """Robust scatter of the pixels about it."""
    deviating_fraction: float | None
    """Part of the pixels that deviate from the master before it; None for a first one."""
    status: MasterStatus
    reason: str = ""
    """Why it was rejected, or who accepted it after all and why."""
    recipe: RunKey
    """Stage, settings, frames and masters that it was made from."""
    elapsed_s: float = 0.0

    @property
    def digest(self) -> str:
        """Of the stored master."""
        return self.image.digest

    @property
    def n_inputs(self) -> int:
        """How many frames it was made from."""
        return len(self.inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class WCSInfo:
    """The astrometric solution of a prepared image."""

    origin: WcsOrigin
    pixel_scale_arcsec: float
    """Geometric mean over both axes at the centre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuality:
    """Measured facts about a prepared image."""

    n_stars: int
    """Stars that the PSF was measured from."""
    fwhm_pix: float
    psf_residual: float
    """Robust scatter of the stars about the PSF model, as a fraction of their flux in the core."""
    sky: float
    """Median background level, counts."""
    sky_rms: float
    """Background noise per pixel, counts."""
    gain_e_count: float | None
    """Electrons per count used for the photon noise; None where neither header nor pixels tell."""
    saturation: float | None
    masked_fraction: float
    depth_mag: float | None
    """5-sigma limit for a point source, AB; None without a zero point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessRun:
    """The recorded preparation of one observation."""

    key: RunKey
    status: RunStatus
    reason: str = ""
    observation_id: str
    raw: ArtifactRef | None = None
    """The file as it was fetched."""
    image: ArtifactRef | None = None
    """The prepared SkyImage."""
    wcs: WCSInfo | None = None
    quality: ImageQuality | None = None
    calibration: str = ""
    """The rule that decided whether masters were applied; empty for a run that did not come so far."""
    masters: tuple[str, ...] = ()
    """Digests of the masters that were applied."""
    elapsed_s: float = 0.0
    processing_round: int = 0
    """How often the exposure had been asked to be done anew; part of the key, and of those of the runs behind it."""

    @classmethod
    def skipped(cls, key: RunKey, observation_id: str, reason: str, *, processing_round: int = 0) -> "PreprocessRun":
        """Return the record of an observation that could not be prepared."""
        return cls(
            key=key,
            status=RunStatus.SKIPPED,
            reason=reason,
            observation_id=observation_id,
            processing_round=processing_round,
        )
