from dataclasses import replace

import numpy as np
import pytest

from astrid_core.preprocessing.config import ZeroPointConfig
from astrid_core.preprocessing.scatter_fit import fit_with_scatter
from astrid_core.shared.errors import BadConfiguration, NoZeroPoint
from tests.preprocessing.invented_stars import SHAPE, ZERO_POINT, Sky, see, solve_many


def test_zero_points_of_fifty_stars_are_unbiased_and_their_errors_honest() -> None:
    found = solve_many(Sky(colour_term=0.1, outliers=0.05), 120)

    assert np.mean(found.off_mag) == pytest.approx(0.0, abs=0.0015)
    assert np.std(found.pulls) == pytest.approx(1.0, abs=0.2)
    assert all(one.zero_point_err_mag < 0.005 for one in found.solutions)


def test_a_colour_term_comes_out_without_bias_and_with_an_honest_error() -> None:
    found = solve_many(Sky(colour_term=0.12, catalog_err_mag=0.05), 100)

    # The colours' own errors attenuate the slope of a plain fit by 0.009 here.
    assert np.mean(found.colour_off) == pytest.approx(0.0, abs=0.005)
    assert np.std(found.colour_pulls) == pytest.approx(1.0, abs=0.25)


def test_stars_of_one_colour_give_no_colour_term_and_the_solution_says_why() -> None:
    found = see(Sky(colour_term=0.1, colour_spread=0.01), 1).solve()

    assert found.colour_term is None
    assert found.colour_term_err is None
    assert "colours spread by" in found.no_colour_term
    assert found.colour_mag == pytest.approx(0.7, abs=0.02)
    assert found.zero_point_mag == pytest.approx(ZERO_POINT, abs=0.01)


def test_few_stars_give_a_zero_point_at_their_mean_colour() -> None:
    found = see(Sky(n=12), 2).solve()

    assert found.colour_term is None
    assert "12 stars of known colour, 20 required" in found.no_colour_term
    assert found.zero_point_at(800.0, 1000.0) == pytest.approx(ZERO_POINT, abs=0.02)


def test_a_gradient_over_the_frame_is_found_by_many_stars() -> None:
    found = see(Sky(n=150, gradient=(0.03, -0.02)), 3).solve()

    assert found.spatial_mag == pytest.approx((0.03, -0.02), abs=0.006)
    assert found.zero_point_at(0.0, 0.0) == pytest.approx(ZERO_POINT - 0.01, abs=0.01)
    assert found.zero_point_at(SHAPE[1] - 1.0, 0.0) == pytest.approx(ZERO_POINT + 0.05, abs=0.01)


def test_curvature_takes_a_polynomial_of_second_degree() -> None:
    found = see(Sky(n=300, curvature=0.05), 4).solve()

    assert len(found.spatial_mag) == 5
    assert found.zero_point_at(0.0, 1000.0) == pytest.approx(ZERO_POINT + 0.05, abs=0.01)
    assert found.zero_point_at((SHAPE[1] - 1) / 2.0, (SHAPE[0] - 1) / 2.0) == pytest.approx(ZERO_POINT, abs=0.01)


def test_the_zero_point_is_the_mean_over_the_frame_whatever_is_fitted_over_it() -> None:
    # Of x^2 over -1 to 1.
    mean = 1.0 / 3.0
    for curvature in (0.01, 0.05):
        found = solve_many(Sky(n=200, curvature=curvature, outliers=0.0), 40)
        off = [one - curvature * mean for one in found.off_mag]

        assert np.mean(off) == pytest.approx(0.0, abs=0.0015)
        assert max(one.zero_point_err_mag for one in found.solutions) < 0.003


def test_a_flat_frame_gets_no_gradient() -> None:
    found = [see(Sky(n=150), seed).solve() for seed in range(40)]

    assert sum(one.spatial_mag != () for one in found) <= 1


def test_too_few_stars_for_a_gradient_leave_one_zero_point() -> None:
    assert see(Sky(n=40, gradient=(0.05, 0.0)), 5).solve().spatial_mag == ()


