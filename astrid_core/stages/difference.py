"""Subtract the reference from one prepared observation, keep the images, record run and candidates."""

import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import Candidate, DifferenceRun, ReferenceImage, ReferenceStatus
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.differencing.products import write_difference
from astrid_core.differencing.quality_gate import measures_of_exposure, read_with_care
from astrid_core.differencing.retention import recipe_of
from astrid_core.differencing.subtract import VERSION
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import MissingArtifact, NoReference, Unprocessable
from astrid_core.shared.fits_format import MEDIA_TYPE
from astrid_core.shared.runs import RunKey, RunStatus, run_key, settled
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages.images import load_image, load_template
from astrid_core.stages.preprocess import round_inputs
from astrid_core.stages.services import Records, Services
from astrid_core.stages.suitability import choose_suitable, judge_reference

log = structlog.get_logger()


def find_references(records: Records, observation: Observation, config: DifferenceConfig) -> tuple[ReferenceImage, ...]:
    """Return the active references of an observation by the rule of ``choose_suitable``, or raise NoReference."""
    near = records.references.meeting(observation.position, observation.radius_deg, status=ReferenceStatus.ACTIVE)
    return choose_suitable(observation, near, config)


def difference_key(
    preprocessed: PreprocessRun, references: Sequence[ReferenceImage], config: DifferenceConfig
) -> RunKey:
    """Return the key of comparing a prepared image with references; none stands for: no reference was there."""
    image = preprocessed.image.digest if preprocessed.image else ""
    inputs = (
        preprocessed.observation_id,
        image,
        *([one.digest for one in references] or ["no reference"]),
        # The same pixels may come out of another round, whose runs are to be its own.
        *round_inputs(preprocessed.processing_round),
    )
    return run_key("difference", VERSION, config, inputs)


def planned_difference(
    records: Records, preprocessed: PreprocessRun, observation: Observation, config: DifferenceConfig
) -> RunKey:
    """Return the key of subtracting the references of today from a prepared image."""
    return difference_key(preprocessed, references_today(records, observation, config), config)


def references_today(
    records: Records, observation: Observation, config: DifferenceConfig
) -> tuple[ReferenceImage, ...]:
    """Return the references that an observation would be compared with now; none where there are none."""
    return _references_or_reason(records, observation, config)[0]


def run_difference(services: Services, preprocess_key: RunKey, config: DifferenceConfig) -> RunKey:
    """Subtract the reference, keep the image, record the run. Safe to repeat."""
    with services.transaction() as records:
        preprocessed = records.preprocess_runs.get(preprocess_key)
        observation = records.observations.get(preprocessed.observation_id)
        references, missing = _references_or_reason(records, observation, config)
        key = difference_key(preprocessed, references, config)
        done = records.difference_runs.find(key)
    if done:
        return settled(done)
    if preprocessed.image is None:
        raise MissingArtifact("preparation has no image", run=preprocess_key)
    started = time.monotonic()
    try:
        if not references:
            raise missing
        pair = subtract_prepared(services, preprocessed, observation, references, config)
    except Unprocessable as error:
        skipped = DifferenceRun.skipped(
            key,
            preprocess_key=preprocess_key,
            observation_id=observation.id,
            reference_digests=tuple(one.digest for one in references),
            reason=str(error),
        )
        _record(services, skipped, config)
        raise
    image = services.artifacts.put(write_difference(pair), media_type=MEDIA_TYPE)
    run = _record_of(pair, key, preprocessed, references, image, elapsed_s=time.monotonic() - started)
    suits = judge_reference(observation, references[0], config)
    _record(services, run, config, reference_class=str(suits.reference_class))
    log.info("difference.recorded", run=key, observation=observation.id, n_candidates=len(run.candidates))
    return key


def subtract_prepared(
    services: Services,
    preprocessed: PreprocessRun,
    observation: Observation,
    references: Sequence[ReferenceImage],
    config: DifferenceConfig,
) -> PairDifference:
    """Return a prepared image less its references: the same bit for bit from the same records and bytes."""
    if preprocessed.image is None:
        raise MissingArtifact("preparation has no image", run=preprocessed.key)
    science = load_image(services.artifacts, preprocessed.image)
    pair = difference_pair(
        science,
        load_template(services.artifacts, references, science),
        config,
        trust_science_wcs=preprocessed.wcs is None or preprocessed.wcs.is_trusted,
        about=measures_of_exposure(preprocessed),
        band=observation.band,
        arrays=services.arrays,
    )
    suits = judge_reference(observation, references[0], config)
    return replace(pair, quality=read_with_care(pair.quality, suits.reason))


def _record(services: Services, run: DifferenceRun, config: DifferenceConfig, *, reference_class: str = "") -> None:
    with services.transaction() as records:
        records.difference_recipes.add(recipe_of(config, version=VERSION))
        if records.difference_runs.add(run):
            facts = {
                "observation": run.observation_id,
                "references": list(run.reference_digests),
                "status": run.status.value,
                "reason": run.reason,
                "n_candidates": len(run.candidates),
                "reference_class": reference_class,
                "quality": run.quality.level.value if run.quality else "",
            }
            records.events.append("difference.recorded", subject=run.key, facts=facts)


def _references_or_reason(
    records: Records, observation: Observation, config: DifferenceConfig
) -> tuple[tuple[ReferenceImage, ...], NoReference]:
    try:
        return find_references(records, observation, config), NoReference("")
    except NoReference as reason:
        return (), reason


def _record_of(
    pair: PairDifference,
    key: RunKey,
    preprocessed: PreprocessRun,
    references: Sequence[ReferenceImage],
    image: ArtifactRef,
    *,
    elapsed_s: float,
) -> DifferenceRun:
    return DifferenceRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        preprocess_key=preprocessed.key,
        observation_id=preprocessed.observation_id,
        reference_digests=tuple(one.digest for one in references),
        image=image,
        registration=pair.registration,
        flux_ratio=pair.flux_ratio,
        score_noise=pair.difference.score_noise,
        source_noise=pair.difference.source_noise,
        quality=pair.quality,
        method=pair.difference.method,
        method_reason=pair.difference.method_reason,
        n_usable_pix=int((pair.difference.mask == 0).sum()),
        candidates=candidates_of(pair, key),
        elapsed_s=elapsed_s,
    )


def candidates_of(pair: PairDifference, key: RunKey) -> tuple[Candidate, ...]:
    """Return the peaks of a pair as candidates of run ``key``, strongest first."""
    return tuple(
        Candidate(
            run=key,
            number=number,
            position=position,
            x_pix=peak.x_pix,
            y_pix=peak.y_pix,
            x_err_pix=peak.x_err_pix,
            y_err_pix=peak.y_err_pix,
            score=peak.score,
            flux=peak.flux,
            flux_err=peak.flux_err,
            chi2=peak.chi2,
            fwhm_pix=peak.fwhm_pix,
            ellipticity=peak.ellipticity,
            flags=peak.flags,
        )
        for number, (peak, position) in enumerate(zip(pair.peaks, _positions(pair), strict=True), start=1)
    )


def _positions(pair: PairDifference) -> Sequence[SkyPosition | None]:
    if pair.science.wcs is None or not pair.peaks:
        return [None] * len(pair.peaks)
    # One call for all: a call costs a millisecond whatever it converts.
    sky = pair.science.wcs.pixel_to_world([peak.x_pix for peak in pair.peaks], [peak.y_pix for peak in pair.peaks]).icrs
    return [
        SkyPosition(ra_deg=float(ra) % 360.0, dec_deg=float(dec))
        for ra, dec in zip(sky.ra.deg, sky.dec.deg, strict=True)
    ]
