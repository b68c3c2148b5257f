"""A search of a known sky with injections: the completeness is the predicted one."""

from dataclasses import replace

import numpy as np
import pytest

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.injected_search import TrialPair
from astrid_core.detection.trial import Trial, TrialConfig, run_trial
from astrid_core.differencing.completeness import Completeness
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.inject import Well
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.inject_plan import Gains, plan_injections
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.errors import BadConfiguration, Unprocessable
from tests.fakes.models import MemoryModels, with_champion
from tests.synthetic.pairs import GAIN, Exposure, make_sky, prepared

SHAPE = (480, 500)
CONFIG = TrialConfig(
    inject=InjectConfig(n_sources=120, separation_fwhm=4.0),
    preprocess=PreprocessConfig(),
    difference=DifferenceConfig(),
    detect=DetectConfig(),
    min_score=0.5,
)
KNOWN = Gains(science=GAIN, reference=2 * GAIN, takes_faded=True)


@pytest.fixture(scope="module")
def pair() -> TrialPair:
    sky = make_sky(SHAPE, seed=5, n_galaxies=25)
    return TrialPair(
        science=prepared(sky, Exposure(fwhm=3.2), seed=6),
        reference=prepared(sky, Exposure(fwhm=2.8, depth=2.0, sky=600.0), seed=7),
        well=Well(gain_e_count=GAIN, saturation=60000.0),
        zero_point_mag=25.0,
    )


@pytest.fixture(scope="module")
def before(pair: TrialPair) -> PairDifference:
    return difference_pair(pair.science, pair.reference, CONFIG.difference)


@pytest.fixture(scope="module")
def trial(pair: TrialPair) -> Trial:
    models = MemoryModels()
    model = with_champion(models, threshold_sigma=7.0)
    return run_trial(pair, CONFIG, models.load(model.id), seed=11)


def _of(trial: Trial, level: str, place: str = "everywhere") -> Completeness:
    (found,) = [one for one in trial.quality.completeness if (one.level, one.place) == (level, place)]
    return found


