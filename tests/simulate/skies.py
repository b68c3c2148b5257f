"""Small settings and hand-made skies for tests of the simulator."""

from dataclasses import replace

import numpy as np

from astrid_core.shared.sky import SkyPosition
from astrid_core.simulate.changing import ChangingObject
from astrid_core.simulate.config import CameraConfig, ConditionsConfig, SkyConfig, SurveyConfig
from astrid_core.simulate.defects import DetectorFaults, draw_faults
from astrid_core.simulate.depth import mag_of, ordinary_depth
from astrid_core.simulate.exposure import ExposurePlan
from astrid_core.simulate.plans import plan_exposure
from astrid_core.simulate.population import Canvas, FieldSky, Galaxies, Stars
from astrid_core.simulate.seeds import generator

CENTRE = SkyPosition(ra_deg=150.0, dec_deg=2.0)
CAMERA = CameraConfig(bad_columns_per_mpix=0.0, hot_pixels_per_mpix=0.0)
CALM = ConditionsConfig(
    psf_variation=0.0,
    ellipticity=0.0,
    sky_gradient=0.0,
    extinction_mag=0.0,
    dither_pix=0.0,
    rotation_deg=0.0,
    wcs_error_pix=0.0,
    cosmic_rays_per_mpix=0.0,
    trails_per_exposure=0.0,
)
"""Nothing is spoilt, and all exposures share one grid and one flux scale."""
SMALL = SurveyConfig(
    n_fields=1,
    side_pix=192,
    n_nights=3,
    last_exposures=2,
    sky=SkyConfig(transients_per_mpix=150.0, faded_per_mpix=80.0, variables_per_mpix=80.0, moving_per_mpix=60.0),
    conditions=ConditionsConfig(cosmic_rays_per_mpix=100.0, trails_per_exposure=0.5),
)
"""A survey that is written within a second, with some of everything."""

_NONE = np.zeros(0)
NO_FAULTS: DetectorFaults = draw_faults(generator(0), CAMERA, (64, 64))


def canvas(side_pix: int, *, camera: CameraConfig = CAMERA, seed: int = 7, name: str = "field") -> Canvas:
    """Return a square canvas."""
    depth = ordinary_depth(camera, ConditionsConfig())
    return Canvas(seed=seed, name=name, centre=CENTRE, shape=(side_pix, side_pix), camera=camera, depth=depth)


def empty_sky(*changing: ChangingObject) -> FieldSky:
    """Return a field without stars and galaxies."""
    return FieldSky(
        name="field",
        centre=CENTRE,
        stars=Stars(ra_deg=_NONE, dec_deg=_NONE, mag_ab=_NONE),
        galaxies=Galaxies(**dict.fromkeys(Galaxies.__slots__, _NONE)),
        changing=changing,
    )


def with_stars(sky: FieldSky, on: Canvas, *stars: tuple[float, float, float]) -> FieldSky:
    """Return the field with constant stars at (x, y) pixels of an undithered exposure, and their counts."""
    x, y, flux = np.array(stars).T
    ra, dec = on.sky(x, y)
    return replace(sky, stars=Stars(ra_deg=ra, dec_deg=dec, mag_ab=on.magnitudes(flux)))


def transient(on: Canvas, x_pix: float, y_pix: float, flux: float, *, name: str = "t") -> ChangingObject:
    """Return a new source with these counts, which appears at MJD 60005."""
    ra, dec = on.sky(np.array([x_pix]), np.array([y_pix]))
    return ChangingObject(
        object_id=name,
        kind="transient",
        position=SkyPosition(ra_deg=float(ra[0]), dec_deg=float(dec[0])),
        mag_ab=mag_of(flux, on.camera.zero_point_mag),
        from_mjd=60005.0,
    )


def plan(
    on: Canvas,
    name: str,
    *,
    begin_mjd: float = 60010.0,
    conditions: ConditionsConfig = CALM,
    faults: DetectorFaults = NO_FAULTS,
) -> ExposurePlan:
    """Plan an exposure."""
    return plan_exposure(on, name, begin_mjd=begin_mjd, conditions=conditions, faults=faults)
