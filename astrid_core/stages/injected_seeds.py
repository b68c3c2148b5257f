"""Keep some of the injected sources that a search found again, so that people can be shown them."""

from dataclasses import replace

from astrid_core.catalog.measure import light_curve_point
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import InjectedSeed
from astrid_core.curation.queue import review_item
from astrid_core.detection.entities import InjectionRun, ModelRun
from astrid_core.detection.ports import Scorer
from astrid_core.detection.scored import score_candidates
from astrid_core.detection.shown_injections import choose_shown, numbers_behind
from astrid_core.detection.trial import Trial, TrialConfig
from astrid_core.differencing.added_light import ALONE_FWHM, MEDIA_TYPE, added_light, write_light
from astrid_core.differencing.products import read_difference, write_difference
from astrid_core.differencing.template import owner_of
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.stages.detect import detect_key
from astrid_core.stages.difference import candidates_of
from astrid_core.stages.services import Services


def seeds_of(
    services: Services, run: InjectionRun, trial: Trial, scorer: Scorer, config: TrialConfig, curate: CurateConfig
) -> tuple[InjectedSeed, ...]:
    """Store the light of some recovered sources, and return them as detections of their exposure would look.

    None where the exposure was not searched by the same network: there they would have nothing to look like.
    """
    model_run = _model_run(services, detect_key(run.difference_key, scorer.model, config.detect))
    if model_run is None or curate.injected_seeds == 0:
        return ()
    before, after = trial.searched.before, trial.searched.after
    chosen = choose_shown(
        trial.recoveries,
        config.inject,
        n=curate.injected_seeds,
        min_score=curate.min_score,
        apart_pix=ALONE_FWHM * max(before.science_fwhm_pix, before.reference_fwhm_pix),
        name=run.key,
    )
    if not chosen:
        return ()
    peaks = tuple(one.peak for one in chosen if one.peak is not None)
    numbers = numbers_behind(len(model_run.detections), chosen, name=run.key)
    candidates = [
        replace(candidate, number=number)
        for candidate, number in zip(
            candidates_of(replace(after, peaks=peaks), run.difference_key), numbers, strict=True
        )
    ]  # fmt: skip
    # Written and read, so that the network sees what it sees of every other difference.
    product = read_difference(write_difference(after))
    detections = score_candidates(product, candidates, scorer, config.detect, run=model_run.key)
    with services.transaction() as records:
        observation = records.observations.get(run.observation_id)
        difference = records.difference_runs.get(run.difference_key)
        prepared = records.preprocess_runs.get(difference.preprocess_key)
        references = [records.references.get(digest) for digest in difference.reference_digests]
    seeds = []
    for recovery, detection in zip(chosen, detections, strict=True):
        candidate = detection.candidate
        light = added_light(before, after, x_pix=candidate.x_pix, y_pix=candidate.y_pix)
        owner = owner_of(candidate.position, references)
        # As the catalog takes it: what scored less is shown without a magnitude.
        is_published = detection.score is not None and detection.score >= config.min_score
        measured = light_curve_point(detection, observation, prepared, None, reference_digest=owner.digest)
        seeds.append(
            InjectedSeed(
                detection=detection,
                item=review_item(detection, observation, n_needed=curate.n_votes),
                injection_run=run.key,
                predicted_snr=recovery.injection.predicted_snr,
                light=services.artifacts.put(write_light(light), media_type=MEDIA_TYPE),
                mag_ab=measured.mag_ab if measured and is_published else None,
                mag_err=measured.mag_err if measured and is_published else None,
                reference_digest=owner.digest,
            )
        )
    return tuple(seeds)


def _model_run(services: Services, key: RunKey) -> ModelRun | None:
    with services.transaction() as records:
        found = records.model_runs.find(key)
    return found if found is not None and found.status is RunStatus.SUCCEEDED else None
