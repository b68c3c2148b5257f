"""Which minor planets and comets an exposure shows: from orbits on disk, without any service.

Bodies are chosen in two steps. Once a day all are carried along ellipses around the Sun; a body may be inside a region
if it is nearer than the region's radius and all that may have moved it since. The few that may be are then integrated
with the pull of the planets, seen from the observer's place, by the light that left them then.
"""

from dataclasses import dataclass

import numpy as np

from astrid_core.catalog.kepler import FloatArray, drift
from astrid_core.catalog.orbits import Orbits, runoff_arcsec
from astrid_core.catalog.solar_system import (
    at_time,
    observer_au,
    planets_au,
    pull_of_planets,
    to_tt,
    velocity_of_earth_au_d,
)
from astrid_core.observations.airmass import Site
from astrid_core.shared.sky import Region, SkyPosition

_LIGHT_DAYS_AU = 0.0057755183
"""Days that light takes for an astronomical unit."""
_EARTH_AU = 4.3e-5
"""Radius of the Earth: how far an observer may be from its centre."""
_STRAY_AU_D2 = 2e-7
"""What planets pull bodies off their ellipses, at most, unless they are near: see docs/science.md."""
_BASE_ERR_ARCSEC = 0.3
"""Of the best orbits: rounded elements, the Earth's place, what is left out (asteroids, relativity)."""
_NEAREST_AU = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorPlanet:
    """A body of the Solar System as it stands at a time."""

    name: str
    is_comet: bool
    position: SkyPosition
    """Astrometric: where it stands among catalog stars."""
    err_arcsec: float
    """How far off the place may be."""
    mag_v: float | None
    """None where the orbit's file knows no absolute magnitude."""
    motion_ra_arcsec_h: float
    """Along the parallel."""
    motion_dec_arcsec_h: float
    distance_au: float
    """From the observer."""
    sun_distance_au: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """All bodies as seen from the Earth's centre at one moment, and how fast they may leave there."""

    mjd: float
    direction: FloatArray
    distance_au: FloatArray
    speed_au_d: FloatArray
    """Relative to the Earth."""
    stray_au: FloatArray
    """How far the body may be from its ellipse."""


class Ephemeris:
    """Finds bodies in regions; keeps the day that it was last asked about."""

    def __init__(self, orbits: Orbits) -> None:
        self._orbits = orbits
        self._day: _Day | None = None

    def inside(
        self, region: Region, *, mid_mjd: float, site: Site | None = None, max_err_arcsec: float = 60.0
    ) -> tuple[MinorPlanet, ...]:
        """Return the bodies that stand in ``region`` at ``mid_mjd`` (UTC), or may within their errors; brightest first.

        Those whose place is known worse than ``max_err_arcsec`` are left out: they may be anywhere. Without a site it
        is the Earth's centre that looks, and errors hold the parallax.
        """
        centre, radius_deg = region.cone_around
        few = self._may_be_inside(centre, radius_deg + max_err_arcsec / 3600.0, mid_mjd)
        places = places_of(few, mid_mjd=mid_mjd, site=site)
        return tuple(
            one for one in places if one.err_arcsec <= max_err_arcsec and _touches(region, centre, radius_deg, one)
        )

    def _may_be_inside(self, centre: SkyPosition, radius_deg: float, mid_mjd: float) -> Orbits:
        day = self._day_of(float(np.rint(mid_mjd)))
        days = abs(mid_mjd - day.mjd)
        moved_au = day.speed_au_d * days + day.stray_au + _EARTH_AU
        reach = np.arcsin(np.minimum(moved_au / day.distance_au, 1.0)) + np.radians(radius_deg)
        near = day.direction @ _unit(centre) >= np.cos(np.minimum(reach, np.pi))
        # Within what it may move a body can stand anywhere.
        return self._orbits.take(np.flatnonzero(near | (moved_au >= day.distance_au)))

    def _day_of(self, mjd: float) -> _Day:
        day = self._day
        if day is None or day.mjd != mjd:
            self._day = day = _day(self._orbits, mjd)
        return day


def _day(orbits: Orbits, mjd: float) -> _Day:
    mjd_tt = to_tt(mjd)
    days = mjd_tt - orbits.epoch_mjd
    position, velocity = drift(orbits.position_au, orbits.velocity_au_d, days)
    pull = np.sqrt((pull_of_planets(position, planets_au(mjd_tt)) ** 2).sum(axis=1))
    apart = position - observer_au(mjd, None)
    distance = np.maximum(np.sqrt((apart**2).sum(axis=1)), _NEAREST_AU)
    # By the time the light took the body has moved on: far less than it moves in half a day, but not if it is far.
    apart = apart - velocity * (_LIGHT_DAYS_AU * distance)[:, None]
    return _Day(
        mjd=mjd,
        direction=apart / np.sqrt((apart**2).sum(axis=1))[:, None],
        distance_au=distance,
        speed_au_d=np.sqrt(((velocity - velocity_of_earth_au_d(mjd)) ** 2).sum(axis=1)) * (1.0 + 1e-3),
        stray_au=0.5 * (_STRAY_AU_D2 + 2.0 * pull) * days**2,
    )


