"""What was looked at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from astropy.time import Time

from astrid_core.observations.roles import Role
from astrid_core.shared.sky import SkyCell, SkyPosition


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A map that an archive keeps in a file of its own beside an image: weight, noise, mask or exposure."""

    role: Role
    archive_id: str
    digest: str = ""
    """SHA-256 of the file as ingested; empty where the archive lists it but did not give it."""


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
    companions: tuple[Companion, ...] = ()
    """Maps in files of their own, ordered by role."""

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
class ExternalImage:
    """An image that others made out of what we do not have, such as a cutout of a survey; often without a time."""

    archive_id: str
    content: bytes
    """The FITS file."""
    made_from: str = ""
    """The survey that it shows, as its maker calls it; empty where the header is to tell."""
    pixel_units: str = ""
    epoch: str = ""
    """Time or span, as its maker says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file as its survey lists it, before anybody has opened it."""

    archive_id: str
    n_bytes: int | None = None
    """As listed; None where the survey does not say."""
    sha256: str = ""
    """As listed, in hexadecimal; empty where the survey does not say."""
    problem: str = ""
    """Why it cannot be asked for; empty if it can."""
    beside: tuple["ListedFile", ...] = ()
    """Its weight, mask and exposure maps: files of their own that are kept in the same folder."""
    position: SkyPosition | None = None
    """Centre, as listed; None where the list does not say."""
    mid_mjd: float | None = None
    """Middle of the exposure, as listed; None where the list does not say."""

    @property
    def version(self) -> str:
        """What changes when the survey holds another file under this name: its checksum, else its size."""
        return self.sha256 or ("" if self.n_bytes is None else str(self.n_bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeliveredFile:
    """A file that a survey lists but did not give, and how often in a row it was asked for."""

    survey: str
    archive_id: str
    reason: str
    """One line: what came instead, the last time."""
    version: str = ""
    """Of the listed file (``ListedFile.version``)."""
    n_attempts: int = 1
    """Looks in a row that asked for this version of it in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """An exposure, or every exposure of an instrument, that is set aside until somebody releases it."""

    survey: str
    archive_id: str = ""
    """Empty where it is about an instrument."""
    instrument: str = ""
    """Empty where it is about one exposure."""
    reason: str
    actor: str
    """Who set it aside."""
    at: datetime
    """Aware UTC."""

    def __post_init__(self) -> None:
        if bool(self.archive_id) == bool(self.instrument):
            message = f"a quarantine is of an exposure or of an instrument, not of {self.archive_id or 'neither'!r}"
            raise ValueError(message)
        if not self.reason.strip():
            raise ValueError("a quarantine needs a reason")

    @property
    def target(self) -> str:
        """What is set aside: ``survey:archive_id``, or ``survey/instrument``."""
        return f"{self.survey}:{self.archive_id}" if self.archive_id else f"{self.survey}/{self.instrument}"

    @property
    def told(self) -> str:
        """Why and by whom, on one line."""
        where = f" (all of {self.instrument})" if self.instrument else ""
        return f"{self.reason}; by {self.actor}, {self.at:%Y-%m-%d %H:%M} UTC{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A file or frame that cannot become an Observation, and why."""

    survey: str
    archive_id: str
    reason: str
    """One line with the number or keyword that decided it."""


def night_of(mid_mjd: float) -> str:
    """Return ``YYYY-MM-DD``: the UTC date on which the night began, nights running from noon to noon."""
    began: datetime = Time(mid_mjd, format="mjd", scale="utc").to_datetime() - timedelta(hours=12)
    return began.date().isoformat()
