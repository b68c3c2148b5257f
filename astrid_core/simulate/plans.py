"""What is decided about each exposure: pointing, seeing, sky, clouds, and what will spoil it."""

import numpy as np

from astrid_core.shared.sky import SkyPosition
from astrid_core.simulate.config import ConditionsConfig
from astrid_core.simulate.defects import DetectorFaults, draw_hits, draw_trails
from astrid_core.simulate.exposure import ExposurePlan, SkyLight
from astrid_core.simulate.optics import draw_optics
from astrid_core.simulate.pointing import tangent_wcs
from astrid_core.simulate.population import Canvas
from astrid_core.simulate.seeds import generator, sequence

_HIGHEST_DEC_DEG = 60.0
_ROTATION_ERROR_DEG = 0.002
_STRETCH_ERROR = 2e-5
"""Standard deviations of what the header's WCS gets wrong besides its offset."""


def draw_centre(seed: int, field_name: str) -> SkyPosition:
    """Return where a field lies: anywhere on the sky, but not near the poles."""
    rng = generator(seed, "field", field_name, "centre")
    limit = np.sin(np.radians(_HIGHEST_DEC_DEG))
    dec = float(np.degrees(np.arcsin(rng.uniform(-limit, limit))))
    return SkyPosition(ra_deg=round(float(rng.uniform(0.0, 360.0)), 5) % 360.0, dec_deg=round(dec, 5))


def plan_exposure(
    canvas: Canvas,
    *purpose: str | int,
    begin_mjd: float,
    conditions: ConditionsConfig,
    faults: DetectorFaults,
) -> ExposurePlan:
    """Plan an exposure of the field of ``canvas``; ``purpose`` names it among all exposures of that field."""
    rng, camera, shape = canvas.rng(*purpose, "plan"), canvas.camera, canvas.shape
    optics = draw_optics(rng, conditions, shape)
    dither = rng.uniform(-conditions.dither_pix, conditions.dither_pix, 2)
    rotation = float(rng.normal(0.0, conditions.rotation_deg))
    true_wcs = tangent_wcs(
        canvas.centre,
        shape,
        camera.pixel_scale_arcsec,
        offset_pix=(float(dither[0]), float(dither[1])),
        rotation_deg=rotation,
    )
    error = rng.normal(0.0, 1.0, 4)
    believed = dither + conditions.wcs_error_pix * error[:2]
    is_wrong = conditions.wcs_error_pix > 0.0
    header_wcs = tangent_wcs(
        canvas.centre,
        shape,
        camera.pixel_scale_arcsec,
        offset_pix=(float(believed[0]), float(believed[1])),
        rotation_deg=rotation + _ROTATION_ERROR_DEG * float(error[2]) * is_wrong,
        stretch=1.0 + _STRETCH_ERROR * float(error[3]) * is_wrong,
    )
    return ExposurePlan(
        begin_mjd=begin_mjd,
        camera=camera,
        optics=optics,
        sky_light=_draw_sky_light(rng, conditions),
        # Most nights are clear: the square of a uniform number stays near zero.
        zero_point_mag=camera.zero_point_mag - conditions.extinction_mag * float(rng.uniform()) ** 2,
        true_wcs=true_wcs,
        header_wcs=header_wcs,
        rotation_deg=rotation,
        faults=faults,
        hits=draw_hits(canvas.rng(*purpose, "cosmic rays"), conditions.cosmic_rays_per_mpix, shape),
        trails=draw_trails(canvas.rng(*purpose, "trails"), conditions, shape, fwhm_pix=optics.fwhm_pix),
        noise_seed=sequence(canvas.seed, "field", canvas.name, *purpose, "noise"),
    )


def _draw_sky_light(rng: np.random.Generator, conditions: ConditionsConfig) -> SkyLight:
    low, high = conditions.sky_adu
    slope = rng.uniform(-0.5, 0.5, 2) * conditions.sky_gradient
    return SkyLight(
        level_adu=float(rng.uniform(low, high)),
        slope=(float(slope[0]), float(slope[1])),
        bowl=float(rng.uniform(-0.2, 0.2) * conditions.sky_gradient),
    )
