"""What one image shows that another does not."""

from dataclasses import dataclass
from enum import StrEnum

from astrid_core.observations.compatibility import ReferenceClass
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.shared.sky import SkyCell, SkyPosition


class ReferenceStatus(StrEnum):
    """Whether a reference may be compared with."""

    DRAFT = "draft"
    """Built, and waiting for somebody to look at it."""
    ACTIVE = "active"
    """In use; only one of each key is."""
    RETIRED = "retired"
    """Was in use, or came out of quarantine."""
    QUARANTINED = "quarantined"
    """Wrong: must not be used, nor activated before it is retired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceKey:
    """What references compete for: of each key one is active."""

    survey: str
    family: str
    """The grid that its pixels lie on; for an image that others made, its file."""
    cell: SkyCell
    instrument: str
    band: str
    leaves_out: str
    """What was kept out of it on purpose, as ``LeaveOut`` writes it; empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceImage:
    """The deep, versioned image of a cell and band that others are compared with; identity its pixels' digest."""

    image: ArtifactRef
    family: str
    cell: SkyCell
    """Owns the sky inside it; of an image that others made, the cell of its middle."""
    instrument: str = ""
    band: str
    leaves_out: str = ""
    survey: str
    version: int
    """Counts the references of a survey, cell and band, from 1."""
    position: SkyPosition
    radius_deg: float
    inputs: tuple[RunKey, ...]
    """The preparations that were coadded."""
    nights: tuple[str, ...]
    """The nights they were taken in: none of these may be compared with this reference."""
    fwhm_pix: float
    sky_rms: float
    median_coverage: float | None = None
    """Inputs per pixel; None for references that were built before it was kept."""
    is_thin: bool = False
    """Made of fewer inputs than the build rule asks for: nothing in it was compared with two others."""
    status: ReferenceStatus = ReferenceStatus.DRAFT
    zero_point_mag: float | None = None
    mission: str = ""
    """By the registry of instruments; empty for strangers, whose survey stands for it."""
    pixel_scale_arcsec: float | None = None
    reference_class: ReferenceClass = ReferenceClass.A
    """B for an image that others made and that was imported."""
    recipe: RunKey
    """Key over version, settings and inputs: the same recipe is never coadded twice."""
    elapsed_s: float = 0.0

    @property
    def digest(self) -> str:
        """Digest of the image: the identity."""
        return self.image.digest

    @property
    def key(self) -> ReferenceKey:
        """What it competes for."""
        return ReferenceKey(
            survey=self.survey,
            family=self.family,
            cell=self.cell,
            instrument=self.instrument,
            band=self.band,
            leaves_out=self.leaves_out,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Pixels that stand out of one difference; no opinion yet."""

    run: RunKey
    number: int
    """1 for the strongest."""
    position: SkyPosition | None
    """None where the pair has no sky coordinates."""
    x_pix: float
    y_pix: float
    x_err_pix: float
    """Standard deviation of ``x_pix``; NaN where a record does not know it."""
    y_err_pix: float
    score: float
    """Signed S_corr at the peak, in sigma: negative for a source that faded."""
    flux: float
    """PSF flux of the difference, science counts."""
    flux_err: float
    chi2: float
    """Reduced chi-square of the difference around the peak against a point source; NaN where it is not known."""
    fwhm_pix: float
    ellipticity: float
    flags: int
    """MaskPlane bits within one FWHM, DIPOLE for one of two opposite poles, TRAIL also for a streak."""

    @property
    def id(self) -> str:
        """Run and number."""
        return f"{self.run}:{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How the science frame was tied to the reference."""

    offset_x_pix: float
    """Mean shift of the science header's WCS against the reference, science pixels."""
    offset_y_pix: float
    rms_pix: float
    """Scatter per axis of the matched stars after the fit."""
    n_matched: int
    method: str
    """``wcs`` or ``stars``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """That an exposure was compared with a reference, without what came of it."""

    observation_id: str
    run: RunKey
    reference_digest: str


class QualityLevel(StrEnum):
    """How far an exposure and its difference may be believed, best first."""

    GREEN = "green"
    YELLOW = "yellow"
    """Worth a look."""
    ORANGE = "orange"
    """Searched, but to be read with care."""
    RED = "red"
    """Nothing was taken from it: a table of such candidates would be a flood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The verdict on an exposure and its difference."""

    level: QualityLevel
    reasons: tuple[str, ...] = ()
    """Worst first, each with its number and limits; empty where all is green."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRun:
    """One science image minus one reference."""

    key: RunKey
    status: RunStatus
    reason: str = ""
    preprocess_key: RunKey
    observation_id: str
    reference_digests: tuple[str, ...] = ()
    """Of the cells that the exposure touches, first that of its middle; empty where no reference was found."""
    image: ArtifactRef | None = None
    """DIFFERENCE, SCORE, VARIANCE, MASK, PSF and, for the cutouts, SCIENCE and REFERENCE on the science grid."""
    registration: Registration | None = None
    flux_ratio: float | None = None
    """Science counts per reference count."""
    score_noise: float | None = None
    """Robust standard deviation of the score on the sky before it was divided by it."""
    source_noise: float | None = None
    """How much noisier, at least, the score was on bright sources than on the sky, before that was allowed for."""
    quality: Quality | None = None
    """None where nothing was subtracted."""
    method: str = ""
    """``zogy`` or ``kernel``: where the PSFs came from."""
    method_reason: str = ""
    n_usable_pix: int = 0
    candidates: tuple[Candidate, ...] = ()
    elapsed_s: float = 0.0

    @classmethod
    def skipped(
        cls,
        key: RunKey,
        *,
        preprocess_key: RunKey,
        observation_id: str,
        reference_digests: tuple[str, ...],
        reason: str,
    ) -> "DifferenceRun":
        """Return the record of a pair that could not be differenced."""
        return cls(
            key=key,
            status=RunStatus.SKIPPED,
            reason=reason,
            preprocess_key=preprocess_key,
            observation_id=observation_id,
            reference_digests=reference_digests,
        )
