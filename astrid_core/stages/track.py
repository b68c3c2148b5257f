"""Watch how a network does from night to night."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import structlog

from astrid_core.catalog.config import TrackConfig
from astrid_core.catalog.model_track import ModelTrack
from astrid_core.catalog.night_quality import choose_injection_run
from astrid_core.catalog.track import Scored, track_model
from astrid_core.detection.drift import FloatArray
from astrid_core.detection.entities import Detection, ModelRun
from astrid_core.detection.trial_tables import scores_of_recovered
from astrid_core.differencing.completeness import DETECTIONS, EVERYWHERE
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.stages.objects import final_verdicts
from astrid_core.stages.promote import run_quarantine
from astrid_core.stages.services import Records, Services

TRACKED, DRIFTED = "model.tracked", "model.drifted"
"""Events about a model version: how it did in a night, and that it was alarming."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the records tell of an exposure; its injected sources are still in the store."""

    scored: Scored
    injections: ArtifactRef | None


def run_track(
    services: Services,
    survey: str,
    night: str,
    config: TrackConfig,
    model_run_keys: Collection[RunKey],
    injection_run_keys: Collection[RunKey] = (),
) -> tuple[ModelTrack, ...]:
    """Compare what a network did in a night with earlier nights, by version and instrument, and record it.

    Safe to repeat: what has been recorded already is not recorded again, and what has changed since, by new verdicts
    for example, is recorded anew. Exposures in quarantine count neither now nor before. With ``quarantine_on_drift``
    an alarm takes the version out of use; raise NotAllowed for a champion without a version to go back to.
    """
    preferred = frozenset(injection_run_keys)
    tracks: list[ModelTrack] = []
    for (model, instrument), keys in _groups(services, model_run_keys).items():
        with services.transaction() as records:
            tonight = [_found(records, records.model_runs.get(key), preferred) for key in keys]
            n_nights, before = _before(records, survey, night, model, instrument, config)
        tracks.append(
            track_model(
                [_complete(services, one) for one in tonight],
                [_complete(services, one) for one in before],
                survey=survey,
                night=night,
                instrument=instrument,
                n_nights_before=n_nights,
                config=config,
            )
        )
    for track in tracks:
        _record(services, track)
        if services.journal is not None:
            services.journal.note(track.model, night=night, figures=track.figures)
        log.info(
            "model.tracked",
            model=track.model,
            survey=survey,
            night=night,
            instrument=track.instrument,
            moved=[f"{one.quantity}: {one.level}" for one in track.moved],
            alarm=track.alarm,
        )
    # At last: where no version can take over this fails, and all that was measured shall be on record by then.
    for track in tracks:
        if track.alarm and config.quarantine_on_drift:
            run_quarantine(services, track.model, login=None, reason=f"{survey} {night}: {track.alarm}")
    return tuple(tracks)


def tracks_of(records: Records, models: Collection[str], *, survey: str, night: str) -> tuple[ModelTrack, ...]:
    """Return what was last recorded of these versions about a night, by version and instrument."""
    newest = {(one.model, one.instrument): one for model in models for one in _tracks(records, model, survey, night)}
    return tuple(track for _, track in sorted(newest.items()))


def _groups(services: Services, keys: Collection[RunKey]) -> dict[tuple[str, str], list[RunKey]]:
    """Return the runs that succeeded on exposures outside quarantine, by version and instrument."""
    groups: dict[tuple[str, str], list[RunKey]] = {}
    with services.transaction() as records:
        for key in sorted(set(keys)):
            run = records.model_runs.get(key)
            observation = records.observations.get(run.observation_id)
            if run.status is RunStatus.SUCCEEDED and records.quarantines.of(observation) is None:
                groups.setdefault((run.model, observation.instrument), []).append(key)
    return groups


