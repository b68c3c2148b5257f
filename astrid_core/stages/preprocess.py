"""Fetch one observation, keep the raw file, prepare it, record the run."""

import time

import structlog

from astrid_core.observations.entities import Observation, WcsOrigin
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.entities import PreprocessRun, WCSInfo
from astrid_core.preprocessing.prepare import VERSION, Detector, PreparedImage, prepare
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import BadConfiguration, Unprocessable
from astrid_core.shared.fits_format import MEDIA_TYPE
from astrid_core.shared.runs import RunKey, RunStatus, run_key, settled
from astrid_core.stages.frames import frame_inputs, read_observation
from astrid_core.stages.images import store_image
from astrid_core.stages.services import Services

log = structlog.get_logger()


def preprocess_key(observation: Observation, config: PreprocessConfig, *, processing_round: int = 0) -> RunKey:
    """Return the key of preparing ``observation`` under ``config``: the file's bytes, its frame and its maps."""
    facts = (
        observation.file_digest,
        str(observation.extension),
        repr(observation.gain_e_adu),
        repr(observation.read_noise_e),
        repr(observation.saturation_adu),
        repr(observation.zero_point_mag),
        *frame_inputs(observation),
        *round_inputs(processing_round),
    )
    return run_key("preprocess", VERSION, config, facts)


def round_inputs(processing_round: int) -> tuple[str, ...]:
    """Return what a round adds to the inputs of a run: nothing as long as nobody asked for another one."""
    return (f"round {processing_round}",) if processing_round else ()


def run_preprocess(services: Services, observation_id: str, config: PreprocessConfig) -> RunKey:
    """Prepare one observation. Safe to repeat; raises Unprocessable where it cannot be prepared."""
    with services.transaction() as records:
        observation = records.observations.get(observation_id)
        processing_round = records.processing_rounds.of(observation_id)
        key = preprocess_key(observation, config, processing_round=processing_round)
        done = records.preprocess_runs.find(key)
    if done:
        return settled(done)
    started = time.monotonic()
    try:
        raw = _fetch(services, observation)
        prepared = _prepare(services, observation, raw, config)
    except Unprocessable as error:
        _record(services, PreprocessRun.skipped(key, observation_id, str(error), processing_round=processing_round))
        raise
    run = PreprocessRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        observation_id=observation_id,
        raw=raw,
        image=store_image(services.artifacts, prepared.image, quantize_level=config.quantize_level),
        wcs=WCSInfo(origin=observation.wcs_origin, pixel_scale_arcsec=observation.pixel_scale_arcsec),
        quality=prepared.quality,
        elapsed_s=time.monotonic() - started,
        processing_round=processing_round,
    )
    _record(services, run)
    stars = prepared.psf_stars
    log.info(
        "preprocess.recorded",
        run=key,
        observation=observation_id,
        fwhm_pix=prepared.quality.fwhm_pix,
        n_psf_stars=prepared.quality.n_stars,
        psf_chi2=stars.median_chi2,
        n_psf_outliers=stars.n_outliers,
        n_psf_crowded=stars.n_crowded,
        n_psf_masked=stars.n_masked,
        n_psf_edge=stars.n_edge,
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


def _prepare(services: Services, observation: Observation, raw: ArtifactRef, config: PreprocessConfig) -> PreparedImage:
    frame = read_observation(services, observation, raw)
    return prepare(
        frame.pixels,
        mask=frame.mask,
        variance=frame.variance,
        wcs=frame.wcs,
        detector=Detector(
            gain_e_count=observation.gain_e_adu,
            read_noise_e=observation.read_noise_e,
            saturation=observation.saturation_adu,
            zero_point_mag=observation.zero_point_mag,
        ),
        config=config,
    )


def wcs_is_trusted(observation: Observation) -> bool:
    """Tell whether an observation's WCS may start a registration: a pointing alone has no orientation."""
    return observation.wcs_origin is WcsOrigin.HEADER
