import time
from itertools import permutations

import numpy as np
import pytest

from astrid_core.catalog.associate import Association, associate, entry_id
from astrid_core.catalog.measure import Measurement
from tests.catalog.invented import light_curve, measured


def founded_by(association: Association) -> dict[str, str]:
    """Detection -> detection that founded its object."""
    founders = {entry_id(name): name for name in association.joined}
    return {name: founders[identity] for name, identity in association.joined.items()}


def test_detections_of_several_nights_gather_in_one_object() -> None:
    night1 = measured("a:1", mid_mjd=60371.2, observation="demo:1")
    night2 = measured("b:1", mid_mjd=60372.2, observation="demo:2", east_arcsec=0.5)
    far = measured("b:2", mid_mjd=60372.2, observation="demo:2", east_arcsec=5.0)
    assert founded_by(associate({}, [far, night2, night1], radius_arcsec=1.0)) == {
        "a:1": "a:1",
        "b:1": "a:1",
        "b:2": "b:2",
    }


def test_a_detection_joins_the_nearest_known_object() -> None:
    near, near_points = light_curve(1, measured("old:1", east_arcsec=0.6, observation="demo:0"))
    far, far_points = light_curve(2, measured("old:2", east_arcsec=-0.8, observation="demo:0"))
    found = associate({far.id: far_points, near.id: near_points}, [measured("new:1")], radius_arcsec=1.0)
    assert found.joined == {"new:1": near.id}
    assert not found.founded


def test_a_detection_beyond_the_radius_founds_an_object_named_after_it() -> None:
    known, points = light_curve(1, measured("old:1", observation="demo:0"))
    found = associate({known.id: points}, [measured("new:1", north_arcsec=1.01)], radius_arcsec=1.0)
    assert found.joined == {"new:1": entry_id("new:1")}
    assert found.founded == {entry_id("new:1")}


def test_the_result_does_not_depend_on_the_order() -> None:
    # A chain: each link is within the radius, its ends are not.
    chain = [
        measured(f"d:{n}", east_arcsec=0.7 * n, mid_mjd=60371.0 + n, observation=f"demo:{n}", significance=6.0 + n)
        for n in (0, 1, 2, 3, 4)
    ]
    expected = associate({}, chain, radius_arcsec=1.0)
    assert len(expected.founded) > 1
    assert all(associate({}, order, radius_arcsec=1.0) == expected for order in permutations(chain))


def test_one_exposure_never_gives_an_object_two_detections() -> None:
    known, points = light_curve(1, measured("old:1", observation="demo:0"))
    blend = [measured("new:1", east_arcsec=0.5), measured("new:2", east_arcsec=-0.2)]
    found = associate({known.id: points}, blend, radius_arcsec=1.0)
    assert found.joined == {"new:2": known.id, "new:1": entry_id("new:1")}


def test_two_near_detections_of_the_first_exposure_are_two_objects() -> None:
    found = associate({}, [measured("new:1"), measured("new:2", east_arcsec=0.5)], radius_arcsec=1.0)
    assert len(found.founded) == 2


def test_another_run_on_a_published_exposure_does_not_make_a_second_object() -> None:
    known, points = light_curve(1, measured("run1:1"))
    found = associate({known.id: points}, [measured("run2:1", east_arcsec=0.1)], radius_arcsec=1.0)
    assert found.joined == {}
    assert found.remeasured == ("run2:1",)


@pytest.mark.parametrize("centre", [(0.0, 20.0), (77.0, 89.9999), (77.0, -89.9999)])
def test_association_works_across_ra_0_and_near_the_poles(centre: tuple[float, float]) -> None:
    one = measured("a:1", centre=centre, north_arcsec=0.2, observation="demo:1")
    west = measured("b:1", centre=centre, north_arcsec=-0.2, east_arcsec=-0.5, observation="demo:2", mid_mjd=60372.0)
    assert len(associate({}, [one, west], radius_arcsec=1.0).founded) == 1


def test_a_weak_detection_hardly_moves_a_strong_object() -> None:
    strong, points = light_curve(1, measured("old:1", significance=100.0, observation="demo:0"))
    weak = measured("a:1", east_arcsec=0.9, significance=5.0, observation="demo:1", mid_mjd=60372.0)
    # Had the weak one counted as much, the mean would lie at 0.45 arcsec and the last one would be out of reach.
    last = measured("b:1", east_arcsec=-0.9, observation="demo:2", mid_mjd=60373.0)
    assert set(associate({strong.id: points}, [weak, last], radius_arcsec=1.0).joined.values()) == {strong.id}


def test_thousands_of_detections_are_associated_in_seconds() -> None:
    rng = np.random.default_rng(7)
    east, north = rng.uniform(0.0, 3600.0, (2, 500))
    night: list[Measurement] = [
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
    found = associate({}, night, radius_arcsec=1.0)
    assert len(found.founded) == 500
    assert time.process_time() - began < 10.0
