"""Curves, rates and fluxes of numbers that are known."""

import numpy as np
import pytest
from scipy.special import ndtr

from astrid_core.differencing.completeness import (
    check_fluxes,
    completeness_curve,
    false_rate,
    match,
    measure_completeness,
)
from astrid_core.differencing.half_point import half_point
from astrid_core.differencing.inject_plan import Injection
from tests.detection.frames import candidate


def _injection(number: int, x: float, y: float, snr: float = 10.0) -> Injection:
    return Injection(number=number, x_pix=x, y_pix=y, flux=20.0 * snr, predicted_snr=snr, on_host=False)


def test_recoveries_are_near_of_the_same_sign_and_serve_once() -> None:
    injections = [_injection(1, 10.0, 10.0), _injection(2, 12.0, 10.0), _injection(3, 50.0, 50.0, snr=-10.0)]
    found = [candidate(11.8, 10.0, 9.0), candidate(50.0, 50.0, 9.0), candidate(50.5, 51.0, -9.0), candidate(90, 90, 9)]
    assert match(injections, found, 3.0) == (None, 0, 2)
    assert match(injections, found, 1.0) == (None, 0, None)
    assert match(injections, [], 3.0) == (None, None, None)
    assert match([], found, 3.0) == ()


def test_a_curve_counts_every_injection_once_and_bounds_its_fraction() -> None:
    snr = np.array([2.0, 2.5, 4.0, 7.9, 8.0])
    curve = completeness_curve(snr, np.array([False, True, True, True, True]), np.array([2.0, 4.0, 6.0, 8.0]))
    assert [(one.n_injected, one.n_recovered) for one in curve] == [(2, 1), (1, 1), (2, 2)]
    for one in curve:
        assert one.fraction is not None
        assert one.fraction_low is not None
        assert one.fraction_high is not None
        assert 0.0 <= one.fraction_low <= one.fraction <= one.fraction_high <= 1.0
    (empty,) = completeness_curve(np.array([9.0]), np.array([True]), np.array([2.0, 4.0]))
    assert (empty.n_injected, empty.fraction, empty.fraction_low) == (0, None, None)


@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_the_half_point_of_a_known_curve_lies_within_its_interval(lost: float) -> None:
    rng = np.random.default_rng(7)
    n_inside, n_trials = 0, 40
    for _ in range(n_trials):
        snr = np.exp(rng.uniform(np.log(2.5), np.log(20.0), 200))
        recovered = rng.random(200) < (1.0 - lost) * ndtr(snr - 5.0)
        point = half_point(snr, recovered.astype(float), np.ones(200))
        assert point.low is not None
        assert point.snr is not None
        assert point.high is not None
        truth = 5.0 if lost == 0.0 else 5.0 + 0.1397  # Phi^-1(0.5 / 0.9)
        n_inside += point.low <= truth <= point.high
        assert point.low <= point.snr <= point.high
    # 95 % of 40 are 38; fewer than 35 come by chance once in 30 times.
    assert n_inside >= 35


def test_bins_tell_the_half_point_nearly_as_well_as_single_sources() -> None:
    snr = np.geomspace(2.5, 20.0, 4000)
    recovered = (np.random.default_rng(1).random(4000) < ndtr(snr - 5.0)).astype(float)
    curve = completeness_curve(snr, recovered > 0.0, np.geomspace(2.5, 20.0, 9))
    pooled = half_point(
        np.sqrt([one.low * one.high for one in curve]),
        np.array([one.n_recovered for one in curve], dtype=float),
        np.array([one.n_injected for one in curve], dtype=float),
    )
    assert half_point(snr, recovered, np.ones(4000)).snr == pytest.approx(5.0, abs=0.1)
    assert pooled.snr == pytest.approx(5.0, abs=0.15)


def test_what_the_injections_do_not_bound_is_not_given() -> None:
    snr = np.linspace(3.0, 10.0, 20)
    for recovered in (np.zeros(20), np.ones(20)):
        point = half_point(snr, recovered, np.ones(20))
        assert (point.snr, point.low, point.high) == (None, None, None)
    assert half_point(np.empty(0), np.empty(0), np.empty(0)).snr is None


def test_a_rate_without_a_find_has_an_upper_limit() -> None:
    none, some = false_rate(0, 2_000_000), false_rate(8, 2_000_000)
    assert (none.per_mpix, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(3.689 / 2.0, rel=1e-3)
    assert some.low < some.per_mpix == 4.0 < some.high
    with pytest.raises(ValueError, match="0"):
        false_rate(1, 0)


def test_bias_and_pull_of_fluxes_are_measured() -> None:
    rng = np.random.default_rng(2)
    injected = rng.uniform(500.0, 2000.0, 4000)
    measured = injected * 1.02 + rng.normal(0.0, 20.0, 4000)
    check = check_fluxes(injected, measured, np.full(4000, 10.0))
    assert check.bias == pytest.approx(0.02, abs=0.002)
    assert check.bias_err is not None
    assert check.bias_err < 0.001
    assert check.pull_sigma == pytest.approx(2.1, abs=0.15)
    assert check_fluxes(injected[:1], measured[:1], np.ones(1)).bias is None


def test_magnitudes_need_a_zero_point() -> None:
    injections = [_injection(number, 10.0 * number, 10.0, snr=float(number + 2)) for number in range(1, 11)]
    recovered = np.arange(10) >= 4
    edges = np.geomspace(2.5, 20.0, 5)
    plain, with_mag = (
        measure_completeness(
            injections, recovered, level="candidates", place="everywhere", snr_edges=edges, zero_point_mag=zero_point
        )
        for zero_point in (None, 25.0)
    )
    assert plain.by_mag == ()
    assert sum(one.n_injected for one in with_mag.by_mag) == with_mag.n_injected == 10
    assert with_mag.by_mag[0].low == pytest.approx(25.0 - 2.5 * np.log10(240.0))
    assert plain.n_recovered == 6
