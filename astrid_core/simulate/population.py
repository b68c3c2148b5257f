"""What there is in one field of the sky."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from astrid_core.shared.sky import SkyPosition
from astrid_core.simulate.changing import ChangingObject
from astrid_core.simulate.config import CameraConfig, SkyConfig
from astrid_core.simulate.depth import Depth, mag_of
from astrid_core.simulate.optics import FloatArray
from astrid_core.simulate.pointing import tangent_wcs
from astrid_core.simulate.seeds import generator

_MARGIN_PIX = 80
"""Light of sources outside of the frame reaches into it, and dithers show them."""
_STAR_FLUX = (0.1, 5e4)
"""Faintest and brightest star, in units of the 5 sigma flux."""
_GALAXY_FLUX = (0.3, 500.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stars:
    """Constant stars, arrays (n,)."""

    ra_deg: FloatArray
    dec_deg: FloatArray
    mag_ab: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Galaxies:
    """Galaxies, arrays (n,); see GalaxyImages."""

    ra_deg: FloatArray
    dec_deg: FloatArray
    mag_ab: FloatArray
    disc_scale_arcsec: FloatArray
    axis_ratio: FloatArray
    angle_rad: FloatArray
    """Of the major axis, from the x axis of a camera with north up."""
    bulge_fraction: FloatArray
    bulge_radius_arcsec: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSky:
    """One field: where it is and what it shows."""

    name: str
    centre: SkyPosition
    stars: Stars
    galaxies: Galaxies
    changing: tuple[ChangingObject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """The frame of a field on which objects are placed, and how bright they are to be."""

    seed: int
    name: str
    centre: SkyPosition
    shape: tuple[int, int]
    camera: CameraConfig
    depth: Depth

    @property
    def wcs(self) -> WCS:
        """Of an exposure that points exactly at the field."""
        return tangent_wcs(self.centre, self.shape, self.camera.pixel_scale_arcsec)

    @property
    def mpix(self) -> float:
        """Size of the frame."""
        return self.shape[0] * self.shape[1] / 1e6

    def rng(self, *purpose: str | int) -> np.random.Generator:
        """Return the random numbers of one purpose in this field."""
        return generator(self.seed, "field", self.name, *purpose)

    def scatter(self, rng: np.random.Generator, n: int, *, margin_pix: float) -> tuple[FloatArray, FloatArray]:
        """Return n uniform places, pixels."""
        ny, nx = self.shape
        x = rng.uniform(-0.5 - margin_pix, nx - 0.5 + margin_pix, n)
        return x, rng.uniform(-0.5 - margin_pix, ny - 0.5 + margin_pix, n)

    def sky(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return right ascension and declination of pixels."""
        ra, dec = self.wcs.wcs_pix2world(x, y, 0)
        return np.asarray(ra) % 360.0, np.asarray(dec)

    def magnitudes(self, flux_adu: FloatArray) -> FloatArray:
        """Return AB magnitudes of counts in an ordinary exposure."""
        return np.array([mag_of(float(flux), self.camera.zero_point_mag) for flux in flux_adu])


def draw_constant_sky(canvas: Canvas, config: SkyConfig) -> FieldSky:
    """Draw the stars and galaxies of a field."""
    return FieldSky(
        name=canvas.name,
        centre=canvas.centre,
        stars=_draw_stars(canvas, config),
        galaxies=_draw_galaxies(canvas, config),
    )


def power_law(rng: np.random.Generator, n: int, slope: float, limits: Sequence[float]) -> FloatArray:
    """Return n numbers between ``limits`` with N(>F) ~ F^-slope."""
    low, high = limits
    return np.asarray(low * (1.0 - rng.uniform(size=n) * (1.0 - (high / low) ** -slope)) ** (-1.0 / slope))


def _number(rng: np.random.Generator, canvas: Canvas, per_mpix: float, slope: float, faintest: float) -> int:
    """Return how many objects reach down to ``faintest`` where ``per_mpix`` are as bright as 1."""
    ny, nx = canvas.shape
    area = (ny + 2 * _MARGIN_PIX) * (nx + 2 * _MARGIN_PIX) / 1e6
    return int(rng.poisson(per_mpix * area * faintest**-slope))


def _draw_stars(canvas: Canvas, config: SkyConfig) -> Stars:
    rng = canvas.rng("stars")
    n = _number(rng, canvas, config.stars_per_mpix, config.star_slope, _STAR_FLUX[0])
    ra, dec = canvas.sky(*canvas.scatter(rng, n, margin_pix=_MARGIN_PIX))
    flux = canvas.depth.five_sigma_adu * power_law(rng, n, config.star_slope, _STAR_FLUX)
    return Stars(ra_deg=ra, dec_deg=dec, mag_ab=canvas.magnitudes(flux))


def _draw_galaxies(canvas: Canvas, config: SkyConfig) -> Galaxies:
    rng = canvas.rng("galaxies")
    n = _number(rng, canvas, config.galaxies_per_mpix, config.galaxy_slope, _GALAXY_FLUX[0])
    ra, dec = canvas.sky(*canvas.scatter(rng, n, margin_pix=_MARGIN_PIX))
    relative = power_law(rng, n, config.galaxy_slope, _GALAXY_FLUX)
    scale = canvas.camera.pixel_scale_arcsec * 1.3 * relative**0.28 * rng.lognormal(0.0, 0.25, n)
    # Discs are seen from all sides: the cosine of the inclination is uniform, down to their own thickness.
    cosine = rng.uniform(0.0, 1.0, n)
    bulge = np.where(rng.uniform(size=n) < 0.3, rng.uniform(0.4, 0.9, n), rng.uniform(0.0, 0.3, n))
    return Galaxies(
        ra_deg=ra,
        dec_deg=dec,
        mag_ab=canvas.magnitudes(canvas.depth.five_sigma_adu * relative),
        disc_scale_arcsec=scale,
        axis_ratio=np.sqrt(cosine**2 + 0.15**2 * (1.0 - cosine**2)),
        angle_rad=rng.uniform(0.0, np.pi, n),
        bulge_fraction=bulge,
        bulge_radius_arcsec=0.6 * scale,
    )
