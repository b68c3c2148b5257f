"""The pixels of references: grids that are fixed on the sky, one family of them for each kind of instrument.

A family has a scale and an order of HEALPix cells. Every cell of that order owns the sky inside it, and a reference
holds the pixels of one cell with a margin around them. Sixteen by sixteen cells at most (those inside one cell of order
4) share one tangent plane, rotated by 45 degrees so that cells fill their boxes; their pixels are pieces of one grid,
as skycells of a projection cell are in Pan-STARRS (Waters et al. 2020, ApJS 251, 4) and patches of a tract in LSST.
Cells near the poles are long: the box of each is as large as the cell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import astropy.units as u
import numpy as np
from astropy.wcs import WCS
from astropy_healpix import HEALPix
from numpy.typing import NDArray

from astrid_core.differencing.pixel_grid import Box, box_of
from astrid_core.observations.entities import Observation
from astrid_core.observations.registry_file import known_instruments
from astrid_core.shared.sky import SkyCell, SkyPosition

GRID_VERSION = 1
"""Raise when the same cell should have other pixels."""

LARGEST_SIDE_PIX = 4096
"""The boxes of half of all cells of a family are at most so large."""

_PLANE_ORDER = 4
_FINEST_ORDER = 16
_SIDE_DEG = 63.4
"""Median side of the rotated box around a cell of order 0; it halves with every order."""
_LEAST_MARGIN_PIX = 64
_MARGIN_FWHM = 10.0
"""A kernel is about five FWHM across, and beyond it lie another five."""
_LIKE_NOMINAL = 1.5
_STEPS_PER_OCTAVE = 2
_ROUNDED = 1.02
_EDGE_POINTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFamily:
    """Pixels of one scale, and the order of the cells that own them."""

    name: str
    """The instrument, or ``scale`` for one that the registry does not know."""
    scale_arcsec: float
    order: int
    margin_pix: int

    def __str__(self) -> str:
        return f"{self.name} {self.scale_arcsec:.4g} arcsec, grid {GRID_VERSION}"

    def cells_near(self, position: SkyPosition, radius_deg: float) -> tuple[SkyCell, ...]:
        """Return the cells that a circle touches, in order."""
        found = _healpix(self.order).cone_search_lonlat(
            position.ra_deg * u.deg, position.dec_deg * u.deg, radius=min(90.0, radius_deg) * u.deg
        )
        return tuple(SkyCell(order=self.order, number=int(number)) for number in np.sort(found))

    def plane_of(self, cell: SkyCell) -> "Plane":
        """Return the plane on which the pixels of a cell lie."""
        order = min(_PLANE_ORDER, self.order)
        parent = SkyCell(order=order, number=cell.number >> 2 * (self.order - order))
        return Plane(cell=parent, scale_arcsec=self.scale_arcsec)

    def box_of(self, cell: SkyCell) -> Box:
        """Return the pixels of its plane that a cell holds, margin included."""
        edge = _healpix(cell.order).boundaries_lonlat([cell.number], step=_EDGE_POINTS)
        points = self.plane_of(cell).pixels_of(edge[0].to_value(u.deg).ravel(), edge[1].to_value(u.deg).ravel())
        return box_of(points).grown(self.margin_pix)


@dataclass(frozen=True)
class Plane:
    """A tangent plane around the middle of a cell, its rows and columns along the edges of the cell."""

    cell: SkyCell
    scale_arcsec: float

    @cached_property
    def wcs(self) -> WCS:
        """The WCS whose pixel (0, 0) is the point of contact."""
        lon, lat = _healpix(self.cell.order).healpix_to_lonlat([self.cell.number])
        plane = WCS(naxis=2)
        plane.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        plane.wcs.crval = [float(lon[0].to_value(u.deg)), float(lat[0].to_value(u.deg))]
        plane.wcs.crpix = [1.0, 1.0]
        half = math.sqrt(0.5) * self.scale_arcsec / 3600.0
        plane.wcs.cd = [[-half, half], [half, half]]
        plane.wcs.set()
        return plane

    def pixels_of(self, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 0-based positions (n, 2) on the plane."""
        return np.asarray(self.wcs.wcs_world2pix(np.column_stack([ra_deg, dec_deg]), 0))

    def box_around(self, position: SkyPosition, radius_deg: float) -> Box:
        """Return the pixels that hold a circle on the sky which the plane can show."""
        middle = self.pixels_of(np.array([position.ra_deg]), np.array([position.dec_deg]))
        # The plane stretches what lies away from its middle.
        away = math.radians(math.hypot(*middle[0]) * self.scale_arcsec / 3600.0)
        reach = radius_deg * 3600.0 / self.scale_arcsec * (1.0 + away**2)
        return box_of(np.concatenate([middle - reach, middle + reach]))


