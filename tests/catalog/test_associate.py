import time
from itertools import permutations

import numpy as np
import pytest

from astrid_core.catalog.associate import associate, entry_id
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.measure import not_measured_before
from tests.catalog.invented import measured


def founded_by(*points: LightCurvePoint, max_chi2: float = 18.42) -> dict[str, str]:
    """Detection -> detection that founded its object."""
    joined = associate(points, radius_arcsec=1.0, max_chi2=max_chi2)
    founders = {entry_id(name): name for name in joined}
    return {name: founders[identity] for name, identity in joined.items()}


def test_detections_of_several_nights_gather_in_one_object() -> None:
    night1 = measured("a:1", mid_mjd=60371.2, observation="demo:1")
    night2 = measured("b:1", mid_mjd=60372.2, observation="demo:2", east_arcsec=0.5)
    far = measured("b:2", mid_mjd=60372.2, observation="demo:2", east_arcsec=5.0)
    assert founded_by(far, night2, night1) == {"a:1": "a:1", "b:1": "a:1", "b:2": "b:2"}


def test_a_detection_joins_the_object_that_it_fits_best() -> None:
    near = measured("old:1", east_arcsec=0.6, observation="demo:0", mid_mjd=60370.0)
    far = measured("old:2", east_arcsec=-0.8, observation="demo:0", mid_mjd=60370.0)
    assert founded_by(far, near, measured("new:1"))["new:1"] == "old:1"


def test_a_detection_beyond_the_radius_founds_an_object_named_after_it() -> None:
    known = measured("old:1", observation="demo:0", mid_mjd=60370.0)
    assert founded_by(known, measured("new:1", north_arcsec=1.01))["new:1"] == "new:1"


def test_a_detection_that_errors_do_not_explain_is_another_object() -> None:
    known = measured("old:1", observation="demo:0", mid_mjd=60370.0, err_arcsec=0.05)
    sharp = measured("new:1", east_arcsec=0.4, err_arcsec=0.05)
    blurred = measured("new:2", east_arcsec=0.4, err_arcsec=0.3)
    assert founded_by(known, sharp)["new:1"] == "new:1"
    assert founded_by(known, blurred)["new:2"] == "old:1"


def test_errors_decide_who_of_two_gets_a_detection() -> None:
    # Nearer to the one, but better explained by the other, whose place is less certain.
    sure = measured("old:1", east_arcsec=-0.3, observation="demo:0", mid_mjd=60370.0, err_arcsec=0.02)
    vague = measured("old:2", east_arcsec=0.4, observation="demo:0", mid_mjd=60370.0, err_arcsec=0.3)
    assert founded_by(sure, vague, measured("new:1", err_arcsec=0.1))["new:1"] == "old:2"


def test_one_in_ten_thousand_true_pairs_is_parted_at_the_default() -> None:
    rng = np.random.default_rng(3)
    n, err = 20_000, 0.1
    places = 100.0 * np.arange(n)
    points = [
        measured(
            f"{night}:{star}",
            east_arcsec=places[star] + off[0],
            north_arcsec=off[1],
            observation=f"demo:{night}",
            mid_mjd=60371.0 + night,
            err_arcsec=err,
        )
        for night in range(2)
        for star, off in enumerate(rng.normal(0.0, err, (n, 2)))
    ]
    joined = associate(points, radius_arcsec=60.0, max_chi2=PublishConfig().max_chi2)
    n_parted = len(set(joined.values())) - n
    assert 0 <= n_parted <= 8


def test_the_result_does_not_depend_on_the_order() -> None:
    # A chain: each link is within the radius, its ends are not.
    chain = [
        measured(f"d:{n}", east_arcsec=0.7 * n, mid_mjd=60371.0 + n, observation=f"demo:{n}", significance=6.0 + n)
        for n in (0, 1, 2, 3, 4)
    ]
    expected = founded_by(*chain)
    assert len(set(expected.values())) > 1
    assert all(founded_by(*order) == expected for order in permutations(chain))


