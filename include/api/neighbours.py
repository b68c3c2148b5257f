"""What is near a detection, as the API answers it."""

from pydantic import BaseModel


class NeighbourShape(BaseModel):
    """An object or a detection beside another."""

    id: str
    ra_deg: float
    dec_deg: float
    separation_arcsec: float
    note: str
    """Status of an object, night of a detection."""


class StarShape(BaseModel):
    """A star of the reference catalog."""

    ra_deg: float
    dec_deg: float
    separation_arcsec: float


class NeighboursShape(BaseModel):
    """What is near a place, nearest first."""

    ra_deg: float | None
    dec_deg: float | None
    objects: list[NeighbourShape]
    detections: list[NeighbourShape]
    stars: list[StarShape]
    stars_from: str | None
    """Name of the catalog of stars; null where there is none."""
