"""Through how much air an exposure looked."""

import math
from dataclasses import dataclass

from astropy.coordinates import FK5, EarthLocation, SkyCoord
from astropy.time import Time

from astrid_core.observations.cards import Headers, as_number, number, value
from astrid_core.observations.places import parse_angle
from astrid_core.shared.sky import SkyPosition

_KEYS = ("AIRMASS", "SECZ", "HIERARCH ESO TEL AIRM START")
_MOST = 40.0
"""At the horizon it is 38."""
_SITES = (("OBSGEO-B", "OBSGEO-L"), ("LAT-OBS", "LONG-OBS"), ("SITELAT", "SITELONG"), ("LATITUDE", "LONGITUD"))
_GEOCENTRIC = ("OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z")
_EARTH_RADIUS_M = 6.371e6
_HIGHEST_M = 2e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where on Earth a telescope stands, degrees; east is positive."""

    lat_deg: float
    lon_deg: float


def airmass_of(headers: Headers, position: SkyPosition, mid_mjd: float) -> float | None:
    """Return the airmass that a header states, or that of ``position`` at ``mid_mjd`` (UTC) where it names the site.

    None where it does neither, and where the position is below the horizon: then site, time or place are wrong.
    """
    stated = number(headers, _KEYS)
    if stated is not None and 1.0 <= stated <= _MOST:
        return stated
    site = site_of(headers)
    return None if site is None else airmass_at(position, mid_mjd, site)


def site_of(headers: Headers) -> Site | None:
    """Return the site that a header names, by geodetic or geocentric coordinates; None for space and for silence."""
    for lat_name, lon_name in _SITES:
        lat = parse_angle(value(headers, lat_name), hours=False)
        lon = parse_angle(value(headers, lon_name), hours=False)
        if lat is not None and lon is not None and abs(lat) <= 90.0 and abs(lon) <= 360.0 and (lat, lon) != (0.0, 0.0):
            return Site(lat_deg=lat, lon_deg=(lon + 180.0) % 360.0 - 180.0)
    place = [as_number(value(headers, name)) for name in _GEOCENTRIC]
    x, y, z = (math.nan if one is None else one for one in place)
    if not abs(math.hypot(x, y, z) - _EARTH_RADIUS_M) <= _HIGHEST_M:
        return None
    geodetic = EarthLocation.from_geocentric(x, y, z, unit="m").geodetic
    return Site(lat_deg=float(geodetic.lat.deg), lon_deg=float(geodetic.lon.deg))


def airmass_at(position: SkyPosition, mid_mjd: float, site: Site) -> float | None:
    """Return the airmass of a position at a time (UTC), seen from a site; None below the horizon.

    By the formula of Kasten & Young (1989, Applied Optics 28, 4735). UTC stands for UT1, and refraction is left out:
    together they are worth less than 0.2 % at airmasses below 3.
    """
    time = Time(mid_mjd, format="mjd", scale="ut1")
    now = SkyCoord(position.ra_deg, position.dec_deg, unit="deg").transform_to(FK5(equinox=Time(mid_mjd, format="mjd")))
    hour_angle = math.radians(time.sidereal_time("mean", f"{site.lon_deg}d").deg - now.ra.deg)
    lat, dec = math.radians(site.lat_deg), now.dec.radian
    sine = math.sin(lat) * math.sin(dec) + math.cos(lat) * math.cos(dec) * math.cos(hour_angle)
    altitude_deg = math.degrees(math.asin(min(1.0, sine)))
    if altitude_deg <= 0.0:
        return None
    return float(max(1.0, 1.0 / (sine + 0.50572 * (altitude_deg + 6.07995) ** -1.6364)))
