"""The facts of one exposure, from its records alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from astrid_core.detection.entities import ModelRun
from astrid_core.differencing.entities import DifferenceRun, Quality
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.runs import RunKey, RunStatus, SettledRun

SEARCHED, SKIPPED, UNFINISHED, QUARANTINED = "searched", "skipped", "failed", "quarantined"
"""What became of an exposure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRuns:
    """An exposure and the runs that came of it, one per stage; None where none is recorded."""

    observation: Observation
    preprocess: PreprocessRun | None = None
    difference: DifferenceRun | None = None
    model_run: ModelRun | None = None
    quarantine: str = ""
    """Why it is set aside and by whom; empty if it is not. Its runs are then left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureFacts:
    """One exposure of a night; None where a stage did not get that far."""

    observation_id: str
    archive_id: str
    band: str
    mid_mjd: float
    exposure_s: float
    outcome: str
    """``searched``, ``skipped``, ``quarantined`` or ``failed``: no settled run."""
    stage: str = ""
    """Where it ended, unless it was searched."""
    reason: str = ""
    fwhm_arcsec: float | None = None
    sky: float | None = None
    sky_rms: float | None = None
    n_stars: int | None = None
    astrometric_rms_mas: float | None = None
    """Of catalog stars about the WCS, the worse axis; None where no catalog confirms it."""
    zero_point_mag: float | None = None
    """As measured against a catalog, else that of the header."""
    limiting_mag: float | None = None
    untied: str = ""
    """Why there is no tie to a catalog, or no zero point from it."""
    registration_rms_pix: float | None = None
    score_noise: float | None = None
    quality: str = ""
    """``green``, ``yellow``, ``orange`` or ``red``: then nothing was taken from it. Empty where it was not judged."""
    warning: str = ""
    """Why the quality is not green."""
    usable_mpix: float | None = None
    n_candidates: int | None = None
    n_detections: int | None = None
    """With a score above the threshold."""
    n_published: int | None = None


def choose_runs(
    observation: Observation,
    *,
    preprocess_runs: Sequence[PreprocessRun],
    difference_runs: Sequence[DifferenceRun],
    model_runs: Sequence[ModelRun],
    preferred: Collection[RunKey] = (),
    published: Collection[str] = (),
) -> ExposureRuns:
    """Return the chain of runs that a report should speak of.

    An exposure may have been run under several settings. A preferred model run comes first, then one whose detections
    are published, then one that succeeded; ties fall to the last key. Earlier stages are those that it was made from.
    """
    model_run = max(
        model_runs,
        key=lambda run: (
            run.key in preferred,
            any(detection.id in published for detection in run.detections),
            *_settled_rank(run),
        ),
        default=None,
    )
    difference = (
        max(difference_runs, key=_settled_rank, default=None)
        if model_run is None
        else next((run for run in difference_runs if run.key == model_run.difference_key), None)
    )
    preprocess = (
        max(preprocess_runs, key=_settled_rank, default=None)
        if difference is None
        else next((run for run in preprocess_runs if run.key == difference.preprocess_key), None)
    )
    return ExposureRuns(observation=observation, preprocess=preprocess, difference=difference, model_run=model_run)


def exposure_facts(runs: ExposureRuns, *, min_score: float, published: Collection[str]) -> ExposureFacts:
    """Return what is known of one exposure."""
    outcome, stage, reason = _outcome(runs)
    quality = runs.preprocess.quality if runs.preprocess else None
    scale_arcsec = runs.observation.pixel_scale_arcsec
    if runs.preprocess and runs.preprocess.wcs:
        scale_arcsec = runs.preprocess.wcs.pixel_scale_arcsec
    difference = runs.difference if runs.difference and runs.difference.status is RunStatus.SUCCEEDED else None
    model_run = runs.model_run if runs.model_run and runs.model_run.status is RunStatus.SUCCEEDED else None
    detections = model_run.detections if model_run else ()
    n_above = sum(detection.score is not None and detection.score >= min_score for detection in detections)
    return ExposureFacts(
        observation_id=runs.observation.id,
        archive_id=runs.observation.archive_id,
        band=runs.observation.band,
        mid_mjd=runs.observation.mid_mjd,
        exposure_s=runs.observation.exposure_s,
        outcome=outcome,
        stage=stage,
        reason=reason,
        fwhm_arcsec=quality.fwhm_pix * scale_arcsec if quality else None,
        sky=quality.sky if quality else None,
        sky_rms=quality.sky_rms if quality else None,
        n_stars=quality.n_stars if quality else None,
        **_tie_facts(runs),
        registration_rms_pix=difference.registration.rms_pix if difference and difference.registration else None,
        score_noise=difference.score_noise if difference else None,
        quality=difference.quality.level.value if difference and difference.quality else "",
        warning=_warning(difference.quality) if difference else "",
        usable_mpix=difference.n_usable_pix / 1e6 if difference else None,
        n_candidates=len(difference.candidates) if difference else None,
        n_detections=n_above if model_run else None,
        n_published=sum(detection.id in published for detection in detections) if model_run else None,
    )


def _tie_facts(runs: ExposureRuns) -> dict[str, Any]:
    header, prepared = runs.observation.zero_point_mag, runs.preprocess
    if prepared is None:
        return {}
    tie = prepared.wcs.tie if prepared.wcs else None
    return {
        "astrometric_rms_mas": None if tie is None else max(tie.rms_x_mas, tie.rms_y_mas),
        "zero_point_mag": prepared.zero_point_in_the_middle(header=header),
        "limiting_mag": prepared.exposure.limiting_mag if prepared.exposure else None,
        "untied": "; ".join(prepared.untied),
    }


def _warning(quality: Quality | None) -> str:
    return "; ".join(quality.reasons) if quality else ""


def _outcome(runs: ExposureRuns) -> tuple[str, str, str]:
    if runs.quarantine:
        return QUARANTINED, "", runs.quarantine
    for stage, run in (("preprocess", runs.preprocess), ("difference", runs.difference), ("detect", runs.model_run)):
        if run is None:
            return UNFINISHED, stage, "no settled run is recorded"
        if run.status is RunStatus.SKIPPED:
            return SKIPPED, stage, run.reason
    return SEARCHED, "", ""


def _settled_rank(run: SettledRun) -> tuple[bool, str]:
    return run.status is RunStatus.SUCCEEDED, run.key
