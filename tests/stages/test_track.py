"""A network is watched from night to night, over memory twins."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from astrid_core.catalog.config import ReportConfig, TrackConfig
from astrid_core.catalog.model_track import ModelTrack
from astrid_core.curation.entities import ReviewItem, ReviewState, Verdict
from astrid_core.curation.queue import review_item
from astrid_core.detection.drift import Drift, DriftLevel
from astrid_core.detection.entities import Detection, InjectionRun, ModelAlias
from astrid_core.differencing.completeness import DETECTIONS, EVERYWHERE, Completeness, CompletenessBin, FluxCheck
from astrid_core.differencing.half_point import HalfPoint
from astrid_core.differencing.search_quality import SearchQuality
from astrid_core.observations.entities import night_of
from astrid_core.shared.errors import NotAllowed
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.stages.lifecycle import quarantine_observation
from astrid_core.stages.report import run_report
from astrid_core.stages.services import Services
from astrid_core.stages.track import run_track
from tests.adapters.invented import reference
from tests.catalog.night import START_MJD, difference_run, model_run, observation, preprocess_run
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryJournal, MemoryModels, MemoryNetwork
from tests.fakes.records import MemoryDatabase

CONFIG = TrackConfig(min_candidates=60, min_verdicts=10)
NIGHT = night_of(START_MJD)
MODEL = "unet/1"
PER_EXPOSURE, PER_NIGHT = 20, 8


@pytest.fixture
def services() -> Services:
    """Five earlier nights of eight exposures each, in each of which an exposure was searched with injections."""
    made = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )
    for back in range(1, 6):
        _add_night(made, START_MJD - back)
    return made


def _add_night(services: Services, mjd: float, *, fwhm_pix: float = 2.5, n_recovered: int = 80) -> list[RunKey]:
    """Record eight exposures with their searches; return the keys of their model runs."""
    return [_add(services, mjd + 0.01 * number, number, fwhm_pix=fwhm_pix, n_recovered=n_recovered)
            for number in range(PER_NIGHT)]  # fmt: skip


def _add(services: Services, mjd: float, number: int, *, fwhm_pix: float, n_recovered: int) -> RunKey:
    rng = np.random.default_rng([int(10 * mjd), number])
    seen = replace(observation(number, mid_mjd=mjd), archive_id=f"{night_of(mjd)}/{number}.fits", instrument="CCD 1")
    places = [(float(x), float(y), float(s)) for x, y, s in zip(
        rng.uniform(10, 90, PER_EXPOSURE), rng.uniform(10, 90, PER_EXPOSURE), 5.0 + rng.exponential(2.0, PER_EXPOSURE),
        strict=True)]  # fmt: skip
    prepared = preprocess_run(seen)
    assert prepared.quality is not None
    prepared = replace(prepared, quality=replace(prepared.quality, fwhm_pix=fwhm_pix + float(rng.normal(0.0, 0.1))))
    difference = difference_run(seen, places)
    scores = [None, *(float(one) for one in rng.beta(0.4, 1.0, PER_EXPOSURE - 1))]
    scored = model_run(difference, scores, model=MODEL)
    with services.transaction() as records:
        if not records.references.search():
            (digest,) = difference.reference_digests
            records.references.add(replace(reference(), image=replace(reference().image, digest=digest), inputs=()))
        records.observations.add(seen)
        records.preprocess_runs.add(prepared)
        records.difference_runs.add(difference)
        records.model_runs.add(scored)
        if number == 0:
            records.injection_runs.add(_injection(services, scored.key, difference.key, seen.id, n_recovered))
    return scored.key


def _injection(
    services: Services, key: RunKey, difference_key: RunKey, observation_id: str, n_recovered: int
) -> InjectionRun:
    buffer = io.StringIO()
    scores = [0.9] * n_recovered + [float("nan")] * (100 - n_recovered)
    Table({"network_score": scores}).write(buffer, format="ascii.ecsv")
    one = CompletenessBin(
        low=2.5, high=20.0, n_injected=100, n_recovered=n_recovered, fraction=n_recovered / 100, fraction_low=0.0,
        fraction_high=1.0,
    )  # fmt: skip
    curve = Completeness(
        level=DETECTIONS, place=EVERYWHERE, n_injected=100, n_recovered=n_recovered,
        half=HalfPoint(snr=None, low=None, high=None), by_snr=(one,),
    )  # fmt: skip
    return InjectionRun(
        key=RunKey(f"inject-{key}"),
        status=RunStatus.SUCCEEDED,
        difference_key=difference_key,
        observation_id=observation_id,
        model=MODEL,
        n_injected=100,
        quality=SearchQuality(
            completeness=(curve,),
            false_rates={},
            fluxes=FluxCheck(n_sources=0, bias=None, bias_err=None, pull=None, pull_sigma=None),
        ),
        injections=services.artifacts.put(buffer.getvalue().encode(), media_type="text/ecsv"),
    )


def _track(services: Services, keys: list[RunKey], config: TrackConfig = CONFIG) -> ModelTrack:
    (made,) = run_track(services, "demo", NIGHT, config, keys)
    return made


def _events(services: Services) -> list[str]:
    with services.transaction() as records:
        return [event.name for event in records.events.of(MODEL)]


def _drift(track: ModelTrack, quantity: str) -> Drift:
    (found,) = (one for one in track.drifts if one.quantity == quantity)
    return found


def test_a_usual_night_is_steady_and_recorded_once(services: Services) -> None:
    keys = _add_night(services, START_MJD)
    track = _track(services, keys)
    assert (track.model, track.instrument, track.n_exposures) == (MODEL, "CCD 1", 8)
    assert (track.n_nights_before, track.n_exposures_before) == (5, 40)
    assert _drift(track, "score").level is DriftLevel.STEADY
    assert _drift(track, "seeing (arcsec)").psi is not None
    assert (_drift(track, "score of injected sources").n, track.completeness.n, track.completeness.n_of) == (
        80,
        80,
        100,
    )
    assert (track.completeness_before.n, track.completeness_before.n_of) == (400, 500)
    assert (track.unscored.n, track.unscored.n_of, dict(track.unscored_reasons)) == (8, 160, {"edge": 8})
    assert track.alarm == ""
    assert _track(services, keys) == track
    assert _events(services) == ["model.tracked"]


def test_a_night_of_drift_ends_in_an_alarm_on_its_page_that_is_told_once(services: Services, tmp_path: Path) -> None:
    keys = _add_night(services, START_MJD, fwhm_pix=4.5, n_recovered=40)
    track = _track(services, keys)
    assert _drift(track, "seeing (arcsec)").level is DriftLevel.ACT
    assert _drift(track, "score").level is DriftLevel.STEADY
    assert "completeness fell from 80 % to 40 % (40 of 100 injected sources)" in track.alarm
    _track(services, keys)
    assert _events(services) == ["model.tracked", "model.drifted"]
    with services.transaction() as records:
        assert records.events.of(MODEL)[-1].facts == {
            "survey": "demo", "night": NIGHT, "instrument": "CCD 1", "reason": track.alarm,
        }  # fmt: skip
    page = tmp_path / "page.html"
    shown = run_report(services, survey="demo", night=NIGHT, out=page, config=ReportConfig(max_cutouts=0))
    assert shown.facts.tracks == (track,)
    assert f"The network may be failing: {MODEL} on CCD 1: seeing (arcsec)" in page.read_text()
    assert run_report(services, survey="demo", night=NIGHT, config=ReportConfig(max_cutouts=0)).key == shown.key


def test_the_journal_holds_the_figures_of_the_night(services: Services) -> None:
    journal = MemoryJournal([MODEL])
    keys = _add_night(services, START_MJD)
    track = _track(replace(services, journal=journal), keys)
    assert journal.notes[MODEL, NIGHT, "demo/CCD 1/completeness"] == 0.8
    assert journal.notes[MODEL, NIGHT, "demo/CCD 1/unscored"] == 8 / 160
    assert journal.notes[MODEL, NIGHT, "demo/CCD 1/PSI of score"] == _drift(track, "score").psi
    assert (MODEL, NIGHT, "demo/CCD 1/calibration error") not in journal.notes, "nobody has judged anything"


def _with_champions(services: Services, *names: ModelAlias) -> MemoryModels:
    """Register the version that scored everything and another one, and give them these aliases."""
    models = services.models
    assert isinstance(models, MemoryModels)
    for number, alias in enumerate(names):
        network = MemoryNetwork(threshold=2.0 + number)
        model = models.register(
            "unet", network, recipe=RunKey(f"train-{number}"), parameters={}, metrics={}, manifest={}
        )
        models.assign(alias, model)
    return models


def test_an_alarm_takes_the_version_out_of_use_where_the_settings_say_so(services: Services) -> None:
    models = _with_champions(services, ModelAlias.CHAMPION, ModelAlias.ROLLBACK)
    keys = _add_night(services, START_MJD, fwhm_pix=4.5, n_recovered=40)
    _track(services, keys)
    assert models.champion("unet").id == MODEL, "people decide unless told otherwise"
    for _ in range(2):
        track = _track(services, keys, replace(CONFIG, quarantine_on_drift=True))
        assert models.champion("unet").id == "unet/2"
    assert track.alarm in models.notes(models.get(MODEL))["quarantined"]
    assert _events(services) == ["model.tracked", "model.drifted", "model.rolled_back", "model.quarantined"]


def test_a_steady_night_takes_nothing_out_of_use(services: Services) -> None:
    models = _with_champions(services, ModelAlias.CHAMPION, ModelAlias.ROLLBACK)
    _track(services, _add_night(services, START_MJD), replace(CONFIG, quarantine_on_drift=True))
    assert models.champion("unet").id == MODEL


def test_an_alarm_without_a_version_to_go_back_to_is_recorded_and_fails(services: Services) -> None:
    models = _with_champions(services, ModelAlias.CHAMPION)
    keys = _add_night(services, START_MJD, fwhm_pix=4.5, n_recovered=40)
    with pytest.raises(NotAllowed, match="no version before it"):
        _track(services, keys, replace(CONFIG, quarantine_on_drift=True))
    assert models.champion("unet").id == MODEL
    assert _events(services) == ["model.tracked", "model.drifted"]


def test_bad_weather_alone_is_no_alarm(services: Services) -> None:
    track = _track(services, _add_night(services, START_MJD, fwhm_pix=4.5))
    assert _drift(track, "seeing (arcsec)").level is DriftLevel.ACT
    assert track.alarm == ""


def test_verdicts_that_come_later_are_recorded_anew(services: Services) -> None:
    keys = _add_night(services, START_MJD)
    _track(services, keys)
    with services.transaction() as records:
        sure = [one for one in records.model_runs.get(keys[1]).detections if (one.score or 0.0) >= 0.5]
        for number, one in enumerate(sure):
            records.review_queue.put(_decided(one, Verdict.BOGUS if number == 0 else Verdict.REAL))
    track = _track(services, keys)
    assert len(sure) > 1
    assert (track.false.n, track.false.n_of, track.n_judged) == (1, len(sure), len(sure))
    assert _events(services) == ["model.tracked", "model.tracked"]
    with services.transaction() as records:
        assert records.events.of(MODEL)[-1].facts["n_unsure"] == 0


def _decided(detection: Detection, verdict: Verdict) -> ReviewItem:
    item = review_item(detection, observation(1), n_needed=1)
    return replace(item, state=ReviewState.AGREED, verdict=verdict)


def test_what_is_set_aside_counts_neither_now_nor_before(services: Services) -> None:
    keys = _add_night(services, START_MJD)
    quarantine_observation(services, f"demo:{NIGHT}/3.fits", reason="clouds")
    quarantine_observation(services, f"demo:{night_of(START_MJD - 1)}/3.fits", reason="clouds")
    track = _track(services, keys)
    assert (track.n_exposures, track.n_exposures_before) == (7, 39)
    assert _drift(track, "seeing (arcsec)").psi is None, "seven exposures are too few"


def test_only_the_newest_nights_and_exposures_are_compared_with(services: Services) -> None:
    keys = _add_night(services, START_MJD)
    assert _track(services, keys, replace(CONFIG, n_nights=2)).n_exposures_before == 16
    few = _track(services, keys, replace(CONFIG, max_exposures=10))
    assert (few.n_exposures_before, few.n_nights_before) == (10, 2)


def test_a_first_night_has_nothing_to_be_compared_with() -> None:
    services = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )
    track = _track(services, _add_night(services, START_MJD))
    assert {one.level for one in track.drifts} == {DriftLevel.UNKNOWN}
    assert (track.n_nights_before, track.completeness_before.n_of, track.alarm) == (0, 0, "")
    assert run_track(services, "demo", NIGHT, CONFIG, []) == ()
