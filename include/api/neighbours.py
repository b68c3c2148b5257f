"""What is near a detection, as the API answers it."""

from uuid import UUID

from pydantic import BaseModel

from include.api.shapes import PointShape


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
    mag_ab: float | None
    """In the first band that the catalog has of it."""
    band: str | None


class HistoryShape(PointShape):
    """Another time that the same object was detected."""

    separation_arcsec: float


class NeighboursShape(BaseModel):
    """What is near a place, nearest first; what belongs to the same object stands apart."""

    ra_deg: float | None
    dec_deg: float | None
    entry_id: UUID | None
    """The object that the detection belongs to; null before it is published."""
    history: list[HistoryShape]
    """Its other detections, oldest first."""
    objects: list[NeighbourShape]
    detections: list[NeighbourShape]
    stars: list[StarShape]
    stars_from: str | None
    """Name of the catalog of stars; null where there is none."""
