"""One exposure of a field: its plan, and the counts that come of it."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from astrid_core.shared.images import FloatImage
from astrid_core.simulate.changing import ChangingObject
from astrid_core.simulate.config import CameraConfig
from astrid_core.simulate.defects import DetectorFaults, Hits, Mark, Trail
from astrid_core.simulate.depth import adu_of
from astrid_core.simulate.detector import read_out
from astrid_core.simulate.optics import FloatArray, Optics
from astrid_core.simulate.population import FieldSky
from astrid_core.simulate.prediction import STAMP_PIX, Sight
from astrid_core.simulate.render import GalaxyImages, add_galaxies, add_points
from astrid_core.simulate.seeds import generator

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyLight:
    """The brightness of the night sky over the frame, whose edges lie at -1 and 1; counts per pixel."""

    level_adu: float
    slope: tuple[float, float] = (0.0, 0.0)
    """Relative change from the centre to the edge, along x and y."""
    bowl: float = 0.0

    def on(self, shape: tuple[int, int]) -> FloatArray:
        """Return it for every pixel."""
        v, u = np.meshgrid(*(np.linspace(-1.0, 1.0, side) for side in shape), indexing="ij")
        return np.asarray(self.at(u, v))

    def at(self, u: FloatArray | float, v: FloatArray | float) -> FloatArray | float:
        """Return it at places in units of half a frame."""
        return self.level_adu * (1.0 + self.slope[0] * u + self.slope[1] * v + self.bowl * (u * u + v * v))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposurePlan:
    """All that is decided about an exposure before the first photon arrives."""

    begin_mjd: float
    camera: CameraConfig
    optics: Optics
    sky_light: SkyLight
    zero_point_mag: float
    """AB magnitude of one count, clouds included."""
    true_wcs: WCS
    header_wcs: WCS
    """What the telescope believes."""
    rotation_deg: float
    faults: DetectorFaults
    hits: Hits
    trails: tuple[Trail, ...]
    noise_seed: np.random.SeedSequence

    @property
    def mid_mjd(self) -> float:
        """Middle of the exposure."""
        return self.begin_mjd + self.camera.exposure_s / 2.0 / _DAY_S

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.optics.frame_shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """An exposure, and what is true about it."""

    plan: ExposurePlan
    counts: FloatImage
    """Whole numbers."""
    variance: FloatImage
    """Of every pixel, counts squared: photons of the sky and of all sources, and read noise; no trails, no faults."""
    marks: tuple[Mark, ...]
    """What spoilt it."""


def expose(field: FieldSky, plan: ExposurePlan) -> Exposed:
    """Take one exposure; the same plan gives the same counts."""
    light = plan.sky_light.on(plan.shape)
    _add_stars(light, field, plan)
    _add_galaxies(light, field, plan)
    for one in field.changing:
        _add_changing(light, one, plan)
    variance = (light / plan.camera.gain_e_adu + _read_variance(plan)).astype(np.float32)
    for trail in plan.trails:
        light += trail.light(plan.shape)
    counts = read_out(light, plan.hits, plan.camera, plan.faults, generator(plan.noise_seed))
    hot = tuple(
        Mark(kind="hot_pixel", number=number, x_pix=float(x), y_pix=float(y))
        for number, (x, y) in enumerate(zip(plan.faults.hot_x, plan.faults.hot_y, strict=True), start=1)
    )
    trails = tuple(
        mark for number, trail in enumerate(plan.trails, start=1) for mark in trail.marks(plan.shape, number=number)
    )
    return Exposed(plan=plan, counts=counts, variance=variance, marks=(*plan.hits.marks, *trails, *hot))


def look(exposed: Exposed, one: ChangingObject, *, at_mjd: float | None = None) -> Sight | None:
    """Return how an exposure sees an object; None outside of the frame.

    With ``at_mjd`` it looks where the object is at that time: another exposure sees nothing where an asteroid will be.
    """
    plan = exposed.plan
    position = one.place(plan.mid_mjd if at_mjd is None else at_mjd)
    found = plan.true_wcs.wcs_world2pix([[position.ra_deg, position.dec_deg]], 0)[0]
    x, y = float(found[0]), float(found[1])
    ny, nx = plan.shape
    if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
        return None
    is_there = one.place(plan.mid_mjd) == position
    half = STAMP_PIX // 2
    rows = np.clip(np.arange(round(y) - half, round(y) + half + 1), 0, ny - 1)
    columns = np.clip(np.arange(round(x) - half, round(x) + half + 1), 0, nx - 1)
    return Sight(
        x_pix=x,
        y_pix=y,
        position=position,
        flux_adu=_flux(one, plan) if is_there else 0.0,
        zero_point_mag=plan.zero_point_mag,
        psf=plan.optics.stamp(x, y, STAMP_PIX),
        sky_variance=_sky_variance(plan, 2.0 * x / (nx - 1) - 1.0, 2.0 * y / (ny - 1) - 1.0),
        variance=exposed.variance[np.ix_(rows, columns)].astype(float),
        weight_noise=float(np.sqrt(_sky_variance(plan, 0.0, 0.0))),
        fwhm_pix=plan.optics.fwhm_pix,
    )


def _sky_variance(plan: ExposurePlan, u: float, v: float) -> float:
    return float(plan.sky_light.at(u, v)) / plan.camera.gain_e_adu + _read_variance(plan)


def _read_variance(plan: ExposurePlan) -> float:
    return (plan.camera.read_noise_e / plan.camera.gain_e_adu) ** 2


def _add_stars(light: FloatArray, field: FieldSky, plan: ExposurePlan) -> None:
    x, y = plan.true_wcs.wcs_world2pix(field.stars.ra_deg, field.stars.dec_deg, 0)
    add_points(light, plan.optics, x, y, _counts(field.stars.mag_ab, plan))


def _add_galaxies(light: FloatArray, field: FieldSky, plan: ExposurePlan) -> None:
    galaxies = field.galaxies
    x, y = plan.true_wcs.wcs_world2pix(galaxies.ra_deg, galaxies.dec_deg, 0)
    scale = plan.camera.pixel_scale_arcsec
    images = GalaxyImages(
        x_pix=x,
        y_pix=y,
        flux=_counts(galaxies.mag_ab, plan),
        disc_scale_pix=galaxies.disc_scale_arcsec / scale,
        axis_ratio=galaxies.axis_ratio,
        angle_rad=galaxies.angle_rad + np.radians(plan.rotation_deg),
        bulge_fraction=galaxies.bulge_fraction,
        bulge_radius_pix=galaxies.bulge_radius_arcsec / scale,
    )
    add_galaxies(light, plan.optics, images)


def _add_changing(light: FloatArray, one: ChangingObject, plan: ExposurePlan) -> None:
    flux = _flux(one, plan)
    if flux == 0.0:
        return
    # What moves is smeared: Simpson's rule over the exposure.
    half_d = plan.camera.exposure_s / 2.0 / _DAY_S
    places = [one.place(plan.mid_mjd + step * half_d) for step in (-1.0, 0.0, 1.0)]
    x, y = plan.true_wcs.wcs_world2pix([at.ra_deg for at in places], [at.dec_deg for at in places], 0)
    add_points(light, plan.optics, x, y, flux * np.array([1.0, 4.0, 1.0]) / 6.0)


def _flux(one: ChangingObject, plan: ExposurePlan) -> float:
    return adu_of(one.mag_ab, plan.zero_point_mag) * one.brightness(plan.mid_mjd)


def _counts(mag_ab: FloatArray, plan: ExposurePlan) -> FloatArray:
    return np.asarray(10.0 ** (0.4 * (plan.zero_point_mag - mag_ab)))
