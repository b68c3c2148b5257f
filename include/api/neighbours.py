"""What is near a detection, as the API answers it."""

from uuid import UUID

from pydantic import BaseModel

from astrid_core.catalog.context import ObjectClass
from astrid_core.catalog.known_sources import SourceKind
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


class KnownShape(BaseModel):
    """An object that others have found, where it was at the time of the exposure."""

    id: str
    kind: SourceKind
    type: str
    """As its catalog classes it; empty where it does not."""
    catalog: str
    ra_deg: float
    dec_deg: float
    separation_arcsec: float
    mag: float | None
    redshift: float | None


class MinorPlanetShape(BaseModel):
    """A minor planet or comet, where it stood at the time of the exposure."""

    name: str
    is_comet: bool
    ra_deg: float
    dec_deg: float
    separation_arcsec: float
    err_arcsec: float
    """How far off the place may be."""
    mag_v: float | None
    motion_ra_arcsec_h: float
    """Along the parallel."""
    motion_dec_arcsec_h: float


class MatchShape(BaseModel):
    """A known object that may be an object of the catalog, or hold it."""

    kind: SourceKind
    catalog: str
    source_id: str
    source_type: str
    ra_deg: float
    dec_deg: float
    separation_arcsec: float
    err_arcsec: float
    chance: float
    """Probability that something like it lies as near by chance."""
    reliability: float | None
    """Probability of being the same, where before looking it was even; null for hosts."""
    mag: float | None
    redshift: float | None
    observation_id: str
    """The exposure of a minor planet; empty for what stays in its place."""


class ContextShape(BaseModel):
    """What is known about an object of the catalog from elsewhere, and what it therefore is."""

    entry_id: UUID
    object_class: ObjectClass
    reason: str
    matches: list[MatchShape]
    """By kind, then likeliest first."""
    looked_in: list[str]
    """Catalogs that know the place."""


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
    known: list[KnownShape]
    known_from: list[str]
    """Names of the catalogs of known objects."""
    minor_planets: list[MinorPlanetShape]
    minor_planets_from: str | None
    """Name of the orbits; null where none were imported."""
