"""Fetch one observation, keep the raw file, prepare it, record the run."""

import time
from dataclasses import dataclass, field

import structlog

from astrid_core.observations.airmass import airmass_of
from astrid_core.observations.entities import Observation, Survey
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.choose_masters import CalibrationPlan
from astrid_core.preprocessing.config import AstrometryConfig, PreprocessConfig, ZeroPointConfig
from astrid_core.preprocessing.entities import PreprocessRun, WCSInfo
from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.preprocessing.prepare import VERSION, PreparedImage, prepare
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import BadConfiguration, Unprocessable
from astrid_core.shared.fits_format import MEDIA_TYPE
from astrid_core.shared.runs import RunKey, RunStatus, run_key, settled
from astrid_core.stages.frames import frame_inputs, read_observation
from astrid_core.stages.images import store_image
from astrid_core.stages.masters import calibrate_frame, calibration_of
from astrid_core.stages.services import Records, Services
from astrid_core.stages.tie import TieConfig, tie_inputs, tie_to_catalog, told_by

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """All settings that decide what comes of an exposure in this stage."""

    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    calibrate: CalibrateConfig = field(default_factory=CalibrateConfig)
    astrometry: AstrometryConfig = field(default_factory=AstrometryConfig)
    zero_point: ZeroPointConfig = field(default_factory=ZeroPointConfig)

    @property
    def tie(self) -> TieConfig:
        """What decides the tie to a star catalog."""
        return TieConfig(astrometry=self.astrometry, zero_point=self.zero_point)


def preprocess_key(
    observation: Observation,
    plan: CalibrationPlan,
    preparation: Preparation,
    *,
    stars: StarCatalog | None = None,
    processing_round: int = 0,
) -> RunKey:
    """Return the key of preparing ``observation``: whose it is, the file's bytes and the frame inside it, what the
    registry of instruments makes of its header, the masters it gets, and the catalog that it is tied to.
    """
    facts = (
        # Two surveys may hold the same bytes: each has runs of its own.
        observation.id,
        observation.file_digest,
        str(observation.extension),
        repr(observation.gain_e_adu),
        repr(observation.read_noise_e),
        repr(observation.saturation_adu),
        repr(observation.zero_point_mag),
        repr(observation.exposure_s),
        repr(observation.mid_mjd),
        *frame_inputs(observation),
        *plan.inputs(preparation.calibrate),
        *tie_inputs(stars, observation, preparation.tie),
        *round_inputs(processing_round),
    )
    return run_key("preprocess", VERSION, preparation.preprocess, facts)


def planned_key(
    records: Records,
    observation: Observation,
    survey: Survey | None,
    preparation: Preparation,
    *,
    stars: StarCatalog | None = None,
) -> RunKey:
    """Return the key that preparing ``observation`` has today, with the masters that are valid for it now."""
    plan = calibration_of(records, observation, survey, preparation.calibrate)
    processing_round = records.processing_rounds.of(observation.id)
    return preprocess_key(observation, plan, preparation, stars=stars, processing_round=processing_round)


def round_inputs(processing_round: int) -> tuple[str, ...]:
    """Return what a round adds to the inputs of a run: nothing as long as nobody asked for another one."""
    return (f"round {processing_round}",) if processing_round else ()


def run_preprocess(services: Services, observation_id: str, preparation: Preparation) -> RunKey:
    """Prepare one observation. Safe to repeat; raises Unprocessable where it cannot be prepared."""
    with services.transaction() as records:
        observation = records.observations.get(observation_id)
        plan = calibration_of(records, observation, _survey(services, observation), preparation.calibrate)
        processing_round = records.processing_rounds.of(observation_id)
        key = preprocess_key(observation, plan, preparation, stars=services.stars, processing_round=processing_round)
        done = records.preprocess_runs.find(key)
    if done:
        return settled(done)
    started = time.monotonic()
    try:
        plan.require_complete(observation)
        raw = _fetch(services, observation)
        prepared, airmass = _prepare(services, observation, raw, plan, preparation)
        tied = tie_to_catalog(services.stars, observation, prepared, preparation.tie, airmass=airmass)
    except Unprocessable as error:
        _record(services, PreprocessRun.skipped(key, observation_id, str(error), processing_round=processing_round))
        raise
    run = PreprocessRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        observation_id=observation_id,
        raw=raw,
        image=store_image(services.artifacts, tied.image, quantize_level=preparation.preprocess.quantize_level),
        wcs=WCSInfo(origin=observation.wcs_origin, pixel_scale_arcsec=observation.pixel_scale_arcsec),
        quality=prepared.quality,
        calibration=plan.rule,
        masters=tuple(one.digest for one in plan.masters),
        elapsed_s=time.monotonic() - started,
        processing_round=processing_round,
    )
    run = told_by(run, tied)
    _record(services, run)
    stars = prepared.psf_stars
    log.info(
        "preprocess.recorded",
        run=key,
        observation=observation_id,
        calibration=plan.rule,
        n_masters=len(plan.masters),
        fwhm_pix=prepared.quality.fwhm_pix,
        n_psf_stars=prepared.quality.n_stars,
        psf_chi2=stars.median_chi2,
        n_psf_outliers=stars.n_outliers,
        n_psf_crowded=stars.n_crowded,
        n_psf_masked=stars.n_masked,
        n_psf_edge=stars.n_edge,
        astrometric_rms_mas=None if tied.astrometry is None else (tied.astrometry.rms_x_mas, tied.astrometry.rms_y_mas),
        zero_point_mag=None if tied.photometry is None else tied.photometry.zero_point_mag,
        untied=tied.untied,
    )
    return key


def _record(services: Services, run: PreprocessRun) -> None:
    with services.transaction() as records:
        if records.preprocess_runs.add(run):
            facts = {"observation": run.observation_id, "status": run.status.value, "reason": run.reason}
            records.events.append("preprocess.recorded", subject=run.key, facts=facts)


def _fetch(services: Services, observation: Observation) -> ArtifactRef:
    client = services.surveys.get(observation.survey)
    if client is None:
        raise BadConfiguration("survey is not configured", survey=observation.survey)
    return services.artifacts.put(client.fetch(observation), media_type=MEDIA_TYPE)


def _survey(services: Services, observation: Observation) -> Survey | None:
    client = services.surveys.get(observation.survey)
    return None if client is None else client.survey


def _prepare(
    services: Services, observation: Observation, raw: ArtifactRef, plan: CalibrationPlan, preparation: Preparation
) -> tuple[PreparedImage, float | None]:
    """Return the prepared image, and the airmass that its header tells."""
    frame = read_observation(services, observation, raw)
    calibrated = calibrate_frame(
        services.artifacts,
        frame,
        observation,
        plan,
        preparation.calibrate,
        saturation_fraction=preparation.preprocess.saturation_fraction,
    )
    prepared = prepare(
        calibrated.pixels,
        mask=calibrated.mask,
        variance=calibrated.variance,
        wcs=calibrated.wcs,
        detector=calibrated.detector,
        config=preparation.preprocess,
    )
    return prepared, airmass_of(frame.headers, observation.position, observation.mid_mjd)
