"""How a network did in invented nights of which it is known what changed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from astrid_core.catalog.comparison import beside
from astrid_core.catalog.config import TrackConfig
from astrid_core.catalog.model_track import ModelTrack
from astrid_core.catalog.page import night_page
from astrid_core.catalog.report import NightFacts
from astrid_core.catalog.track import SCORE, Scored, track_model
from astrid_core.catalog.track_text import describe_share, verdict_of
from astrid_core.curation.entities import Verdict
from astrid_core.detection.drift import Drift, DriftLevel
from astrid_core.differencing.completeness import CompletenessBin
from tests.catalog.test_report import invented_night

CONFIG = TrackConfig()


def injected(n_recovered: int, n_injected: int = 100, *, low: float = 2.5) -> tuple[CompletenessBin, ...]:
    return (
        CompletenessBin(
            low=low,
            high=20.0,
            n_injected=n_injected,
            n_recovered=n_recovered,
            fraction=n_recovered / n_injected,
            fraction_low=None,
            fraction_high=None,
        ),
    )


def exposures(n: int, *, seed: int, seeing_arcsec: float = 1.2, **changes: Any) -> list[Scored]:
    """Return exposures with 60 candidates each, most of them scored low, the seeing scattered by a tenth."""
    rng = np.random.default_rng(seed)
    made = [
        Scored(
            band="r",
            model="unet/1",
            score=rng.beta(0.4, 1.0, 60),
            anomaly=rng.normal(1.0, 0.1, 60),
            abs_significance=5.0 + rng.exponential(2.0, 62),
            unscored={"too much of the stamp is masked": 2},
            seeing_arcsec=float(rng.normal(seeing_arcsec, 0.1)),
            sky_rms=float(rng.normal(14.0, 1.0)),
            limiting_mag=float(rng.normal(20.0, 0.1)),
        )
        for _ in range(n)
    ]
    return [replace(one, **changes) for one in made]


def track(tonight: list[Scored], before: list[Scored], *, config: TrackConfig = CONFIG) -> ModelTrack:
    return track_model(
        tonight, before, survey="demo", night="2024-03-02", instrument="CCD 1", n_nights_before=10, config=config
    )


def drift_of(made: ModelTrack, quantity: str) -> Drift:
    (found,) = (one for one in made.drifts if one.quantity.startswith(quantity) and "injected" not in one.quantity)
    return found


def test_a_night_like_those_before_is_steady() -> None:
    made = track(exposures(12, seed=1), exposures(100, seed=2))
    assert {one.level for one in made.drifts if one.n} == {DriftLevel.STEADY}
    assert (made.alarm, verdict_of(made)) == ("", ("as before", "good"))
    assert made.n_candidates == 12 * 62
    assert (made.unscored.n, made.unscored.n_of) == (24, 744)
    assert made.unscored_reasons == {"too much of the stamp is masked": 24}
    assert sum(made.score_shares) == pytest.approx(1.0)


def test_a_change_of_the_seeing_is_seen_where_the_scores_do_not_tell_it() -> None:
    made = track(exposures(12, seed=1, seeing_arcsec=2.0), exposures(100, seed=2))
    assert drift_of(made, "seeing").level is DriftLevel.ACT
    assert drift_of(made, SCORE).level is DriftLevel.STEADY
    assert verdict_of(made) == ("moved: seeing", "")
    assert made.alarm == "", "the weather alone is no alarm"


def test_a_drift_with_a_fall_of_completeness_is_an_alarm() -> None:
    before = exposures(100, seed=2)
    before[:5] = [replace(one, injected=injected(80)) for one in before[:5]]
    worse, same = (
        [*exposures(11, seed=1, seeing_arcsec=2.0), *exposures(1, seed=3, seeing_arcsec=2.0, injected=injected(n))]
        for n in (50, 78)
    )
    made = track(worse, before)
    assert describe_share(made.completeness) == "50.0 % (50 of 100; 40.4 to 59.6 %)"
    assert made.completeness_before.n_of == 500
    assert made.alarm.startswith("seeing (arcsec) has moved from 1.22 to 2.03")
    assert "completeness fell from 80 % to 50 % (50 of 100 injected sources)" in made.alarm
    assert track(same, before).alarm == ""
    steady = [*exposures(11, seed=1), *exposures(1, seed=3, injected=injected(50))]
    assert track(steady, before).alarm == ""


def test_a_small_fall_is_no_alarm_however_sure_it_is() -> None:
    before = exposures(100, seed=2, injected=injected(900, 1000))
    tonight = exposures(12, seed=1, seeing_arcsec=2.0, injected=injected(860, 1000))
    assert track(tonight, before).alarm == ""
    assert track(tonight, before, config=TrackConfig(min_fall=0.03)).alarm != ""


def test_other_injections_are_not_compared() -> None:
    made = track(exposures(1, seed=1, injected=injected(50)), exposures(1, seed=2, injected=injected(90, low=5.0)))
    assert (made.completeness.n_of, made.completeness_before.n_of) == (100, 0)


def test_a_new_version_is_compared_by_what_it_was_shown_only() -> None:
    made = track(exposures(12, seed=1), exposures(100, seed=2, model="unet/0"))
    assert drift_of(made, SCORE).psi is None
    assert drift_of(made, "anomaly").n_before == 0
    assert drift_of(made, "seeing").level is DriftLevel.STEADY
    assert made.score_shares_before == (0.0,) * 10


def test_other_bands_are_not_compared() -> None:
    made = track(exposures(12, seed=1), exposures(100, seed=2, band="i"))
    assert made.n_exposures_before == 0
    assert {one.level for one in made.drifts} == {DriftLevel.UNKNOWN}
    assert verdict_of(made) == ("too little to compare with", "")


def test_few_exposures_give_no_number() -> None:
    made = track(exposures(CONFIG.min_exposures - 1, seed=1), exposures(100, seed=2))
    assert (drift_of(made, "seeing").psi, drift_of(made, "seeing").level) == (None, DriftLevel.UNKNOWN)
    assert drift_of(made, SCORE).level is DriftLevel.STEADY


def test_the_false_part_is_that_of_the_claims_and_the_unsure_count_apart() -> None:
    verdicts = ((0.9, Verdict.REAL), (0.8, Verdict.BOGUS), (0.7, Verdict.REAL), (0.2, Verdict.BOGUS))
    made = track(exposures(1, seed=1, verdicts=(*verdicts, (0.6, Verdict.UNSURE))), exposures(1, seed=2))
    assert (made.false.n, made.false.n_of, made.n_unsure, made.n_judged) == (1, 3, 1, 4)
    assert made.ece is None, "four verdicts measure no calibration"


@pytest.mark.parametrize(("exponent", "low", "high"), [(1.0, 0.0, 0.05), (4.0, 0.2, 0.4)])
def test_the_calibration_error_is_small_where_scores_are_probabilities(
    exponent: float, low: float, high: float
) -> None:
    rng = np.random.default_rng(5)
    scores = rng.random(4000)
    verdicts = tuple(
        (float(score), Verdict.REAL if rng.random() < score**exponent else Verdict.BOGUS) for score in scores
    )
    made = track(exposures(1, seed=1), exposures(1, seed=2, verdicts=verdicts))
    assert made.ece is not None
    assert low <= made.ece < high
    assert made.calibration[0].promised == pytest.approx(0.05, abs=0.01)


def test_what_is_stored_is_what_was_measured() -> None:
    verdicts = ((0.9, Verdict.REAL), (0.8, Verdict.BOGUS))
    made = track(exposures(12, seed=1, injected=injected(50), verdicts=verdicts), exposures(100, seed=2))
    assert ModelTrack.from_json(json.loads(json.dumps(made.as_json(), allow_nan=False))) == made


def _page(*tracks: ModelTrack) -> str:
    facts: NightFacts = beside(replace(invented_night(), tracks=tracks), ())
    return night_page(facts, [])


def test_the_page_shows_the_alarm_before_all_else_and_the_figures_with_their_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    scores = rng.random(80)
    verdicts = tuple((float(one), Verdict.REAL if rng.random() < one else Verdict.BOGUS) for one in scores)
    before = exposures(100, seed=2, injected=injected(80), verdicts=())
    made = track(
        exposures(12, seed=1, seeing_arcsec=2.0, injected=injected(50), verdicts=verdicts[:7]),
        [replace(before[0], verdicts=verdicts), *before[1:]],
    )
    page = _page(made)
    (tmp_path / "page.html").write_text(page)
    assert page.index("The network may be failing: unet/1 on CCD 1: seeing") < page.index("From pixels to objects")
    assert "50.0 % (600 of 1200;" in page
    assert "has moved far" in page
    assert page.count("<circle") == 10
    assert page.count('class="now" x=') == 10
    assert "<script" not in page


def test_the_page_is_silent_where_nothing_was_tracked() -> None:
    assert "The network</h2>" not in _page()


def test_the_page_of_a_first_night_says_what_is_missing() -> None:
    page = _page(track(exposures(2, seed=1), []))
    assert "this version scored nothing before" in page
    assert "too few to compare: 120 now, 0 before" in page
    assert "The network may be failing" not in page
