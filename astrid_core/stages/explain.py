"""Why the catalog does, or does not, hold something at a place."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.explain import Answer, Beside, Why, at_detection, at_pixels, before_pixels, detection_at
from astrid_core.catalog.exposure_facts import ExposureRuns, choose_runs
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.products import read_difference
from astrid_core.observations.entities import Observation
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages.current_runs import run_that_counts
from astrid_core.stages.offered import min_score_of
from astrid_core.stages.services import Records, Services

MAX_EXPOSURES = 50
"""Nearest in time; every searched one costs reading a difference."""


def run_explain(
    services: Services,
    position: SkyPosition,
    *,
    publish: PublishConfig,
    difference: DifferenceConfig,
    mjd: float | None = None,
    days: float = 0.5,
    band: str = "",
) -> tuple[Answer, ...]:
    """Return what each exposure around a place has to say, nearest in time first; nothing if none was taken there.

    With ``mjd`` only exposures within ``days`` of it are asked.
    """
    with services.transaction() as records:
        exposures = _around(records, position, mjd=mjd, days=days)
        chains = [runs_of_exposure(records, one) for one in exposures]
        beside = [_beside(records, runs, position, publish) for runs in chains]
    answers = []
    facts: Mapping[str, object]
    for runs, found in zip(chains, beside, strict=True):
        seen = runs.observation
        stop = before_pixels(runs, band=band)
        if stop is not None:
            (why, text), facts = stop, {}
        elif found is not None:
            model = runs.model_run.model if runs.model_run else ""
            least = min_score_of(services.models, publish, model=model, instrument=seen.instrument)
            why, text, facts = at_detection(found, publish, min_score=least)
        elif runs.difference is None or runs.difference.image is None:
            why, text, facts = Why.NOT_COMPARED, "its difference is not kept", {}
        else:
            product = read_difference(services.artifacts.get(runs.difference.image.digest))
            why, text, facts = at_pixels(product, position, threshold_sigma=difference.threshold_sigma)
            if runs.model_run is None and why in (Why.NOT_A_CANDIDATE, Why.TOO_FAINT):
                why, text = Why.NOT_PROCESSED, "its candidates were not judged so far"
        answers.append(
            Answer(observation_id=seen.id, band=seen.band, mid_mjd=seen.mid_mjd, why=why, text=text, facts=facts)
        )
    return tuple(answers)


def _around(records: Records, position: SkyPosition, *, mjd: float | None, days: float) -> list[Observation]:
    exposures = records.observations.holding(position)
    if mjd is None:
        return list(exposures)[-MAX_EXPOSURES:][::-1]
    near = [one for one in exposures if abs(one.mid_mjd - mjd) <= days]
    return sorted(near, key=lambda one: (abs(one.mid_mjd - mjd), one.id))[:MAX_EXPOSURES]


def runs_of_exposure(records: Records, observation: Observation, preferred: Collection[RunKey] = ()) -> ExposureRuns:
    """Return what came of an exposure by the rule of ``choose_runs``, and whether it is set aside.

    Where none of its runs is preferred it is the one that was put in the place of others.
    """
    model_runs = records.model_runs.of_observation(observation.id)
    if len(model_runs) > 1 and not any(run.key in preferred for run in model_runs):
        counts = run_that_counts(records, observation.id)
        preferred = () if counts is None else (counts,)
    quarantine = records.quarantines.of(observation)
    ids = [detection.id for run in model_runs for detection in run.detections]
    runs = choose_runs(
        observation,
        preprocess_runs=records.preprocess_runs.of_observation(observation.id),
        difference_runs=records.difference_runs.of_observation(observation.id),
        model_runs=model_runs,
        preferred=preferred,
        published=records.catalog.published(ids),
    )
    return runs if quarantine is None else replace(runs, quarantine=quarantine.told)


def _beside(records: Records, runs: ExposureRuns, position: SkyPosition, config: PublishConfig) -> Beside | None:
    # A centroid is off by a fraction of the width of a star, and a catalog position by as much.
    quality = runs.preprocess.quality if runs.preprocess else None
    scale_arcsec = runs.preprocess.wcs.pixel_scale_arcsec if runs.preprocess and runs.preprocess.wcs else 0.0
    width_arcsec = quality.fwhm_pix * scale_arcsec if quality else 0.0
    found = detection_at(runs, position, radius_arcsec=max(config.match_radius_arcsec, width_arcsec))
    if found is None:
        return None
    detection, off_arcsec = found
    item = records.review_queue.of([detection.id]).get(detection.id)
    entry = records.catalog.published([detection.id]).get(detection.id)
    return Beside(
        detection=detection,
        off_arcsec=off_arcsec,
        verdict=None if item is None else item.verdict,
        trail=tuple(records.validation_events.of_detections([detection.id])),
        entry=None if entry is None else records.catalog.get(entry),
    )