def _before(
    records: Records, survey: str, night: str, model: str, instrument: str, config: TrackConfig
) -> tuple[int, list[_Found]]:
    """Return how many earlier nights hold searched exposures of an instrument, and what these exposures tell.

    Of an exposure that several versions scored the run of ``model`` counts.
    """
    found: list[_Found] = []
    n_nights = 0
    for earlier in reversed([one for one in records.observations.nights(survey=survey) if one < night]):
        exposures = [
            _found(records, run, frozenset())
            for one in records.observations.search(survey=survey, night=earlier)
            if one.instrument == instrument
            and records.quarantines.of(one) is None
            and (run := _last_run(records, one, model)) is not None
        ]
        n_nights += bool(exposures)
        found += exposures
        if n_nights >= config.n_nights or len(found) >= config.max_exposures:
            break
    return n_nights, found[: config.max_exposures]


def _last_run(records: Records, observation: Observation, model: str) -> ModelRun | None:
    runs = [run for run in records.model_runs.of_observation(observation.id) if run.status is RunStatus.SUCCEEDED]
    return max(runs, key=lambda run: (run.model == model, run.key), default=None)


def _found(records: Records, run: ModelRun, preferred: Collection[RunKey]) -> _Found:
    observation = records.observations.get(run.observation_id)
    prepared = records.preprocess_runs.get(records.difference_runs.get(run.difference_key).preprocess_key)
    injection = choose_injection_run(
        records.injection_runs.of_difference(run.difference_key), model=run.model, preferred=preferred
    )
    curve = injection.quality.of(DETECTIONS, EVERYWHERE) if injection and injection.quality else None
    known = {one.id: one.score for one in run.detections if one.score is not None}
    verdicts = final_verdicts(records, list(known))
    seeing_arcsec, limiting_mag = _conditions(observation, prepared)
    return _Found(
        scored=Scored(
            band=observation.band,
            model=run.model,
            score=np.array(list(known.values()), dtype=float),
            anomaly=_values(run.detections, "anomaly"),
            abs_significance=np.array([abs(one.candidate.score) for one in run.detections], dtype=float),
            unscored=Counter(_short(one.unscored_reason) for one in run.detections if one.score is None),
            seeing_arcsec=seeing_arcsec,
            sky_rms=prepared.quality.sky_rms if prepared.quality else None,
            limiting_mag=limiting_mag,
            verdicts=tuple((known[name], verdict) for name, verdict in verdicts.items()),
            injected=curve.by_snr if curve else (),
        ),
        injections=injection.injections if injection else None,
    )


def _conditions(observation: Observation, prepared: PreprocessRun) -> tuple[float | None, float | None]:
    """Return seeing in arcsec and limiting magnitude, as the page of the night shows them."""
    scale_arcsec = prepared.wcs.pixel_scale_arcsec if prepared.wcs else observation.pixel_scale_arcsec
    seeing = prepared.quality.fwhm_pix * scale_arcsec if prepared.quality else None
    return seeing, prepared.exposure.limiting_mag if prepared.exposure else None


def _values(detections: Sequence[Detection], name: str) -> FloatArray:
    values = [getattr(one, name) for one in detections if one.score is not None]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _short(reason: str) -> str:
    """Return a reason without its numbers, which are others for each candidate."""
    return reason.partition(" (")[0]


def _complete(services: Services, found: _Found) -> Scored:
    if found.injections is None:
        return found.scored
    return replace(found.scored, injected_score=scores_of_recovered(services.artifacts.get(found.injections.digest)))


def _record(services: Services, track: ModelTrack) -> None:
    with services.transaction() as records:
        known = [
            one for one in _tracks(records, track.model, track.survey, track.night)
            if one.instrument == track.instrument
        ]  # fmt: skip
        if known[-1:] != [track]:
            records.events.append(TRACKED, subject=track.model, facts=track.as_json())
            # Said once: an alarm that goes on is the same one.
            if track.alarm and not (known and known[-1].alarm):
                facts = {"survey": track.survey, "night": track.night, "instrument": track.instrument}
                records.events.append(DRIFTED, subject=track.model, facts={**facts, "reason": track.alarm})


def _tracks(records: Records, model: str, survey: str, night: str) -> list[ModelTrack]:
    return [
        ModelTrack.from_json(event.facts)
        for event in records.events.of(model)
        if event.name == TRACKED and (event.facts["survey"], event.facts["night"]) == (survey, night)
    ]