def test_a_plan_is_the_same_for_the_same_seed(before: PairDifference) -> None:
    plans = [plan_injections(before, CONFIG.inject, KNOWN, seed=seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]


def test_a_plan_keeps_to_unmasked_pixels_and_its_distances(before: PairDifference) -> None:
    plan = plan_injections(before, CONFIG.inject, KNOWN, seed=3)
    places = np.array([(one.x_pix, one.y_pix) for one in plan])
    reach = CONFIG.inject.separation_fwhm * max(before.science_fwhm_pix, before.reference_fwhm_pix)
    away = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + np.where(np.eye(len(plan)), np.inf, 0.0)
    assert away.min() > reach - 1.5
    assert all(before.difference.mask[round(y), round(x)] == 0 for x, y in places)
    for peak in before.peaks:
        assert np.hypot(places[:, 0] - peak.x_pix, places[:, 1] - peak.y_pix).min() > reach - 1.5
    assert [one.number for one in plan] == list(range(1, len(plan) + 1))
    assert len(plan) > 60


def test_a_plan_predicts_what_its_fluxes_are_worth(before: PairDifference) -> None:
    plan = plan_injections(before, CONFIG.inject, KNOWN, seed=3)
    dark = plan_injections(before, CONFIG.inject, replace(KNOWN, science=None, reference=None), seed=3)
    snr = np.abs([one.predicted_snr for one in plan])
    assert snr.min() >= 2.5
    assert snr.max() <= 20.0
    assert 0.1 < np.mean([one.flux < 0.0 for one in plan]) < 0.35
    for one, without in zip(plan, dark, strict=True):
        noise = float(before.difference.flux_err[round(one.y_pix), round(one.x_pix)])
        assert without.flux / noise == pytest.approx(one.predicted_snr, rel=1e-5)
        assert abs(one.flux) > abs(without.flux)
    assert not any(one.flux < 0.0 for one in plan_injections(before, CONFIG.inject, Gains(
        science=GAIN, reference=None, takes_faded=False), seed=3))  # fmt: skip


def test_half_of_what_is_predicted_at_the_threshold_is_found(trial: Trial) -> None:
    found = _of(trial, "candidates")
    assert found.half.low is not None
    assert found.half.high is not None
    # The score is sampled at whole pixels, where a source between them shows a few per cent less than its best.
    bright = [one for one in trial.recoveries if one.peak and abs(one.injection.predicted_snr) > 8.0]
    kept = float(np.median([one.peak.score / one.injection.predicted_snr for one in bright if one.peak]))
    assert 0.9 < kept < 1.02
    assert found.half.low <= CONFIG.difference.threshold_sigma / kept <= found.half.high
    assert found.half.snr == pytest.approx(CONFIG.difference.threshold_sigma, rel=0.15)
    assert found.n_injected == len(trial.recoveries)
    assert sum(one.n_injected for one in found.by_snr) == found.n_injected
    assert found.by_snr[0].n_recovered <= 1
    assert found.by_snr[-1].fraction == 1.0
    assert sum(one.n_injected for one in found.by_mag) == found.n_injected


def test_detections_are_fewer_than_candidates_where_the_network_asks_for_more(trial: Trial) -> None:
    candidates, detections = _of(trial, "candidates"), _of(trial, "detections")
    assert detections.n_recovered < candidates.n_recovered
    assert detections.half.snr is not None
    assert candidates.half.snr is not None
    assert detections.half.snr > candidates.half.snr + 1.0
    assert trial.quality.false_rates["detections"].n_found <= trial.quality.false_rates["candidates"].n_found


def test_both_signs_and_galaxies_take_part(trial: Trial) -> None:
    bright = [one for one in trial.recoveries if abs(one.injection.predicted_snr) > 8.0]
    for sign in (1.0, -1.0):
        chosen = [one for one in bright if one.injection.flux * sign > 0.0]
        assert len(chosen) > 5
        assert sum(one.peak is not None for one in chosen) >= 0.9 * len(chosen)
    assert _of(trial, "candidates", "galaxies").n_injected >= 5
    assert all(one.position is not None for one in trial.recoveries)
    assert trial.quality.notes == () or trial.quality.notes == (
        f"only {len(trial.recoveries)} of 120 sources found room",
    )


def test_fluxes_come_out_as_they_went_in(trial: Trial, pair: TrialPair) -> None:
    # Some forty bright sources each: the width of the pulls of one trial is known to a fifth only.
    fluxes = [trial.quality.fluxes, *(run_trial(pair, CONFIG, None, seed=seed).quality.fluxes for seed in (12, 13))]
    assert all(one.n_sources > 15 for one in fluxes)
    assert all(one.bias == pytest.approx(0.0, abs=0.05) for one in fluxes)
    widths = [one.pull_sigma for one in fluxes if one.pull_sigma is not None]
    assert len(widths) == 3
    assert np.mean(widths) == pytest.approx(1.0, abs=0.25)


def test_what_cannot_be_known_is_said(pair: TrialPair) -> None:
    blind = replace(
        pair, well=Well(), reference=replace(pair.reference, wcs=None), trust_science_wcs=True, zero_point_mag=None
    )
    config = replace(CONFIG, inject=replace(CONFIG.inject, n_sources=10, host_fraction=0.0))
    trial = run_trial(blind, config, None, seed=1)
    said = "\n".join(trial.quality.notes)
    for words in ("no gain", "no saturation", "no faded", "no trained model"):
        assert words in said
    assert {one.level for one in trial.quality.completeness} == {"candidates"}
    assert all(one.by_mag == () for one in trial.quality.completeness)
    assert set(trial.quality.false_rates) == {"candidates"}


def test_a_frame_without_room_is_refused_with_the_number(pair: TrialPair) -> None:
    crowded = replace(CONFIG, inject=replace(CONFIG.inject, separation_fwhm=1000.0))
    with pytest.raises(Unprocessable, match="no room"):
        run_trial(pair, replace(crowded, difference=DifferenceConfig(threshold_sigma=3.0)), None, seed=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shadow_fraction": 1.5},
        {"n_sources": 0},
        {"snr": (5.0, 2.0)},
        {"host_fraction": -0.1},
        {"separation_fwhm": 1.0},
        {"n_bins": 0},
    ],
)
def test_settings_without_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration):
        InjectConfig(**wrong)  # type: ignore[arg-type]
