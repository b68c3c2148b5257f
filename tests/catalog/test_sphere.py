import math

import numpy as np
import pytest

from astrid_core.catalog.sphere import ARCSEC as ARCSEC_RAD
from astrid_core.catalog.sphere import cells_near, cone_around, from_plane, mean_position, neighbours, unit_vectors
from astrid_core.shared.sky import SkyCell, SkyPosition, separation_arcsec

ARCSEC = 1.0 / 3600.0


def at(ra_deg: float, dec_deg: float) -> SkyPosition:
    return SkyPosition(ra_deg=ra_deg % 360.0, dec_deg=dec_deg)


def test_the_mean_across_ra_0_lies_at_ra_0() -> None:
    mean = mean_position([at(-0.5 * ARCSEC, 10.0), at(0.5 * ARCSEC, 10.0)], [1.0, 1.0])
    assert separation_arcsec(mean, at(0.0, 10.0)) < 1e-6


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_mean_of_a_ring_around_a_pole_is_the_pole(sign: float) -> None:
    ring = [at(ra, sign * (90.0 - ARCSEC)) for ra in (0.0, 90.0, 180.0, 270.0)]
    assert separation_arcsec(mean_position(ring, [1.0] * 4), at(0.0, sign * 90.0)) < 1e-6


def test_weights_pull_the_mean_in_proportion() -> None:
    mean = mean_position([at(100.0, 0.0), at(100.0 + ARCSEC, 0.0)], [1.0, 3.0])
    assert (mean.ra_deg - 100.0) * 3600.0 == pytest.approx(0.75, abs=1e-6)


def test_the_mean_does_not_depend_on_the_order_down_to_the_last_digit() -> None:
    places = [at(45.0 + 0.1 * n * ARCSEC, -30.0 + 0.07 * n * n * ARCSEC) for n in range(7)]
    weights = [1.0 + n / 3.0 for n in range(7)]
    assert mean_position(places, weights) == mean_position(places[::-1], weights[::-1])


def test_a_single_position_is_its_own_mean() -> None:
    assert mean_position([at(12.3456789, -89.9999999)], [7.0]) == at(12.3456789, -89.9999999)


def test_opposite_directions_have_no_mean() -> None:
    with pytest.raises(ValueError, match="opposite"):
        mean_position([at(0.0, 0.0), at(180.0, 0.0)], [1.0, 1.0])


def test_neighbours_are_found_across_ra_0_and_over_the_pole_nearest_first() -> None:
    pairs = neighbours(
        [at(359.9999, 0.0), at(10.0, 90.0 - 0.4 * ARCSEC)],
        [at(190.0, 90.0 - 0.4 * ARCSEC), at(0.0, 0.0), at(50.0, 50.0)],
        radius_arcsec=1.0,
    )
    assert [(one, other) for _, one, other in pairs] == [(0, 1), (1, 0)]
    assert [separation for separation, *_ in pairs] == pytest.approx([0.36, 0.8], abs=1e-6)


@pytest.mark.parametrize(("offset_arcsec", "n_pairs"), [(0.999999, 1), (1.000001, 0)])
def test_the_radius_is_exact(offset_arcsec: float, n_pairs: int) -> None:
    pairs = neighbours([at(80.0, 60.0)], [at(80.0, 60.0 + offset_arcsec * ARCSEC)], radius_arcsec=1.0)
    assert len(pairs) == n_pairs


def test_neighbours_of_nothing_are_none() -> None:
    assert neighbours([], [at(0.0, 0.0)], radius_arcsec=1.0) == ()
    assert neighbours([at(0.0, 0.0)], [], radius_arcsec=1.0) == ()


def test_the_cone_holds_every_position_and_the_margin() -> None:
    places = [at(359.9, 89.9), at(120.0, 89.8), at(240.0, 89.95)]
    cone = cone_around(places, margin_arcsec=5.0)
    assert all(cone.contains(place) for place in places)
    assert cone.centre is not None
    assert cone.radius_deg is not None
    farthest = max(separation_arcsec(cone.centre, place) for place in places)
    assert math.isclose(cone.radius_deg * 3600.0, farthest + 5.0, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("order", "radius_deg", "most"), [(6, 5.0 * ARCSEC, 9), (4, 3.9, 24)], ids=["as at rest", "as moving"]
)
def test_the_cells_near_a_place_hold_all_that_is_near_it_and_not_much_more(
    order: int, radius_deg: float, most: int
) -> None:
    rng = np.random.default_rng(5)
    anywhere = zip(rng.uniform(0.0, 360.0, 60), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, 60))), strict=True)
    # Besides: poles, RA 0, and corners of cells of every order.
    special = [(0.0, 90.0), (77.0, -90.0), (0.0, 0.0), (45.0, 41.8103), (0.0, 41.8103), (359.99999, 20.0)]
    for ra_deg, dec_deg in (*anywhere, *special):
        middle = at(ra_deg, dec_deg)
        cells = cells_near([middle], radius_deg=radius_deg, order=order)
        assert 1 <= len(cells) <= most
        for angle in rng.uniform(0.0, 2.0 * math.pi, 60):
            edge = moved(middle, radius_deg * 0.999999, angle)
            assert SkyCell.containing(edge, order=order) in cells


def moved(start: SkyPosition, by_deg: float, angle: float) -> SkyPosition:
    """Return the place so far from another one, in the direction of ``angle``, radians from north through east."""
    around = unit_vectors([start])[0]
    offset = math.tan(math.radians(by_deg)) / ARCSEC_RAD * np.array([math.sin(angle), math.cos(angle)])
    x, y, z = from_plane(offset, around)
    return at(math.degrees(math.atan2(y, x)), math.degrees(math.asin(min(1.0, max(-1.0, z)))))


def test_there_are_no_cells_near_nothing() -> None:
    assert cells_near([], radius_deg=1.0, order=4) == frozenset()