def family_of(observation: Observation) -> GridFamily:
    """Return the family on whose pixels an exposure is coadded.

    An instrument of the registry has its own, of its nominal scale (``grid_scale_arcsec`` where that is another). What
    is not known, or binned, goes to one of a ladder of scales, a factor of 1.41 apart, none coarser than the exposure.
    """
    known = known_instruments().named(observation.instrument)
    scale = observation.pixel_scale_arcsec
    if known is not None and known.pixel_scale_arcsec is not None:
        nominal = known.pixel_scale_arcsec
        if 1.0 / _LIKE_NOMINAL < scale / nominal < _LIKE_NOMINAL:
            grid_scale = known.grid_scale_arcsec or nominal
            return _family(known.name, grid_scale, fwhm_arcsec=known.fwhm_arcsec)
    rung = math.floor(_STEPS_PER_OCTAVE * math.log2(scale * _ROUNDED))
    return _family("scale", 2.0 ** (rung / _STEPS_PER_OCTAVE), fwhm_arcsec=None)


def _family(name: str, scale_arcsec: float, *, fwhm_arcsec: float | None) -> GridFamily:
    largest_deg = LARGEST_SIDE_PIX * scale_arcsec / 3600.0
    order = min(_FINEST_ORDER, max(0, math.ceil(math.log2(_SIDE_DEG / largest_deg))))
    margin = 0 if fwhm_arcsec is None else math.ceil(_MARGIN_FWHM * fwhm_arcsec / scale_arcsec)
    return GridFamily(name=name, scale_arcsec=scale_arcsec, order=order, margin_pix=max(_LEAST_MARGIN_PIX, margin))


def owners(wcs: WCS, shape: tuple[int, int], order: int) -> NDArray[np.int64]:
    """Return for every pixel (ny, nx) the number of the cell of ``order`` that owns its middle.

    Asked on a mesh, and at every pixel only where the cells of the mesh's nodes differ nearby.
    """
    rows, columns = (_nodes(side) for side in shape)
    mesh = _numbers(wcs, *np.meshgrid(columns, rows), order)
    result = np.empty(shape, dtype=np.int64)
    for i, (first_row, behind_row) in enumerate(pairwise(rows)):
        for j, (first_column, behind_column) in enumerate(pairwise(columns)):
            near = mesh[max(0, i - _NEAR) : i + 2 + _NEAR, max(0, j - _NEAR) : j + 2 + _NEAR]
            part = np.s_[first_row : behind_row + 1, first_column : behind_column + 1]
            if (near == near[0, 0]).all():
                result[part] = near[0, 0]
            else:
                y, x = np.mgrid[part]
                result[part] = _numbers(wcs, x, y, order)
    return result


_MESH_PIX = 32
_NEAR = 2
"""A corner of a cell reaches less far than so many meshes between the nodes without holding one of them."""


def _nodes(side: int) -> Sequence[int]:
    return [*range(0, max(side - 1, 1), _MESH_PIX), side - 1] if side > 1 else [0, 0]


def _numbers(wcs: WCS, x: NDArray[np.integer], y: NDArray[np.integer], order: int) -> NDArray[np.int64]:
    sky = wcs.pixel_to_world(x, y).icrs
    return np.asarray(_healpix(order).lonlat_to_healpix(sky.ra, sky.dec), dtype=np.int64)


def _healpix(order: int) -> HEALPix:
    return HEALPix(nside=2**order, order="nested")
