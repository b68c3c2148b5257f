"""What changes in a field: transients, variable stars, asteroids."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from astrid_core.shared.sky import SkyPosition
from astrid_core.simulate.changing import ChangingObject
from astrid_core.simulate.config import SkyConfig
from astrid_core.simulate.depth import mag_of
from astrid_core.simulate.optics import FloatArray
from astrid_core.simulate.population import Canvas, FieldSky, power_law

_VARIABLE_FLUX = (3.0, 400.0)
"""Faintest and brightest variable star, in units of the 5 sigma flux."""
_RATE_ARCSEC_H = (8.0, 45.0)
_DISC_REACH = 3.5
"""Transients lie within so many scale lengths of their galaxies."""


def add_events(
    field: FieldSky, canvas: Canvas, config: SkyConfig, *, change_mjd: float, night_mjd: Sequence[float]
) -> FieldSky:
    """Return the field with all that changes: transients appear or vanish at ``change_mjd``, asteroids cross it in each
    of the nights whose middles are ``night_mjd``.
    """
    new = _transients(field, canvas, config, "new", config.transients_per_mpix)
    faded = _transients(field, canvas, config, "faded", config.faded_per_mpix)
    changing = [
        *(replace(one, from_mjd=change_mjd) for one in new),
        *(replace(one, until_mjd=change_mjd) for one in faded),
        *_variables(canvas, config),
    ]
    for number, middle in enumerate(night_mjd, start=1):
        changing += _asteroids(canvas, config, night=number, epoch_mjd=middle)
    return replace(field, changing=tuple(changing))


def _transients(field: FieldSky, canvas: Canvas, config: SkyConfig, what: str, per_mpix: float) -> list[ChangingObject]:
    rng = canvas.rng(f"transients, {what}")
    n = round(per_mpix * canvas.mpix)
    x, y = canvas.scatter(rng, n, margin_pix=0.0)
    low, high = np.log(config.transient_snr)
    snr = np.exp(rng.uniform(low, high, n))
    on_galaxy = rng.uniform(size=n) < config.on_galaxy_fraction
    hosts = _hosts(field, canvas, rng, n)
    ra, dec = canvas.sky(x, y)
    found = []
    for number in range(n):
        host = int(hosts[number]) if on_galaxy[number] and len(hosts) else None
        away = _inside_disc(field, canvas, host, rng)
        place = SkyPosition(ra_deg=float(ra[number]), dec_deg=float(dec[number])) if away is None else away
        found.append(
            ChangingObject(
                object_id=f"{canvas.name}-{what}-{number + 1:03d}",
                kind="transient",
                position=place,
                mag_ab=mag_of(canvas.depth.flux_of_change(float(snr[number])), canvas.camera.zero_point_mag),
                host_id="" if host is None else galaxy_id(canvas.name, host),
            )
        )
    return found


def galaxy_id(field_name: str, index: int) -> str:
    """Return the name of a galaxy."""
    return f"{field_name}-galaxy-{index + 1:05d}"


def star_id(field_name: str, index: int) -> str:
    """Return the name of a constant star."""
    return f"{field_name}-star-{index + 1:05d}"


def _hosts(field: FieldSky, canvas: Canvas, rng: np.random.Generator, n: int) -> FloatArray:
    """Return indices of galaxies inside the frame; bright ones, which hold more stars, are chosen more often, and none
    twice while there are enough.
    """
    galaxies = field.galaxies
    if not len(galaxies.ra_deg):
        return np.zeros(0)
    x, y = canvas.wcs.wcs_world2pix(galaxies.ra_deg, galaxies.dec_deg, 0)
    ny, nx = canvas.shape
    inside = (x > 0) & (x < nx - 1) & (y > 0) & (y < ny - 1)
    if not inside.any():
        return np.zeros(0)
    weight = np.where(inside, 10.0 ** (-0.2 * galaxies.mag_ab), 0.0)
    again = n > int(inside.sum())
    return np.asarray(rng.choice(len(weight), size=n, p=weight / weight.sum(), replace=again))


def _inside_disc(field: FieldSky, canvas: Canvas, host: int | None, rng: np.random.Generator) -> SkyPosition | None:
    """Return a place in the disc of a galaxy, as likely as there is light; None without a galaxy."""
    # Drawn with or without a host, so that the next transient finds the generator in the same state.
    radius, angle = min(float(rng.gamma(2.0, 1.0)), _DISC_REACH), float(rng.uniform(0.0, 2.0 * np.pi))
    if host is None:
        return None
    galaxies = field.galaxies
    scale = float(galaxies.disc_scale_arcsec[host]) / canvas.camera.pixel_scale_arcsec
    along, across = radius * np.cos(angle) * scale, radius * np.sin(angle) * scale * float(galaxies.axis_ratio[host])
    turn = float(galaxies.angle_rad[host])
    x, y = canvas.wcs.wcs_world2pix([galaxies.ra_deg[host]], [galaxies.dec_deg[host]], 0)
    ra, dec = canvas.sky(
        x + along * np.cos(turn) - across * np.sin(turn), y + along * np.sin(turn) + across * np.cos(turn)
    )
    return SkyPosition(ra_deg=float(ra[0]), dec_deg=float(dec[0]))


def _variables(canvas: Canvas, config: SkyConfig) -> list[ChangingObject]:
    rng = canvas.rng("variables")
    n = round(config.variables_per_mpix * canvas.mpix)
    ra, dec = canvas.sky(*canvas.scatter(rng, n, margin_pix=0.0))
    flux = canvas.depth.five_sigma_adu * power_law(rng, n, config.star_slope, _VARIABLE_FLUX)
    return [
        ChangingObject(
            object_id=f"{canvas.name}-variable-{number + 1:03d}",
            kind="variable",
            position=SkyPosition(ra_deg=float(ra[number]), dec_deg=float(dec[number])),
            mag_ab=mag_of(float(flux[number]), canvas.camera.zero_point_mag),
            amplitude=float(rng.uniform(0.1, 0.5)),
            period_d=float(np.exp(rng.uniform(np.log(0.2), np.log(30.0)))),
            phase=float(rng.uniform()),
        )
        for number in range(n)
    ]


def _asteroids(canvas: Canvas, config: SkyConfig, *, night: int, epoch_mjd: float) -> list[ChangingObject]:
    rng = canvas.rng(f"asteroids, night {night}")
    n = round(config.moving_per_mpix * canvas.mpix)
    ra, dec = canvas.sky(*canvas.scatter(rng, n, margin_pix=0.0))
    found = []
    for number in range(n):
        snr = float(np.exp(rng.uniform(np.log(6.0), np.log(60.0))))
        rate, angle = float(rng.uniform(*_RATE_ARCSEC_H)), float(rng.uniform(0.0, 2.0 * np.pi))
        found.append(
            ChangingObject(
                object_id=f"{canvas.name}-asteroid-{night}-{number + 1:03d}",
                kind="moving",
                position=SkyPosition(ra_deg=float(ra[number]), dec_deg=float(dec[number])),
                mag_ab=mag_of(canvas.depth.flux_of_change(snr), canvas.camera.zero_point_mag),
                epoch_mjd=epoch_mjd,
                east_arcsec_h=rate * float(np.cos(angle)),
                north_arcsec_h=rate * float(np.sin(angle)),
            )
        )
    return found
