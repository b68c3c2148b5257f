"""Distributions that moved, and some that did not."""

import numpy as np
import pytest

from astrid_core.detection.drift import Drift, DriftLevel, DriftLimits, measure_drift, shares
from astrid_core.shared.errors import BadConfiguration

LIMITS = DriftLimits()


def _drift(now: np.ndarray, before: np.ndarray, *, min_values: int = 50) -> Drift:
    return measure_drift("seeing", now, before, limits=LIMITS, min_values=min_values)


def test_the_index_of_a_shifted_gaussian_is_its_divergence() -> None:
    rng = np.random.default_rng(1)
    # Of two Gaussians one sigma apart the symmetric divergence is 1; ten bins keep most of it.
    drift = _drift(rng.normal(1.0, 1.0, 20_000), rng.normal(0.0, 1.0, 20_000))
    assert drift.psi == pytest.approx(0.95, abs=0.06)
    assert drift.level is DriftLevel.ACT
    assert drift.median == pytest.approx(1.0, abs=0.03)
    assert drift.median_before == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize(("shift", "level"), [(0.0, DriftLevel.STEADY), (0.4, DriftLevel.WARN), (0.7, DriftLevel.ACT)])
def test_the_level_grows_with_the_shift(shift: float, level: DriftLevel) -> None:
    rng = np.random.default_rng(2)
    assert _drift(rng.normal(shift, 1.0, 4000), rng.normal(0.0, 1.0, 4000)).level is level


@pytest.mark.parametrize(("n", "n_before"), [(20, 200), (100, 100), (1000, 5000)])
def test_equal_distributions_exceed_chance_about_once_in_a_hundred_times(n: int, n_before: int) -> None:
    rng = np.random.default_rng(3)
    drifts = [_drift(rng.random(n), rng.random(n_before), min_values=10) for _ in range(400)]
    above = [one for one in drifts if one.psi is not None and one.chance is not None and one.psi > one.chance]
    assert len(above) <= 12


def test_a_small_sample_needs_more_than_the_limit() -> None:
    rng = np.random.default_rng(4)
    few = [_drift(rng.random(12), rng.random(40), min_values=8) for _ in range(200)]
    assert sum(one.psi is not None and one.psi > LIMITS.warn for one in few) > 20
    assert sum(one.level is not DriftLevel.STEADY for one in few) <= 6
    assert _drift(5.0 + rng.random(12), rng.random(40), min_values=8).level is DriftLevel.ACT


@pytest.mark.parametrize(("n", "n_before"), [(49, 1000), (1000, 49), (0, 0)])
def test_too_few_values_give_no_number(n: int, n_before: int) -> None:
    drift = _drift(np.ones(n), np.zeros(n_before))
    assert (drift.psi, drift.chance, drift.level) == (None, None, DriftLevel.UNKNOWN)
    assert (drift.n, drift.n_before) == (n, n_before)


def test_values_that_are_none_are_left_out() -> None:
    drift = _drift(np.array([np.nan] * 60 + [1.0] * 40), np.ones(100))
    assert (drift.n, drift.level) == (40, DriftLevel.UNKNOWN)


def test_scores_that_pile_up_at_the_ends_are_compared() -> None:
    before = np.repeat([0.0, 1.0], [900, 100])
    assert _drift(np.repeat([0.0, 1.0], [450, 50]), before).level is DriftLevel.STEADY
    assert _drift(np.repeat([0.0, 1.0], [250, 250]), before).level is DriftLevel.ACT
    assert _drift(np.full(500, 3.0), np.full(500, 3.0)).psi == 0.0


def test_a_new_value_beside_a_constant_one_is_seen() -> None:
    assert _drift(np.full(500, 2.0), np.full(500, 3.0)).level is DriftLevel.ACT
    assert _drift(np.full(500, 4.0), np.full(500, 3.0)).level is DriftLevel.ACT


def test_shares_hold_every_value_once() -> None:
    edges = np.linspace(0.0, 1.0, 5).tolist()
    assert shares(np.array([0.0, 0.1, 0.25, 0.99, 1.0]), edges) == (0.4, 0.2, 0.0, 0.4)
    assert shares(np.array([]), edges) == (0.0, 0.0, 0.0, 0.0)


def test_limits_are_ordered() -> None:
    with pytest.raises(BadConfiguration):
        DriftLimits(warn=0.3, act=0.2)
