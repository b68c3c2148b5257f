"""The plane that touches the sky at one place: stars are matched and maps are fitted there, at poles as anywhere."""

import numpy as np
from astropy.wcs import WCS

from astrid_core.preprocessing.sources import FloatArray


def plane_at(ra_deg: float, dec_deg: float) -> WCS:
    """Return the gnomonic projection about a place (Calabretta & Greisen 2002, A&A 395, 1077, sect. 5.1.3): "pixels"
    are standard coordinates in degrees, east and north, with the place itself at (0, 0).
    """
    plane = WCS(naxis=2)
    plane.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    plane.wcs.crval = [ra_deg % 360.0, dec_deg]
    # The standard's default, but at the pole itself, where it would turn the plane by half a circle.
    plane.wcs.lonpole = 180.0
    plane.wcs.crpix = [0.0, 0.0]
    plane.wcs.cd = np.eye(2)
    plane.wcs.set()
    return plane


def to_plane(plane: WCS, sky: FloatArray) -> FloatArray:
    """Return standard coordinates (n, 2), degrees, of right ascensions and declinations (n, 2); NaN behind the plane's
    horizon.
    """
    return np.asarray(plane.wcs_world2pix(sky, 1), dtype=float) if len(sky) else np.empty((0, 2))


def to_sky(plane: WCS, standard: FloatArray) -> FloatArray:
    """Return right ascensions and declinations (n, 2), degrees, of standard coordinates (n, 2)."""
    return np.asarray(plane.wcs_pix2world(standard, 1), dtype=float) if len(standard) else np.empty((0, 2))


def middle_of(sky: FloatArray) -> tuple[float, float]:
    """Return the direction in the middle of positions (n, 2) that lie on one side of the sky, degrees."""
    ra, dec = np.radians(sky).T
    x, y, z = np.mean([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    return float(np.degrees(np.arctan2(y, x)) % 360.0), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def sky_of(wcs: WCS, xy: FloatArray) -> FloatArray:
    """Return the sky (n, 2), ICRS degrees, at 0-based pixels (n, 2), with all distortions."""
    if not len(xy):
        return np.empty((0, 2))
    if wcs.wcs.radesys in ("", "ICRS") and [str(kind)[:4] for kind in wcs.wcs.ctype] == ["RA--", "DEC-"]:
        return np.asarray(wcs.all_pix2world(xy, 0), dtype=float)
    places = wcs.pixel_to_world(xy[:, 0], xy[:, 1]).icrs
    return np.column_stack([places.ra.deg, places.dec.deg])


def pixel_scale_deg(wcs: WCS) -> float:
    """Return the side of a pixel at the reference point: the root of its area."""
    return float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))
