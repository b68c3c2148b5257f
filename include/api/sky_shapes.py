"""What the API answers with: surveys, observations and what of the sky a night has seen."""

from pydantic import BaseModel


class SurveyShape(BaseModel):
    """An archive or telescope that is read."""

    name: str
    description: str
    calibrated: bool | None
    n_observations: int


class ObservationShape(BaseModel):
    """One exposure as its archive describes it."""

    id: str
    survey: str
    archive_id: str
    night: str
    ra_deg: float
    dec_deg: float
    radius_deg: float
    band: str
    exposure_s: float | None
    mid_mjd: float
    instrument: str
    detector: str
    object_name: str
    width_pix: int
    height_pix: int
    pixel_scale_arcsec: float | None
    file_digest: str
    zero_point_mag: float | None
    status: str
    """``quarantined``, ``searched``, ``skipped`` or ``waiting``."""


class NightShape(BaseModel):
    """A night of a survey."""

    night: str
    survey: str
    n_observations: int
    n_bands: int
    n_detections: int


class ExposureShape(BaseModel):
    """What one exposure of a night covers, and how deep."""

    id: str
    survey: str
    band: str
    ra_deg: float
    dec_deg: float
    radius_deg: float
    mid_mjd: float
    depth_mag: float | None
    status: str


class CellShape(BaseModel):
    """A cell of the sky in one night."""

    cell: str
    """``order/number``, HEALPix NESTED."""
    ra_deg: float
    dec_deg: float
    n_observations: int
    depth_mag: float | None
    """Of the deepest exposure."""


class CoverageShape(BaseModel):
    """What of the sky a night has seen."""

    night: str
    cell_order: int
    cells: list[CellShape]
    exposures: list[ExposureShape]
