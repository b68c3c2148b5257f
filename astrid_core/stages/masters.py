"""The masters that an exposure gets: looked up, fetched, applied."""

from dataclasses import dataclass, fields

import numpy as np
from astropy.wcs import WCS

from astrid_core.observations.entities import Observation, Survey
from astrid_core.observations.frames import Frame
from astrid_core.preprocessing.apply_masters import RawFacts, apply_masters
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.choose_masters import CalibrationPlan, plan_calibration, setup_of
from astrid_core.preprocessing.entities import CalibrationData
from astrid_core.preprocessing.master_format import fits_to_master
from astrid_core.preprocessing.masters import Masters
from astrid_core.preprocessing.prepare import Detector
from astrid_core.preprocessing.raw import level, trimmed_wcs
from astrid_core.shared.artifacts import ArtifactStore
from astrid_core.shared.images import FloatImage, MaskImage
from astrid_core.stages.services import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedFrame:
    """What preparation takes; arrays (ny, nx), without overscan."""

    pixels: FloatImage
    mask: MaskImage | None
    variance: FloatImage | None
    wcs: WCS | None
    detector: Detector


def calibration_of(
    records: Records, observation: Observation, survey: Survey | None, config: CalibrateConfig
) -> CalibrationPlan:
    """Return which masters an exposure gets today, or why it gets none."""
    masters = records.calibration_masters.search(setup=setup_of(observation))
    survey_calibrated = None if survey is None else survey.calibrated
    return plan_calibration(observation, masters, config, survey_calibrated=survey_calibrated)


def calibrate_frame(
    artifacts: ArtifactStore,
    frame: Frame,
    observation: Observation,
    plan: CalibrationPlan,
    config: CalibrateConfig,
    *,
    saturation_fraction: float,
) -> CalibratedFrame:
    """Apply the masters of ``plan`` to a frame; a frame that gets none passes as its file holds it."""
    detector = Detector(
        gain_e_count=observation.gain_e_adu,
        read_noise_e=observation.read_noise_e,
        saturation=observation.saturation_adu,
        zero_point_mag=observation.zero_point_mag,
    )
    if not plan.masters:
        return CalibratedFrame(
            pixels=frame.pixels, mask=frame.mask, variance=frame.variance, wcs=frame.wcs, detector=detector
        )
    leveled = level(frame.pixels, frame.readout, degree=config.overscan_degree)
    calibrated = apply_masters(
        leveled,
        load_masters(artifacts, plan.masters),
        RawFacts(
            exposure_s=observation.exposure_s,
            gain_e_count=observation.gain_e_adu,
            read_noise_e=observation.read_noise_e,
            saturation_adu=observation.saturation_adu,
            coefficients=config.coefficients(observation.instrument),
        ),
        saturation_fraction=saturation_fraction,
    )
    mask = calibrated.mask
    if frame.mask is not None and frame.mask.shape == mask.shape:
        mask = np.asarray(mask | frame.mask, dtype=np.uint16)
    return CalibratedFrame(
        pixels=calibrated.pixels,
        mask=mask,
        variance=calibrated.variance,
        wcs=trimmed_wcs(frame.wcs, leveled),
        detector=Detector(
            gain_e_count=observation.gain_e_adu,
            read_noise_e=calibrated.read_noise_e,
            saturation=calibrated.saturation,
            zero_point_mag=observation.zero_point_mag,
        ),
    )


def load_masters(artifacts: ArtifactStore, chosen: tuple[CalibrationData, ...]) -> Masters:
    """Fetch masters, at most one of each kind."""
    known = {one.name for one in fields(Masters)}
    loaded = {one.kind.value: fits_to_master(artifacts.get(one.digest)) for one in chosen}
    return Masters(**{kind: master for kind, master in loaded.items() if kind in known})
