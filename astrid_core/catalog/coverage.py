"""Which part of the sky a night has covered, and how deep."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import astropy.units as u
from astropy.coordinates import Latitude, Longitude
from mocpy import MOC

_SKY_DEG2 = 360.0**2 / math.pi
_CELLS_ACROSS = 500.0
"""Of the smallest frame: cells on its edge count in full, which makes an area too large by less than a per cent."""
_CELL_DEG = 58.6
"""Side of a cell of order 0."""
_MAX_ORDER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The frame of one exposure on the sky."""

    observation_id: str
    band: str
    corners: tuple[tuple[float, float], ...]
    """RA and Dec of the outer corners of the frame, one after the other around it."""
    limiting_mag: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BandCoverage:
    """What was covered in one band."""

    band: str
    n_exposures: int
    area_deg2: float
    """Of the sky, however often it was covered."""
    limiting_mag: float | None
    """Median over its exposures; None where none of them knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was searched in a night."""

    area_deg2: float
    """Of the sky inside the frames, masked pixels included, however often it was covered."""
    bands: tuple[BandCoverage, ...]
    footprints: tuple[Footprint, ...]
    n_unplaced: int
    """Searched exposures whose images tell no sky position, or are gone."""


def cover(footprints: Sequence[Footprint], *, n_unplaced: int = 0) -> Coverage | None:
    """Return what these frames cover; None without a frame."""
    if not footprints:
        return None
    order = _order(footprints)
    mocs = [_moc(one, order) for one in footprints]
    bands = []
    for band in sorted({one.band for one in footprints}):
        inside = [(one, moc) for one, moc in zip(footprints, mocs, strict=True) if one.band == band]
        depths = [one.limiting_mag for one, _ in inside if one.limiting_mag is not None]
        bands.append(
            BandCoverage(
                band=band,
                n_exposures=len(inside),
                area_deg2=_area_deg2([moc for _, moc in inside]),
                limiting_mag=median(depths) if depths else None,
            )
        )
    return Coverage(area_deg2=_area_deg2(mocs), bands=tuple(bands), footprints=tuple(footprints), n_unplaced=n_unplaced)


def _order(footprints: Sequence[Footprint]) -> int:
    sides = [_separation_deg(one.corners[0], one.corners[1]) for one in footprints]
    sides += [_separation_deg(one.corners[1], one.corners[2]) for one in footprints]
    return min(_MAX_ORDER, max(6, math.ceil(math.log2(_CELL_DEG * _CELLS_ACROSS / max(min(sides), 1e-6)))))


def _moc(footprint: Footprint, order: int) -> MOC:
    return MOC.from_polygon(
        lon=Longitude([ra for ra, _ in footprint.corners] * u.deg),
        lat=Latitude([dec for _, dec in footprint.corners] * u.deg),
        max_depth=order,
    )


def _area_deg2(mocs: Sequence[MOC]) -> float:
    return float(mocs[0].union(*mocs[1:]).sky_fraction if len(mocs) > 1 else mocs[0].sky_fraction) * _SKY_DEG2


def _separation_deg(one: tuple[float, float], other: tuple[float, float]) -> float:
    (lon1, lat1), (lon2, lat2) = (map(math.radians, place) for place in (one, other))
    across = math.sin((lat2 - lat1) / 2.0) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2.0) ** 2
    return math.degrees(2.0 * math.asin(min(1.0, math.sqrt(across))))