def test_a_third_of_wrong_stars_does_no_harm() -> None:
    found = see(Sky(n=60, outliers=0.33), 6).solve()

    assert found.zero_point_mag == pytest.approx(ZERO_POINT, abs=0.012)
    assert found.n_rejected > 8


def test_scatter_beyond_all_errors_is_measured() -> None:
    found = see(Sky(n=200, scatter_mag=0.03), 7).solve()

    assert found.intrinsic_mag == pytest.approx(0.03, rel=0.2)
    assert found.chi2 > 3.0


def test_stars_are_chosen_by_what_the_catalog_expects() -> None:
    # Nearly all stars are fainter than the limit: those that noise lifts over it would make the zero point too faint.
    sky = Sky(n=400, mags=(18.0, 22.5), scatter_mag=0.0, outliers=0.0)
    found = solve_many(sky, 40)

    assert np.mean([one.n_left_out for one in found.solutions]) > 150
    assert np.mean(found.off_mag) == pytest.approx(0.0, abs=0.0015)


def test_too_few_stars_are_refused_with_the_numbers() -> None:
    seen = see(Sky(n=4), 8)

    with pytest.raises(NoZeroPoint, match=r"n_stars=4, required=5"):
        seen.solve()


def test_stars_that_were_not_measured_are_left_out() -> None:
    seen = see(Sky(n=50), 9)
    holes = replace(seen.fluxes, flux=np.where(np.arange(50) < 10, np.nan, seen.fluxes.flux))
    found = replace(seen, fluxes=holes).solve()

    assert found.n_left_out == 10
    assert found.n_used + found.n_rejected == 40


def test_a_band_that_the_catalog_lacks_is_a_bug() -> None:
    with pytest.raises(ValueError, match="bands not in the catalog"):
        see(Sky(), 1).solve(colour=("BP", "z"))


def test_a_zero_point_is_that_of_the_mean_colour() -> None:
    found = see(Sky(n=200, colour_term=0.2), 10).solve()

    assert found.colour_mag is not None
    assert found.colour_term is not None
    assert found.colour_term == pytest.approx(0.2, abs=0.02)
    at_mean = found.zero_point_at(0.0, 0.0) + found.colour_term * (0.7 - found.colour_mag)
    assert at_mean == pytest.approx(ZERO_POINT, abs=0.01)


def test_values_without_scatter_keep_the_errors_they_came_with() -> None:
    rng = np.random.default_rng(11)
    fit = fit_with_scatter(np.ones((400, 1)), rng.normal(0.0, 0.05, 400), np.full(400, 0.1**2), clip_sigma=3.0)

    assert fit.intrinsic == 0.0
    assert fit.covariance[0, 0] == pytest.approx(0.1**2 / 400)
    assert fit.chi2 == pytest.approx(0.25, rel=0.2)


def test_errors_that_lean_to_one_side_make_the_claimed_error_larger() -> None:
    # Whether these four stay is a matter of where the clip is drawn: on two sides that changes nothing, on one it does.
    far = 0.028 * np.ones(4)
    middle = np.random.default_rng(12).normal(0.0, 0.01, 46)
    errors = []
    for signs in ((1, -1, 1, -1), (1, 1, 1, 1)):
        values = np.concatenate([middle, far * np.array(signs)])
        fit = fit_with_scatter(np.ones((50, 1)), values, np.full(50, 0.01**2), clip_sigma=3.0)
        errors.append(np.sqrt(fit.covariance[0, 0]))

    assert errors[1] > 1.2 * errors[0]


def test_a_fit_needs_more_values_than_terms() -> None:
    with pytest.raises(ValueError, match="2 values cannot tell 2 terms"):
        fit_with_scatter(np.ones((2, 2)), np.zeros(2), np.ones(2), clip_sigma=3.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_stars": 2},
        {"min_snr": 1.0},
        {"clip_sigma": 1.0},
        {"max_colour_error": 0.0},
        {"min_stars_for_colour": 3},
        {"stars_per_degree": (100, 50)},
        {"max_chance": 0.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadConfiguration):
        ZeroPointConfig(**wrong)  # type: ignore[arg-type]
