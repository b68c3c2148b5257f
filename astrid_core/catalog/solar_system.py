"""Where the planets and an observer are, and how the planets pull: by the analytical series of ERFA, without files."""

import erfa
import numpy as np
from astropy.time import Time

from astrid_core.catalog.kepler import GAUSS, FloatArray, drift
from astrid_core.catalog.orbits import Orbits
from astrid_core.observations.airmass import Site

_MJD = 2400000.5
_INVERSE_MASSES = (6023600.0, 408523.71, 328900.56, 3098708.0, 1047.3486, 3497.898, 22902.98, 19412.24)
"""Mass of the Sun over that of Mercury to Neptune, the Earth with its Moon (IAU 2009 system of constants)."""
_STEP_DAYS = 2.0
_MOST_STEPS = 4000
"""Twenty years: beyond that orbits are not integrated."""
_AU_M = 1.495978707e11
_WGS84 = 1


def planets_au(mjd_tt: float) -> FloatArray:
    """Return heliocentric positions of Mercury to Neptune, shape (8, 3): good to arcminutes, enough to pull."""
    return np.array([erfa.plan94(_MJD, mjd_tt, number)["p"] for number in range(1, 9)])


def pull_of_planets(position_au: FloatArray, planets: FloatArray) -> FloatArray:
    """Return the acceleration of bodies relative to the Sun that planets cause, au per day squared."""
    total = np.zeros_like(position_au)
    for inverse, planet in zip(_INVERSE_MASSES, planets, strict=True):
        apart = planet - position_au
        # The planet pulls the body, and the Sun away from under it.
        direct = apart / np.maximum(np.einsum("ij,ij->i", apart, apart), 1e-10)[:, None] ** 1.5
        total += (direct - planet / np.dot(planet, planet) ** 1.5) / inverse
    return GAUSS**2 * total


def at_time(orbits: Orbits, mjd_tt: float, *, step_days: float = _STEP_DAYS) -> tuple[FloatArray, FloatArray]:
    """Return positions and velocities at a time, pulled by the Sun and the planets.

    Half a kick by the planets, a drift around the Sun, half a kick, in steps of about ``step_days``. Orbits from more
    than 20 years away only drift.
    """
    position, velocity = orbits.position_au.copy(), orbits.velocity_au_d.copy()
    for epoch in np.unique(orbits.epoch_mjd):
        here = np.flatnonzero(orbits.epoch_mjd == epoch)
        days = mjd_tt - float(epoch)
        n_steps = int(np.ceil(abs(days) / step_days))
        kicked = 0 < n_steps <= _MOST_STEPS
        n_steps = n_steps if kicked else 1
        length = days / n_steps
        x, v = position[here], velocity[here]
        for number in range(n_steps):
            if kicked:
                v = v + 0.5 * length * pull_of_planets(x, planets_au(float(epoch) + number * length))
            x, v = drift(x, v, np.full(len(here), length))
            if kicked:
                v = v + 0.5 * length * pull_of_planets(x, planets_au(float(epoch) + (number + 1) * length))
        position[here], velocity[here] = x, v
    return position, velocity


def to_tt(mjd_utc: float) -> float:
    """Return a UTC date as TT."""
    return float(Time(mjd_utc, format="mjd", scale="utc").tt.mjd)


def observer_au(mjd_utc: float, site: Site | None) -> FloatArray:
    """Return the heliocentric place of the Earth's centre, or of a site on the ground; UTC stands for UT1."""
    mjd_tt = to_tt(mjd_utc)
    earth = np.array(erfa.epv00(_MJD, mjd_tt)[0]["p"])
    if site is None:
        return earth
    fixed = erfa.gd2gc(_WGS84, np.radians(site.lon_deg), np.radians(site.lat_deg), 0.0) / _AU_M
    turned = erfa.c2t06a(_MJD, mjd_tt, _MJD, mjd_utc, 0.0, 0.0)
    return np.asarray(earth + turned.T @ fixed)


def velocity_of_earth_au_d(mjd_utc: float) -> FloatArray:
    """Return the heliocentric velocity of the Earth's centre."""
    return np.array(erfa.epv00(_MJD, to_tt(mjd_utc))[0]["v"])