def places_of(orbits: Orbits, *, mid_mjd: float, site: Site | None = None) -> tuple[MinorPlanet, ...]:
    """Return where all of these bodies stand, brightest first, those of unknown brightness last, then by name."""
    if not len(orbits):
        return ()
    mjd_tt = to_tt(mid_mjd)
    observer = observer_au(mid_mjd, site)
    position, velocity = at_time(orbits, mjd_tt)
    delay = np.zeros(len(orbits))
    for _ in range(3):
        then, _ = drift(position, velocity, -delay)
        apart = then - observer
        distance = np.maximum(np.sqrt((apart**2).sum(axis=1)), _NEAREST_AU)
        delay = _LIGHT_DAYS_AU * distance
    sun = np.sqrt((then**2).sum(axis=1))
    ra, dec = np.arctan2(apart[:, 1], apart[:, 0]), np.arcsin(np.clip(apart[:, 2] / distance, -1.0, 1.0))
    motion = _motion(ra, dec, distance, velocity - velocity_of_earth_au_d(mid_mjd))
    mags = _magnitudes(orbits, then, apart, sun, distance)
    parallax = 0.0 if site is not None else np.degrees(_EARTH_AU / distance) * 3600.0
    err = _BASE_ERR_ARCSEC + runoff_arcsec(orbits, mjd_tt) * np.maximum(sun / distance, 1.0) + parallax
    found = [
        MinorPlanet(
            name=str(orbits.names[index]),
            is_comet=bool(orbits.is_comet[index]),
            position=SkyPosition(
                ra_deg=float(np.degrees(ra[index]) % 360.0) % 360.0, dec_deg=float(np.degrees(dec[index]))
            ),
            err_arcsec=float(err[index]),
            mag_v=float(mags[index]) if np.isfinite(mags[index]) else None,
            motion_ra_arcsec_h=float(motion[index, 0]),
            motion_dec_arcsec_h=float(motion[index, 1]),
            distance_au=float(distance[index]),
            sun_distance_au=float(sun[index]),
        )
        for index in range(len(orbits))
    ]
    return tuple(sorted(found, key=lambda one: (np.inf if one.mag_v is None else one.mag_v, one.name)))


def _motion(ra: FloatArray, dec: FloatArray, distance: FloatArray, velocity: FloatArray) -> FloatArray:
    """Return angular speeds along and across the parallel, arcsec per hour."""
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=1)
    speeds = np.stack([(velocity * east).sum(axis=1), (velocity * north).sum(axis=1)], axis=1)
    return np.asarray(np.degrees(speeds / distance[:, None]) * 3600.0 / 24.0)


def _magnitudes(
    orbits: Orbits, then: FloatArray, apart: FloatArray, sun: FloatArray, distance: FloatArray
) -> FloatArray:
    """Return V by H and G (Bowell et al. 1989, in Asteroids II, 524); total magnitudes of comets."""
    half = 0.5 * np.arccos(np.clip((then * apart).sum(axis=1) / (sun * distance), -1.0, 1.0))
    tangent = np.tan(np.minimum(half, 1.5))
    phase = (1.0 - orbits.slope) * np.exp(-3.33 * tangent**0.63) + orbits.slope * np.exp(-1.87 * tangent**1.22)
    bare = 5.0 * np.log10(sun * distance) - 2.5 * np.log10(np.maximum(phase, 1e-12))
    comet = 5.0 * np.log10(distance) + 2.5 * orbits.slope * np.log10(sun)
    return np.asarray(orbits.h_mag + np.where(orbits.is_comet, comet, bare))


def _unit(position: SkyPosition) -> FloatArray:
    ra, dec = np.radians(position.ra_deg), np.radians(position.dec_deg)
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def _touches(region: Region, centre: SkyPosition, radius_deg: float, one: MinorPlanet) -> bool:
    if region.contains(one.position):
        return True
    chord = np.linalg.norm(_unit(centre) - _unit(one.position))
    away_deg = float(np.degrees(2.0 * np.arcsin(min(1.0, 0.5 * float(chord)))))
    return away_deg <= radius_deg + one.err_arcsec / 3600.0