def test_detections_that_arrive_in_time_rename_nothing() -> None:
    rng = np.random.default_rng(5)
    points = [
        measured(
            f"{night}:{number}",
            east_arcsec=east,
            north_arcsec=north,
            observation=f"demo:{night}",
            mid_mjd=60371.0 + night,
            err_arcsec=err,
        )
        for night in range(8)
        for number, (east, north, err) in enumerate(rng.uniform((0.0, 0.0, 0.05), (6.0, 6.0, 0.4), (12, 3)))
    ]
    whole = founded_by(*points)
    for night in range(1, 8):
        part = founded_by(*(point for point in points if point.mid_mjd < 60371.0 + night))
        assert part == {name: whole[name] for name in part}


def test_objects_far_apart_have_no_say_in_each_other() -> None:
    rng = np.random.default_rng(6)
    groups = [
        [
            measured(
                f"{number}:{one}",
                east_arcsec=100.0 * number + x,
                north_arcsec=y,
                observation=f"demo:{one}",
                mid_mjd=60371.0 + one,
            )
            for one, (x, y) in enumerate(rng.uniform(0.0, 3.0, (20, 2)))
        ]
        for number in range(3)
    ]
    together = founded_by(*(point for group in groups for point in group))
    assert together == {name: founder for group in groups for name, founder in founded_by(*group).items()}


def test_one_exposure_never_gives_an_object_two_detections() -> None:
    known = measured("old:1", observation="demo:0", mid_mjd=60370.0)
    found = founded_by(known, measured("new:1", east_arcsec=0.5), measured("new:2", east_arcsec=-0.2))
    assert found == {"old:1": "old:1", "new:2": "old:1", "new:1": "new:1"}


def test_two_near_detections_of_the_first_exposure_are_two_objects() -> None:
    assert len(set(founded_by(measured("new:1"), measured("new:2", east_arcsec=0.5)).values())) == 2


def test_another_run_on_a_published_exposure_says_nothing_new() -> None:
    published = measured("run1:1")
    again, other = measured("run2:1", east_arcsec=0.1), measured("run2:2", east_arcsec=3.0)
    close = measured("run1:2", east_arcsec=0.5)
    assert not_measured_before([again, other, close], [published], radius_arcsec=1.0) == (close, other)


@pytest.mark.parametrize("centre", [(0.0, 20.0), (77.0, 89.9999), (77.0, -89.9999)])
def test_association_works_across_ra_0_and_near_the_poles(centre: tuple[float, float]) -> None:
    one = measured("a:1", centre=centre, north_arcsec=0.2, observation="demo:1")
    west = measured("b:1", centre=centre, north_arcsec=-0.2, east_arcsec=-0.5, observation="demo:2", mid_mjd=60372.0)
    assert set(founded_by(one, west).values()) == {"a:1"}


def test_a_weak_detection_hardly_moves_a_strong_object() -> None:
    strong = measured("old:1", observation="demo:0", mid_mjd=60370.0, err_arcsec=0.01)
    weak = measured("a:1", east_arcsec=0.9, observation="demo:1", mid_mjd=60372.0, err_arcsec=0.3)
    # Had the weak one counted as much, the mean would lie at 0.45 arcsec and the last one would be out of reach.
    last = measured("b:1", east_arcsec=-0.9, observation="demo:2", mid_mjd=60373.0, err_arcsec=0.25)
    assert set(founded_by(strong, weak, last).values()) == {"old:1"}


def test_thousands_of_detections_are_associated_in_seconds() -> None:
    rng = np.random.default_rng(7)
    east, north = rng.uniform(0.0, 3600.0, (2, 500))
    night = [
        measured(
            f"{exposure}:{star}",
            east_arcsec=east[star] + 0.05 * (exposure - 5),
            north_arcsec=north[star],
            observation=f"demo:{exposure}",
            mid_mjd=60371.0 + 0.01 * exposure,
        )
        for exposure in range(10)
        for star in range(500)
    ]
    began = time.process_time()
    assert len(set(founded_by(*night).values())) == 500
    assert time.process_time() - began < 10.0
