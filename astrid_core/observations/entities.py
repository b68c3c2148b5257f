"""What was looked at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from astropy.time import Time

from astrid_core.shared.sky import SkyCell, SkyPosition


class CalibrationKind(StrEnum):
    """What a calibration frame or a master is about."""

    BIAS = "bias"
    DARK = "dark"
    FLAT = "flat"
    BAD_PIXELS = "bad_pixels"
    """Of masters only: made from darks and flats."""


class WcsOrigin(StrEnum):
    """Where the sky coordinates of an exposure come from."""

    HEADER = "header"
    """A celestial WCS in its header."""
    POINTING = "pointing"
    """Only the telescope's pointing and pixel scale; the orientation is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """An archive or telescope that we read."""

    name: str
    """Lower-case letters, digits and hyphens."""
    description: str = ""
    calibrated: bool | None = None
    """Whether its exposures are free of bias, dark current and flat field; None where nobody has said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One exposure as its archive describes it."""

    survey: str
    archive_id: str
    """The archive's own name; for a folder the relative path, with ``[n]`` for an extension behind the first image."""
    extension: int
    """0-based number of the HDU that holds the pixels."""
    file_digest: str
    """SHA-256 of the whole file as ingested."""
    position: SkyPosition
    """Centre of the frame."""
    radius_deg: float
    """From the centre to the farthest corner."""
    wcs_origin: WcsOrigin
    pixel_scale_arcsec: float
    width_pix: int
    height_pix: int
    band: str
    exposure_s: float
    mid_mjd: float
    """Middle of the exposure, UTC."""
    instrument: str = ""
    object_name: str = ""
    gain_e_adu: float | None = None
    read_noise_e: float | None = None
    saturation_adu: float | None = None
    zero_point_mag: float | None = None
    """AB magnitude of one count in the whole exposure."""
    detector: str = ""
    """Which one of a mosaic; empty where there is but one."""
    binning: str = "1x1"
    """Along columns and rows."""
    calibrated_by: str = ""
    """The header card that says that bias and flat are off already; empty where none says so."""

    @property
    def id(self) -> str:
        """``survey:archive_id``."""
        return f"{self.survey}:{self.archive_id}"

    @property
    def night(self) -> str:
        """The night it belongs to."""
        return night_of(self.mid_mjd)

    def cell(self, order: int) -> SkyCell:
        """Return the cell of ``order`` that holds the centre."""
        return SkyCell.containing(self.position, order=order)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFrame:
    """A raw bias, dark or flat: shows no sky, and is an input of masters."""

    survey: str
    archive_id: str
    extension: int
    """0-based number of the HDU that holds the pixels."""
    file_digest: str
    """SHA-256 of the whole file as ingested."""
    kind: CalibrationKind
    instrument: str
    detector: str = ""
    binning: str = "1x1"
    width_pix: int
    height_pix: int
    band: str = ""
    """Of a flat; empty for others."""
    exposure_s: float
    """0 for a bias."""
    mid_mjd: float
    """Middle of the exposure, UTC."""
    saturation_adu: float | None = None

    @property
    def id(self) -> str:
        """``survey:archive_id``."""
        return f"{self.survey}:{self.archive_id}"

    @property
    def night(self) -> str:
        """The night it belongs to."""
        return night_of(self.mid_mjd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A file or frame that cannot become an Observation, and why."""

    survey: str
    archive_id: str
    reason: str
    """One line with the number or keyword that decided it."""


Found: TypeAlias = Observation | CalibrationFrame | Rejection
"""What a look at a survey finds."""


def night_of(mid_mjd: float) -> str:
    """Return ``YYYY-MM-DD``: the UTC date on which the night began, nights running from noon to noon."""
    began: datetime = Time(mid_mjd, format="mjd", scale="utc").to_datetime() - timedelta(hours=12)
    return began.date().isoformat()
