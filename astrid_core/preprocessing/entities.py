"""What was done to an exposure before it may be compared with another."""

from dataclasses import dataclass

from astrid_core.observations.entities import WcsOrigin
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus


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
