"""The intervals of a night hold the truth as often as they say."""

from docs.intervals import PAGE, PICTURE, covered


def test_intervals_of_completeness_hold_the_truth_in_300_nights() -> None:
    held = covered(n_exposures=10)
    assert held["whole"] >= 0.93
    assert held["bins"] >= 0.93
    assert held["half"] >= 0.93


def test_half_points_of_many_injections_are_as_sure_as_they_say() -> None:
    # The more injections, the less a grid of curves is as good as all curves.
    assert covered(n_exposures=30)["half"] >= 0.93


def test_the_page_tells_what_is_measured_here() -> None:
    text = PAGE.read_text()
    held = covered(n_exposures=1, n_nights=300)
    assert f"| 1 | 0 | {100 * held['whole']:.1f} % | {100 * held['bins']:.1f} % | {100 * held['half']:.1f} % |" in text
    assert f"](pictures/{PICTURE.name})" in text
