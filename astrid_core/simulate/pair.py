"""One simulated exposure and one reference of the same field, in memory: what a network is trained on."""

from dataclasses import dataclass, field, replace

import numpy as np
from astropy.wcs import WCS

from astrid_core.preprocessing.prepare import Detector
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.images import FloatImage
from astrid_core.simulate.config import CameraConfig, ConditionsConfig, SkyConfig
from astrid_core.simulate.defects import Mark, draw_faults
from astrid_core.simulate.depth import ordinary_depth
from astrid_core.simulate.events import add_events
from astrid_core.simulate.exposure import Exposed, ExposurePlan, expose, look
from astrid_core.simulate.plans import draw_centre, plan_exposure
from astrid_core.simulate.population import Canvas, FieldSky, draw_constant_sky
from astrid_core.simulate.prediction import predict_snr

_REFERENCE_MJD, _CHANGE_MJD, _SCIENCE_MJD = 60000.1, 60005.0, 60010.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConfig:
    """A pair in which much changes."""

    side_pix: int = 512
    reference_depth: tuple[int, int] = (3, 8)
    """The reference is as deep as the mean of so many exposures, the fewest and the most."""
    clipped_fraction: float = 0.97
    """Part of the cosmic rays of those exposures that coadding has removed."""
    sky: SkyConfig = field(
        default_factory=lambda: SkyConfig(
            transients_per_mpix=130.0, faded_per_mpix=70.0, variables_per_mpix=40.0, moving_per_mpix=20.0
        )
    )
    camera: CameraConfig = field(default_factory=CameraConfig)
    conditions: ConditionsConfig = field(default_factory=ConditionsConfig)

    def __post_init__(self) -> None:
        if self.side_pix < 128:
            raise BadConfiguration("side_pix must be at least 128", got=self.side_pix)
        if not 1 <= self.reference_depth[0] <= self.reference_depth[1]:
            raise BadConfiguration("reference_depth must be two counts, the lower first", got=self.reference_depth)
        if not 0.0 <= self.clipped_fraction <= 1.0:
            raise BadConfiguration("clipped_fraction must lie in [0, 1]", got=self.clipped_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthInFrame:
    """A source that changed, where it really is on the science frame."""

    kind: str
    """transient, variable or moving."""
    x_pix: float
    """0-based."""
    y_pix: float
    predicted_snr: float
    """Signed S_corr; negative for what faded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPair:
    """Two frames as they would come from files, ready for preparation, and what changed between them."""

    science: FloatImage
    """Raw counts (ny, nx)."""
    reference: FloatImage
    """Raw counts of a deep frame that has its own pointing, seeing and flux scale."""
    science_wcs: WCS
    """As a header would have it, with its error."""
    reference_wcs: WCS
    science_detector: Detector
    reference_detector: Detector
    sources: tuple[TruthInFrame, ...]
    defects: tuple[Mark, ...] = ()
    """Cosmic rays, hot pixels and points of trails on the science frame."""


def simulate_pair(config: PairConfig, seed: int) -> SimulatedPair:
    """Return one pair; the same settings and seed give the same pixels."""
    canvas = Canvas(
        seed=seed,
        name="pair",
        centre=draw_centre(seed, "pair"),
        shape=(config.side_pix, config.side_pix),
        camera=config.camera,
        depth=ordinary_depth(config.camera, config.conditions),
    )
    field_sky = add_events(
        draw_constant_sky(canvas, config.sky), canvas, config.sky, change_mjd=_CHANGE_MJD, night_mjd=(_SCIENCE_MJD,)
    )
    science = expose(field_sky, _plan(canvas, config.conditions, _SCIENCE_MJD, "science"))
    reference = expose(field_sky, _plan_reference(canvas, config))
    return SimulatedPair(
        science=science.counts,
        reference=reference.counts,
        science_wcs=science.plan.header_wcs,
        reference_wcs=reference.plan.header_wcs,
        science_detector=_detector(science.plan),
        reference_detector=_detector(reference.plan),
        sources=_sources(field_sky, science, reference),
        defects=tuple(science.marks),
    )


def _plan_reference(canvas: Canvas, config: PairConfig) -> ExposurePlan:
    """Plan a frame that is like the coadd of several exposures."""
    camera, conditions = canvas.camera, config.conditions
    n_deep = int(
        canvas.rng("depth of the reference").integers(config.reference_depth[0], config.reference_depth[1] + 1)
    )
    left = 1.0 - config.clipped_fraction
    deep_camera = replace(
        camera,
        # The mean of n exposures is one exposure with n times the gain and root n times the read noise.
        gain_e_adu=camera.gain_e_adu * n_deep,
        read_noise_e=camera.read_noise_e * float(np.sqrt(n_deep)),
        hot_pixels_per_mpix=camera.hot_pixels_per_mpix * left,
        bad_columns_per_mpix=0.0,
    )
    deep_conditions = replace(
        conditions,
        cosmic_rays_per_mpix=conditions.cosmic_rays_per_mpix * n_deep * left,
        trails_per_exposure=0.0,
    )
    return _plan(replace(canvas, camera=deep_camera), deep_conditions, _REFERENCE_MJD, "reference")


def _plan(canvas: Canvas, conditions: ConditionsConfig, begin_mjd: float, name: str) -> ExposurePlan:
    faults = draw_faults(canvas.rng(name, "faults"), canvas.camera, canvas.shape)
    return plan_exposure(canvas, name, begin_mjd=begin_mjd, conditions=conditions, faults=faults)


def _detector(plan: ExposurePlan) -> Detector:
    return Detector(
        gain_e_count=plan.camera.gain_e_adu,
        read_noise_e=plan.camera.read_noise_e,
        saturation=plan.camera.saturation_adu,
        zero_point_mag=plan.zero_point_mag,
    )


def _sources(field_sky: FieldSky, science: Exposed, reference: Exposed) -> tuple[TruthInFrame, ...]:
    found = []
    for one in field_sky.changing:
        seen = look(science, one)
        before = look(reference, one, at_mjd=science.plan.mid_mjd)
        if seen is None or before is None:
            continue
        snr = predict_snr(seen, (before,))
        found.append(TruthInFrame(kind=one.kind, x_pix=seen.x_pix, y_pix=seen.y_pix, predicted_snr=snr))
    return tuple(found)
