"""What was done to an exposure before it may be compared with another."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from astrid_core.observations.entities import CalibrationKind, WcsOrigin
from astrid_core.preprocessing.frame_terms import terms_of_no_mean
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
    tie: "CatalogTie | None" = None
    """None where no stars of a catalog confirm it."""

    @property
    def is_trusted(self) -> bool:
        """Tell whether a registration may start from it: a pointing alone has no orientation."""
        return self.origin is not WcsOrigin.POINTING


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogTie:
    """How an image was tied to the stars of a catalog, and how well; axes are those of the frame."""

    catalog: str
    method: str
    """``header`` (as it was), ``refined`` (the header was near enough), ``pointing`` or ``blind``."""
    model: str
    rms_x_mas: float
    rms_y_mas: float
    n_matched: int
    n_expected: int
    """Catalog stars inside the frame that are as bright as nearly all matched ones."""
    log10_chance: float
    offset_arcsec: float | None
    """Of header or pointing, in the middle; None without either."""
    residuals: tuple[tuple[float | None, float | None, int], ...]
    """Mean residual in x and y, mas, and number of stars in 4 x 4 cells of the frame, row by row; None where empty."""


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
class PhotometricSolution:
    """What a count of an exposure is in magnitudes, from stars of a reference catalog.

    m = zero_point_mag - 2.5 log10(flux) + colour_term (colour - colour_mag) + p(x, y), with AB magnitudes of the
    catalog's ``band``, PSF fluxes in counts of the whole exposure, and a polynomial p whose mean over the frame is 0.
    """

    catalog: str
    band: str
    zero_point_mag: float
    """AB magnitude of a star of one count and colour ``colour_mag`` in the mean over the frame."""
    zero_point_err_mag: float
    """Standard deviation: of fluxes, catalog and intrinsic scatter; not of the catalog's own zero point."""
    colour: tuple[str, str] | None
    """Catalog bands whose difference is the colour; None where none was asked for."""
    colour_mag: float | None
    """Mean colour of the stars; None where no colours are known."""
    colour_term: float | None
    """mag per mag; None where the stars do not tell it, see ``no_colour_term``."""
    colour_term_err: float | None
    no_colour_term: str
    """Why there is none; empty where there is one."""
    spatial_mag: tuple[float, ...]
    """Of p: x^i y^j minus its mean, i + j >= 1, ordered as in PsfModel, x and y from -1 to 1; empty where p is 0."""
    frame_shape: tuple[int, int]
    """(ny, nx)."""
    n_used: int
    n_rejected: int
    """Outliers: variables, blends, mismatches."""
    n_left_out: int
    """Too faint, unmeasured in the exposure, or unknown to the catalog in the bands that were used."""
    scatter_mag: float
    """Robust standard deviation of used and rejected stars about the solution."""
    intrinsic_mag: float
    """Scatter beyond what the errors of fluxes and catalog explain."""
    chi2: float
    """Reduced, without ``intrinsic_mag``."""

    def zero_point_at(self, x_pix: float, y_pix: float) -> float:
        """Return the zero point at a 0-based pixel position."""
        # A polynomial of degree n in two variables has (n + 1) (n + 2) / 2 terms, the constant included.
        degree = math.isqrt(2 * len(self.spatial_mag) + 2) - 1
        terms = terms_of_no_mean(x_pix, y_pix, degree, self.frame_shape)
        return self.zero_point_mag + float(terms @ np.array(self.spatial_mag))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureQuality:
    """The measured numbers that an exposure is judged by."""

    limiting_flux: float
    """PSF flux of a point source of 5 sigma, its own photons included, counts; median over the frame."""
    limiting_mag: float | None
    """The same in AB magnitudes; None without a zero point."""
    fwhm_pix: float
    seeing_arcsec: float | None
    """FWHM of the PSF in the middle of the frame; None without a WCS."""
    ellipticity: float
    """Of the PSF there, 1 - minor / major axis."""
    position_angle_deg: float | None
    """Of its major axis, from north through east, 0 to 180."""
    sky: float
    """Median background level, counts per pixel."""
    sky_mag_arcsec2: float | None
    """The same in AB magnitudes per square arcsecond; None without zero point or WCS, or where no sky is left."""
    airmass: float | None
    zero_point_scatter_mag: float | None
    """Robust, of the stars about the photometric solution."""
    masked_fraction: float


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
    photometry: PhotometricSolution | None = None
    exposure: ExposureQuality | None = None
    untied: tuple[str, ...] = ()
    """Why there is no tie to a catalog, or no zero point from it."""
    calibration: str = ""
    """The rule that decided whether masters were applied; empty for a run that did not come so far."""
    masters: tuple[str, ...] = ()
    """Digests of the masters that were applied."""
    elapsed_s: float = 0.0
    processing_round: int = 0
    """How often the exposure had been asked to be done anew; part of the key, and of those of the runs behind it."""

    def zero_point_at(self, x_pix: float, y_pix: float, *, header: float | None) -> float | None:
        """Return the zero point at a 0-based pixel: as measured, else that of the ``header``."""
        return header if self.photometry is None else self.photometry.zero_point_at(x_pix, y_pix)

    def zero_point_in_the_middle(self, *, header: float | None) -> float | None:
        """Return the zero point at the centre of the frame: as measured, else that of the ``header``."""
        return header if self.photometry is None else self.photometry.zero_point_mag

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
