import numpy as np
import pytest

from astrid_core.detection.calibration import balance, fit_calibration
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.evaluate import area_under_curve, calibration_error, evaluate, shortfalls
from astrid_core.detection.training_set import Examples, join


def _examples(score: list[float], is_real: list[bool], *, mpix: float = 2.0) -> Examples:
    n = len(score)
    return Examples(
        stamps=np.zeros((n, 16, 16, 5), dtype=np.float32),
        offset=np.full((n, 2), 8, dtype=np.intp),
        triplets=np.zeros((n, 16, 16, 5), dtype=np.float32),
        classes=np.zeros((n, 16, 16), dtype=np.uint8),
        is_real=np.array(is_real),
        score=np.array(score, dtype=np.float32),
        frame=np.zeros(n, dtype=np.int32),
        weight=np.ones(n, dtype=np.float32),
        searched_mpix=mpix,
    )


def test_every_figure_comes_with_its_denominator() -> None:
    examples = _examples([20.0, -9.0, 6.0, 4.0, 30.0, -7.0, 4.5], [True, True, True, True, False, False, False])
    found = evaluate(examples, np.array([0.9, 0.4, 0.8, 0.1, 0.7, 0.2, 0.9]))
    assert (found.n_accepted, found.n_real) == (2, 3)
    assert (found.n_accepted_bright, found.n_real_bright) == (1, 2)
    assert (found.n_false_accepted, found.n_false) == (1, 2)
    assert found.completeness == 0.5
    assert found.false_per_4mpix == 2.0
    assert found.metrics()["searched_mpix"] == 2.0


def test_what_could_not_be_measured_is_not_reported_and_misses_its_floor() -> None:
    found = evaluate(join([], stamp_pix=16), np.zeros(0, dtype=np.float32))
    assert found.auc is None
    assert {"completeness", "auc", "ece", "false_per_4mpix"}.isdisjoint(found.metrics())
    assert len(shortfalls(found.metrics(), TrainConfig())) == 4


def test_the_area_is_the_chance_that_a_real_candidate_scores_higher() -> None:
    is_real = np.array([True, True, False, False])
    assert area_under_curve(np.array([0.9, 0.8, 0.2, 0.1]), is_real) == 1.0
    assert area_under_curve(np.array([0.1, 0.2, 0.8, 0.9]), is_real) == 0.0
    assert area_under_curve(np.array([0.9, 0.2, 0.8, 0.1]), is_real) == 0.75
    assert area_under_curve(np.full(4, 0.3), is_real) == 0.5


def test_the_calibration_error_is_the_distance_between_promise_and_frequency() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(200_000)
    honest = rng.random(200_000) < p
    assert calibration_error(p, honest) == pytest.approx(0.0, abs=0.005)
    assert calibration_error(np.full(1000, 0.9), np.arange(1000) < 500) == pytest.approx(0.4)


def test_calibration_makes_an_overconfident_network_honest() -> None:
    rng = np.random.default_rng(2)
    logit = rng.normal(0.0, 2.0, 20_000)
    is_real = rng.random(20_000) < 1.0 / (1.0 + np.exp(-logit - 0.7))
    slope, offset = fit_calibration(3.0 * logit, is_real, np.ones(20_000))
    assert slope == pytest.approx(1.0 / 3.0, rel=0.05)
    assert offset == pytest.approx(0.7, abs=0.1)


def test_calibration_needs_both_kinds_and_does_not_run_away_when_they_are_told_apart_perfectly() -> None:
    assert fit_calibration(np.array([1.0, 2.0]), np.array([True, True]), np.ones(2)) == (1.0, 0.0)
    slope, _ = fit_calibration(np.array([-5.0, 5.0]), np.array([False, True]), np.ones(2))
    assert 0.9 < slope < 3.0


def test_a_floor_that_is_missed_is_named_with_both_numbers() -> None:
    good = {"completeness": 0.99, "validation_auc": 0.999, "false_per_4mpix": 0.5, "ece": 0.01}
    assert shortfalls(good, TrainConfig()) == ()
    assert shortfalls({**good, "completeness": 0.9}, TrainConfig()) == ("completeness 0.9 is below 0.95",)
    assert shortfalls({**good, "ece": 0.2}, TrainConfig()) == ("ece 0.2 is above 0.1",)


def test_weights_make_the_examples_as_mixed_as_the_sky() -> None:
    is_real = np.array([True] * 6 + [False] * 2)
    weight = balance(is_real, 0.5)
    assert weight[is_real].sum() == pytest.approx(weight[~is_real].sum())
    assert weight.mean() == pytest.approx(1.0)
    assert balance(is_real, 0.25)[is_real].sum() == pytest.approx(2.0)
    assert balance(np.array([True, True]), 0.5).tolist() == [1.0, 1.0]
