import math

import numpy as np
import pytest

from astrid_core.shared.sky import Region, SkyCell, SkyPosition, hpx29_of, separation_arcsec


def at(ra_deg: float, dec_deg: float) -> SkyPosition:
    return SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)


@pytest.mark.parametrize(
    ("ra_deg", "dec_deg"), [(360.0, 0.0), (-0.1, 0.0), (0.0, 90.1), (math.nan, 0.0), (0.0, math.inf)]
)
def test_a_position_off_the_sphere_is_refused(ra_deg: float, dec_deg: float) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        at(ra_deg, dec_deg)


def test_separation_is_exact_for_tiny_angles_across_ra_zero_and_at_the_pole() -> None:
    assert separation_arcsec(at(359.9999999, 0.0), at(0.0000001, 0.0)) == pytest.approx(0.00072, rel=1e-6)
    assert separation_arcsec(at(10.0, 90.0), at(200.0, 90.0)) == pytest.approx(0.0, abs=1e-9)
    assert separation_arcsec(at(0.0, 89.0), at(180.0, 89.0)) == pytest.approx(7200.0)
    assert separation_arcsec(at(0.0, 0.0), at(180.0, 0.0)) == pytest.approx(648000.0)


def test_a_position_lies_in_its_own_cell_at_every_order() -> None:
    position = at(123.456, -78.9)
    for order in range(30):
        first, behind = SkyCell.containing(position, order=order).hpx29_range
        assert first <= position.hpx29 < behind


def test_a_cell_is_written_and_read_back() -> None:
    assert SkyCell.parse("6/1234") == SkyCell(order=6, number=1234)
    assert str(SkyCell(order=6, number=1234)) == "6/1234"
    with pytest.raises(ValueError, match="no HEALPix cell"):
        SkyCell(order=0, number=12)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("cone(10.68,41.27,0.5deg)", (10.68, 41.76), (10.68, 41.78)),
        ("cone(0,0,30arcmin)", (359.6, 0.0), (359.4, 0.0)),
        ("cone(77,90,10arcsec)", (200.0, 89.9975), (200.0, 89.997)),
        ("polygon(10 41, 12 41, 11 43)", (11.0, 41.5), (10.1, 42.5)),
        ("polygon(359 -1, 1 -1, 0 1)", (0.0, 0.0), (2.0, 0.0)),
        ("cells(6/18773,6/18090)", (359.9999, 0.0), (180.0, 0.0)),
        ("moc(0/0)", (45.0, 30.0), (225.0, 30.0)),
    ],
)
def test_a_region_knows_what_it_contains(text: str, inside: tuple[float, float], outside: tuple[float, float]) -> None:
    region = Region.parse(text)
    assert region.contains(at(*inside))
    assert not region.contains(at(*outside))


@pytest.mark.parametrize("text", ["cone(10.68,41.27,0.5deg)", "cone(0,0,3arcsec)", "cone(5,-90,1deg)", "cone(0,90,60)"])
def test_the_ranges_of_a_cone_hold_every_position_up_to_its_edge(text: str) -> None:
    region = Region.parse(text)
    assert region.centre is not None
    assert region.radius_deg is not None
    for bearing in range(0, 360, 15):
        edge = _offset(region.centre, bearing, region.radius_deg * 0.999999)
        assert any(first <= edge.hpx29 < behind for first, behind in region.hpx29_ranges), bearing


def test_cells_of_a_region_cover_it() -> None:
    region = Region.parse("cone(0,0,0.5deg)")
    cells = region.cells(6)
    assert SkyCell.containing(at(0.3, 0.3), order=6) in cells
    assert SkyCell.containing(at(359.7, -0.3), order=6) in cells
    assert SkyCell.containing(at(180.0, 0.0), order=6) not in cells


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("circle(1,2,3)", "not a region"),
        ("cone(1,2)", "not a cone"),
        ("cone(1,2,-3)", "must lie in"),
        ("cone(400,2,1)", "ra_deg"),
        ("polygon(1 2, 3 4)", "at least three corners"),
        ("cells()", "at least one cell"),
        ("moc(nonsense)", "not a MOC"),
        ("moc()", "MOC"),
        ("moc(30/1)", "not a MOC"),
        ("moc(0/12)", "does not exist"),
        ("moc(6/5-1)", "does not exist"),
        ("cone(10,20,0)", "must lie in"),
        ("cone(10,20,180.1deg)", "must lie in"),
        ("polygon(1 2, 3 4, 5 6 7)", "at least three corners"),
        ("polygon(1 2, 3 4, 5 x)", "at least three corners"),
        ("polygon(1 2, 3 4, 5 95)", "dec_deg"),
        ("polygon(10 41, 11 41, 11 42, 10 41)", "corners 1 and 4 of a polygon are the same place"),
        ("polygon(0 90, 120 90, 240 90)", "corners 1 and 2 of a polygon are the same place"),
        ("polygon(10 41, 10 42, 10 43)", "one great circle"),
        ("polygon(359 0, 0 0, 1 0, 2 0)", "one great circle"),
        ("polygon(10 41, 11 42, 11 41, 10 42)", "edges 1 and 3 of a polygon cross"),
        ("polygon(0 0, 180 0, 90 40)", "is opposite to the next"),
        ("polygon(0 0, 120 0, 240 0)", "into halves"),
        (f"polygon({', '.join(f'{n / 10} {n % 2}' for n in range(1001))})", "at most 1000"),
    ],
)
def test_a_region_that_is_none_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Region.parse(text)


def _offset(centre: SkyPosition, bearing_deg: float, distance_deg: float) -> SkyPosition:
    lat, turn, far = (math.radians(value) for value in (centre.dec_deg, bearing_deg, distance_deg))
    dec = math.asin(max(-1.0, min(1.0, math.sin(lat) * math.cos(far) + math.cos(lat) * math.sin(far) * math.cos(turn))))
    across = math.sin(turn) * math.sin(far) * math.cos(lat)
    ra = centre.ra_deg + math.degrees(math.atan2(across, math.cos(far) - math.sin(lat) * math.sin(dec)))
    return at(ra % 360.0, math.degrees(dec))


@pytest.mark.parametrize(
    ("other", "expected"),
    [("cone(0,20,1deg)", 0.0), ("cone(0,89,3deg)", 1.0), ("cone(0,-89,3deg)", 1.0), ("cone(0,19.8,0.2deg)", 0.54)],
)
def test_the_part_of_a_region_outside_of_another(other: str, expected: float) -> None:
    region = Region.parse("cone(0.0,20.0,0.1deg)")
    assert region.outside(Region.parse(other)) == pytest.approx(expected, abs=0.05)


def test_many_positions_lie_in_the_cells_of_each() -> None:
    rng = np.random.default_rng(3)
    positions = [
        SkyPosition(ra_deg=float(ra), dec_deg=float(dec))
        for ra, dec in zip(rng.uniform(0.0, 360.0, 50), rng.uniform(-90.0, 90.0, 50), strict=True)
    ]
    assert hpx29_of(positions) == [one.hpx29 for one in positions]
    assert hpx29_of([]) == []
