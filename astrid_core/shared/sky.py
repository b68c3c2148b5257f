"""Places on the sky: positions, HEALPix cells and regions. All angles are ICRS degrees."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.coordinates import Latitude, Longitude
from astropy_healpix import HEALPix
from mocpy import MOC

OPERATIONS_ORDER = 6
"""Of the cells by which people work: backfills, coverage, imported images; 0.84 square degrees each."""

HPX_ORDER = 29
"""Order of the position index: cells of 0.4 milliarcseconds, numbers that fit a signed 64-bit integer."""

_INDEX = HEALPix(nside=2**HPX_ORDER, order="nested")
_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_REGION_DEPTH_LIMIT = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyPosition:
    """A direction: right ascension in [0, 360) and declination in [-90, 90]."""

    ra_deg: float
    dec_deg: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ra_deg) and 0.0 <= self.ra_deg < 360.0):
            message = f"ra_deg must lie in [0, 360), not {self.ra_deg!r}"
            raise ValueError(message)
        if not (math.isfinite(self.dec_deg) and -90.0 <= self.dec_deg <= 90.0):
            message = f"dec_deg must lie in [-90, 90], not {self.dec_deg!r}"
            raise ValueError(message)

    @property
    def hpx29(self) -> int:
        """NESTED HEALPix number at order 29: the key by which positions are indexed."""
        return int(_INDEX.lonlat_to_healpix(self.ra_deg * u.deg, self.dec_deg * u.deg))


def hpx29_of(positions: Sequence[SkyPosition]) -> list[int]:
    """Return the ``hpx29`` of many positions, much faster than one after the other."""
    ra, dec = (np.array([getattr(one, name) for one in positions], dtype=float) for name in ("ra_deg", "dec_deg"))
    return [int(one) for one in _INDEX.lonlat_to_healpix(ra * u.deg, dec * u.deg)]


def separation_arcsec(one: SkyPosition, other: SkyPosition) -> float:
    """Return the great-circle distance, exact also for tiny angles and at the poles (Vincenty's formula)."""
    lon = math.radians(other.ra_deg - one.ra_deg)
    lat1, lat2 = math.radians(one.dec_deg), math.radians(other.dec_deg)
    across = math.cos(lat2) * math.sin(lon)
    along = math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(lon)
    toward = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(lon)
    return math.degrees(math.atan2(math.hypot(across, along), toward)) * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SkyCell:
    """One fixed HEALPix patch (NESTED): the unit of references, backfill, locks and coverage."""

    order: int
    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.order <= HPX_ORDER or not 0 <= self.number < 12 * 4**self.order:
            message = f"no HEALPix cell {self.order}/{self.number}"
            raise ValueError(message)

    def __str__(self) -> str:
        return f"{self.order}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> "SkyCell":
        """Read ``order/number``."""
        order, _, number = text.partition("/")
        return cls(order=int(order), number=int(number))

    @classmethod
    def containing(cls, position: SkyPosition, *, order: int) -> "SkyCell":
        """Return the cell of ``order`` that holds ``position``."""
        return cls(order=order, number=position.hpx29 >> 2 * (HPX_ORDER - order))

    def holds(self, position: SkyPosition) -> bool:
        """Tell whether ``position`` lies in the cell: exactly one cell of an order holds it."""
        return SkyCell.containing(position, order=self.order) == self

    @property
    def centre(self) -> SkyPosition:
        """Its middle."""
        lon, lat = HEALPix(nside=2**self.order, order="nested").healpix_to_lonlat([self.number])
        return SkyPosition(ra_deg=float(lon.deg[0]) % 360.0, dec_deg=float(lat.deg[0]))

    @property
    def hpx29_range(self) -> tuple[int, int]:
        """First order-29 number inside the cell and first one behind it."""
        shift = 2 * (HPX_ORDER - self.order)
        return self.number << shift, (self.number + 1) << shift


@dataclass(frozen=True)
class Region:
    """A part of the sky, written ``cone(ra,dec,radius)``, ``polygon(ra dec, ra dec, ...)``, ``cells(6/123,...)`` or
    a MOC (``moc(6/123-130 7/45)``); radii take ``deg``, ``arcmin`` or ``arcsec``.

    A cone is exact. Polygons and MOCs are as sharp as their HEALPix cells (order 18, 0.8 arcsec, at the finest).
    """

    text: str
    centre: SkyPosition | None = None
    radius_deg: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Region":
        """Read a region; ValueError says what is wrong with it."""
        kind, body = _split(text)
        if kind == "cone":
            centre, radius_deg = _read_cone(body)
            return cls(text=text.strip(), centre=centre, radius_deg=radius_deg)
        region = cls(text=text.strip())
        _ = region.moc
        return region

    @classmethod
    def cone(cls, centre: SkyPosition, *, radius_deg: float) -> "Region":
        """Return the cone of ``radius_deg`` around ``centre``."""
        return cls.parse(f"cone({centre.ra_deg!r},{centre.dec_deg!r},{radius_deg!r}deg)")

    @cached_property
    def moc(self) -> MOC:
        """The HEALPix cells that cover the region; for a cone they reach a little beyond it."""
        if self.centre is not None and self.radius_deg is not None:
            return _cone_moc(self.centre, self.radius_deg)
        kind, body = _split(self.text)
        return {"polygon": _polygon_moc, "cells": _cells_moc, "moc": _read_moc}[kind](body)

    @cached_property
    def hpx29_ranges(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges of ``hpx29`` that hold every position of the region (a cone's hold a few more)."""
        return tuple((int(first), int(behind)) for first, behind in self.moc.to_depth29_ranges)

    @property
    def cone_around(self) -> tuple[SkyPosition, float]:
        """Centre and radius, degrees, of a cone that holds the region; a cone's own are its."""
        if self.centre is not None and self.radius_deg is not None:
            return self.centre, self.radius_deg
        middle = self.moc.barycenter()
        reach_deg = float(self.moc.largest_distance_from_coo_to_vertices(middle).to_value("deg"))
        centre = SkyPosition(ra_deg=float(middle.ra.deg) % 360.0, dec_deg=float(middle.dec.deg))
        return centre, min(reach_deg + 1.0 / 3600.0, 180.0)

    def contains(self, position: SkyPosition) -> bool:
        """Tell whether ``position`` lies in the region; the edge of a cone belongs to it."""
        if self.centre is not None and self.radius_deg is not None:
            return separation_arcsec(self.centre, position) <= self.radius_deg * 3600.0
        number = position.hpx29
        return any(first <= number < behind for first, behind in self.hpx29_ranges)

    def outside(self, other: "Region") -> float:
        """Return which part of this region lies outside of another, both as their HEALPix cells."""
        # MOC.difference of mocpy 0.21 calls regions that do not touch each other equal.
        rest = self.moc.intersection(other.moc.complement())
        return 0.0 if rest.empty() else float(rest.sky_fraction / self.moc.sky_fraction)

    def cells(self, order: int) -> tuple[SkyCell, ...]:
        """Return the cells of ``order`` that the region touches, in order."""
        shift = 2 * (HPX_ORDER - order)
        numbers: set[int] = set()
        for first, behind in self.hpx29_ranges:
            numbers.update(range(first >> shift, (behind - 1 >> shift) + 1))
        return tuple(SkyCell(order=order, number=number) for number in sorted(numbers))


def _split(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"\s*(cone|polygon|cells|moc)\s*\((.*)\)\s*", text, flags=re.DOTALL)
    if not found:
        message = (
            f"not a region: {text!r}; write cone(10.68,41.27,0.5deg), polygon(10 41, 11 41, 11 42), "
            "cells(6/123,6/124) or moc(6/123-130)"
        )
        raise ValueError(message)
    return found[1], found[2]


def _read_cone(body: str) -> tuple[SkyPosition, float]:
    found = re.fullmatch(rf"\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*(deg|arcmin|arcsec)?\s*", body)
    if not found:
        message = f"not a cone: {body!r}; write cone(ra,dec,radius), for example cone(10.68,41.27,0.5deg)"
        raise ValueError(message)
    radius_deg = float(found[3]) / {"deg": 1.0, None: 1.0, "arcmin": 60.0, "arcsec": 3600.0}[found[4]]
    if not 0.0 < radius_deg <= 90.0:
        message = f"the radius of a cone must lie in (0, 90] deg, not {radius_deg!r}"
        raise ValueError(message)
    return SkyPosition(ra_deg=float(found[1]), dec_deg=float(found[2])), radius_deg


def _cone_moc(centre: SkyPosition, radius_deg: float) -> MOC:
    # Cells of a fiftieth of the radius keep the cover within a few per cent of the cone at a few hundred ranges.
    depth = min(HPX_ORDER, max(0, math.ceil(math.log2(58.6 * 50.0 / radius_deg))))
    return MOC.from_cone(
        lon=Longitude(centre.ra_deg * u.deg),
        lat=Latitude(centre.dec_deg * u.deg),
        radius=radius_deg * (1.0 + 1e-9) * u.deg,
        max_depth=min(depth, _REGION_DEPTH_LIMIT + 8),
    )


def _polygon_moc(body: str) -> MOC:
    pairs = [[float(number) for number in corner.split()] for corner in body.split(",")]
    if len(pairs) < 3 or any(len(pair) != 2 for pair in pairs):
        message = f"not a polygon: {body!r}; write at least three corners, polygon(ra dec, ra dec, ra dec)"
        raise ValueError(message)
    corners = [SkyPosition(ra_deg=ra, dec_deg=dec) for ra, dec in pairs]
    size_deg = max(separation_arcsec(corners[0], corner) for corner in corners[1:]) / 3600.0
    depth = min(_REGION_DEPTH_LIMIT, max(6, math.ceil(math.log2(58.6 * 200.0 / max(size_deg, 1e-6)))))
    return MOC.from_polygon(
        lon=Longitude([corner.ra_deg for corner in corners] * u.deg),
        lat=Latitude([corner.dec_deg for corner in corners] * u.deg),
        max_depth=depth,
    )


def _cells_moc(body: str) -> MOC:
    cells = [SkyCell.parse(part) for part in body.split(",") if part.strip()]
    return _moc_of_cells(cells)


def _moc_of_cells(cells: Sequence[SkyCell]) -> MOC:
    if not cells:
        message = "a region needs at least one cell"
        raise ValueError(message)
    return MOC.from_healpix_cells(
        ipix=np.array([cell.number for cell in cells], dtype=np.uint64),
        depth=np.array([cell.order for cell in cells], dtype=np.uint8),
        max_depth=max(cell.order for cell in cells),
    )


def _read_moc(body: str) -> MOC:
    try:
        moc = MOC.from_str(body)
    except (ValueError, OSError, BaseException) as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        message = f"not a MOC: {body!r}"
        raise ValueError(message) from error
    if moc.empty():
        message = "a region needs at least one cell"
        raise ValueError(message)
    return moc
