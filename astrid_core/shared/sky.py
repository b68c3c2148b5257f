"""Places on the sky: positions, HEALPix cells and regions. All angles are ICRS degrees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.coordinates import Latitude, Longitude, angular_separation
from astropy_healpix import HEALPix
from mocpy import MOC

from astrid_core.shared.cover import cover
from astrid_core.shared.polygons import Bools, Floats, SphericalPolygon, unit_vectors
from astrid_core.shared.region_text import read_cells, read_cone, read_corners, read_moc, split

OPERATIONS_ORDER = 6
"""Of the cells by which people work: backfills, coverage, imported images; 0.84 square degrees each."""

HPX_ORDER = 29
"""Order of the position index: cells of 0.4 milliarcseconds, numbers that fit a signed 64-bit integer."""

_INDEX = HEALPix(nside=2**HPX_ORDER, order="nested")
_FINEST_COVER = 26


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
    a MOC (``moc(6/123-130 7/45)``); radii take ``deg``, ``arcmin`` or ``arcsec`` and reach up to the whole sky.

    All are exact. A cone holds its edge; edges of a polygon are great circles, and it is the smaller part of the sky
    that they enclose.
    """

    text: str
    centre: SkyPosition | None = None
    radius_deg: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Region":
        """Read a region; ValueError says what is wrong with it."""
        kind, body = split(text)
        if kind == "cone":
            ra_deg, dec_deg, radius_deg = read_cone(body)
            centre = SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)
            return cls(text=text.strip(), centre=centre, radius_deg=radius_deg)
        region = cls(text=text.strip())
        _ = region.polygon or region.moc
        return region

    @classmethod
    def cone(cls, centre: SkyPosition, *, radius_deg: float) -> "Region":
        """Return the cone of ``radius_deg`` around ``centre``."""
        return cls.parse(f"cone({centre.ra_deg!r},{centre.dec_deg!r},{radius_deg!r}deg)")

    @cached_property
    def polygon(self) -> SphericalPolygon | None:
        """The polygon that the region is; None where it is another shape."""
        kind, body = split(self.text)
        if kind != "polygon":
            return None
        corners = [SkyPosition(ra_deg=ra, dec_deg=dec) for ra, dec in read_corners(body)]
        return SphericalPolygon([one.ra_deg for one in corners], [one.dec_deg for one in corners])

    @cached_property
    def moc(self) -> MOC:
        """The HEALPix cells that cover the region; for a cone and a polygon they reach a little beyond it."""
        if self.centre is not None and self.radius_deg is not None:
            return _cone_moc(self.centre, self.radius_deg)
        if (polygon := self.polygon) is not None:
            order = _order_of(math.degrees(polygon.size_rad) / 2.0)
            return cover(lambda places: (polygon.contains(places), polygon.edge_distance(places)), order)
        kind, body = split(self.text)
        return read_moc(body) if kind == "moc" else _cells_moc([SkyCell.parse(one) for one in read_cells(body)])

    @cached_property
    def hpx29_ranges(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges of ``hpx29`` that hold the region; those of cones and polygons a little more."""
        return tuple((int(first), int(behind)) for first, behind in self.moc.to_depth29_ranges)

    @property
    def cone_around(self) -> tuple[SkyPosition, float]:
        """Centre and radius, degrees, of a cone that holds the region; a cone's own are its."""
        if self.centre is not None and self.radius_deg is not None:
            return self.centre, self.radius_deg
        middle = self.moc.barycenter()
        centre = SkyPosition(ra_deg=float(middle.ra.deg) % 360.0, dec_deg=float(middle.dec.deg))
        opposite = SkyPosition(ra_deg=(centre.ra_deg + 180.0) % 360.0, dec_deg=-centre.dec_deg)
        if any(first <= opposite.hpx29 < behind for first, behind in self.hpx29_ranges):
            return centre, 180.0
        reach_deg = float(self.moc.largest_distance_from_coo_to_vertices(middle).to_value("deg"))
        return centre, min(reach_deg + 1.0 / 3600.0, 180.0)

    def contains(self, position: SkyPosition) -> bool:
        """Tell whether ``position`` lies in the region; many are asked for at once by ``holds``."""
        return bool(self.holds(np.array([position.ra_deg]), np.array([position.dec_deg]))[0])

    def holds(self, ra_deg: Floats, dec_deg: Floats) -> Bools:
        """Tell which of many positions lie in the region."""
        if self.centre is not None and self.radius_deg is not None:
            lon, lat = math.radians(self.centre.ra_deg), math.radians(self.centre.dec_deg)
            apart = angular_separation(lon, lat, np.radians(ra_deg), np.radians(dec_deg))
            return np.asarray(np.degrees(apart) * 3600.0 <= self.radius_deg * 3600.0)
        if self.polygon is not None:
            return self.polygon.contains(unit_vectors(ra_deg, dec_deg))
        first, behind = np.array(self.hpx29_ranges, dtype=np.int64).T
        number = _INDEX.lonlat_to_healpix(ra_deg * u.deg, dec_deg * u.deg)
        index = np.searchsorted(first, number, side="right") - 1
        return np.asarray((index >= 0) & (number < behind[np.maximum(index, 0)]))

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


def _order_of(radius_deg: float) -> int:
    # Cells of a fiftieth of the radius keep the cover within a few per cent of the shape at a few hundred ranges.
    return min(_FINEST_COVER, max(0, math.ceil(math.log2(58.6 * 50.0 / radius_deg))))


def _cone_moc(centre: SkyPosition, radius_deg: float) -> MOC:
    if radius_deg > 90.0:  # where mocpy 0.21 leaves out parts
        middle = unit_vectors([centre.ra_deg], [centre.dec_deg])[0]

        def shape(places: Floats) -> tuple[Bools, Floats]:
            apart = np.arctan2(np.linalg.norm(np.cross(places, middle), axis=1), places @ middle)
            return apart <= math.radians(radius_deg), np.abs(apart - math.radians(radius_deg))

        return cover(shape, _order_of(radius_deg))
    return MOC.from_cone(
        lon=Longitude(centre.ra_deg * u.deg),
        lat=Latitude(centre.dec_deg * u.deg),
        radius=radius_deg * (1.0 + 1e-9) * u.deg,
        max_depth=_order_of(radius_deg),
    )


def _cells_moc(cells: Sequence[SkyCell]) -> MOC:
    return MOC.from_healpix_cells(
        ipix=np.array([cell.number for cell in cells], dtype=np.uint64),
        depth=np.array([cell.order for cell in cells], dtype=np.uint8),
        max_depth=max(cell.order for cell in cells),
    )
