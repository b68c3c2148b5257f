"""Regions in the words of archives: the cone around a region, and whether the footprint of an exposure touches it."""

import re

import astropy.units as u
from astropy.coordinates import SkyCoord

from astrid_core.shared.sky import Region, SkyPosition

_SHAPES = re.compile(r"(POLYGON|CIRCLE)\s+(?:[A-Z]\w*\s+)?([-+.\dE\s]+)")
_MARGIN = 1.0 + 1e-6


def bounding_cone(region: Region) -> tuple[SkyPosition, float]:
    """Return centre and radius (deg) of a cone that holds all of ``region``; of a cone, itself."""
    if region.centre is not None and region.radius_deg is not None:
        return region.centre, region.radius_deg
    centre: SkyCoord = region.moc.barycenter()
    radius_deg = float(region.moc.largest_distance_from_coo_to_vertices(centre).to_value(u.deg))
    position = SkyPosition(ra_deg=float(centre.ra.deg) % 360.0, dec_deg=float(centre.dec.deg))
    return position, radius_deg * _MARGIN


def touches(s_region: str, region: Region) -> bool:
    """Tell whether a footprint (``POLYGON ICRS ...``, ``CIRCLE ICRS ...``, several of them) overlaps ``region``.

    One that cannot be read counts as overlapping: the archive found the exposure near the region, after all.
    Frames other than ICRS (GSC1, J2000) differ from it by less than the arcseconds that matter here.
    """
    try:
        shapes = [_shape(kind, numbers) for kind, numbers in _SHAPES.findall(s_region.upper())]
    except ValueError:
        return True
    return not shapes or any(not shape.moc.intersection(region.moc).empty() for shape in shapes)


def _shape(kind: str, numbers: str) -> Region:
    values = [float(number) for number in numbers.split()]
    if kind == "CIRCLE":
        ra_deg, dec_deg, radius_deg = values
        return Region.cone(SkyPosition(ra_deg=ra_deg % 360.0, dec_deg=dec_deg), radius_deg=radius_deg)
    corners = list(zip(values[::2], values[1::2], strict=True))
    # Archives close their polygons; ours are closed by themselves.
    if corners[0] == corners[-1]:
        corners.pop()
    return Region.parse(f"polygon({', '.join(f'{ra % 360.0!r} {dec!r}' for ra, dec in corners)})")
