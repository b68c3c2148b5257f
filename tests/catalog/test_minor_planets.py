"""Minor planets where others say that they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time

from astrid_core.adapters.catalogs.orbit_files import read_orbit_file
from astrid_core.catalog.kepler import drift
from astrid_core.catalog.minor_planets import Ephemeris, MinorPlanet, places_of
from astrid_core.catalog.orbits import Elements, Orbits, orbits_of, runoff_arcsec
from astrid_core.catalog.solar_system import at_time, observer_au, velocity_of_earth_au_d
from astrid_core.observations.airmass import Site
from astrid_core.shared.sky import Region, SkyPosition, separation_arcsec
from tests.catalog.ephemerides import (
    CERES,
    CERES_2020,
    CERES_2020_PERIHELION_JD,
    CERES_2022,
    ENCKE_AT_G37,
    ENCKE_GEOCENTRIC,
    ENCKE_HELIOCENTRIC,
    ENCKE_JD,
    ENCKE_SKY,
    ENCKE_UTC,
)

_LIGHT_AU_D = 173.14463
G37 = Site(lat_deg=34.7443, lon_deg=-111.4223)


def _orbits(position: object, velocity: object, epoch_mjd: float) -> Orbits:
    return Orbits(
        names=np.array(["2P/Encke"], dtype=object), epoch_mjd=np.array([epoch_mjd]),
        position_au=np.array([position], dtype=float), velocity_au_d=np.array([velocity], dtype=float),
        h_mag=np.array([15.0]), slope=np.array([4.0]), quality=np.zeros(1, dtype=np.int8),
        is_comet=np.ones(1, dtype=bool), seen_mjd=np.array([np.nan]),
    )  # fmt: skip


def _left(number: int) -> float:
    """Return when the light of an answer left the comet."""
    return float(ENCKE_JD[number] - 2400000.5 - np.linalg.norm(ENCKE_GEOCENTRIC[number]) / _LIGHT_AU_D)


@pytest.fixture
def encke() -> Orbits:
    return _orbits(ENCKE_HELIOCENTRIC[0][:3], ENCKE_HELIOCENTRIC[0][3:], _left(0))


@pytest.fixture
def ceres(tmp_path: Path) -> Orbits:
    (tmp_path / "MPCORB.DAT").write_bytes(b"\n".join(CERES))
    return orbits_of(read_orbit_file(tmp_path / "MPCORB.DAT"))


def _off_arcsec(found: object, expected: object, distance_au: float) -> float:
    return float(np.degrees(np.linalg.norm(np.subtract(found, expected)) / distance_au) * 3600.0)  # type: ignore[call-overload]


@pytest.mark.parametrize(("number", "ellipse", "pulled"), [(1, 0.03, 0.001), (2, 0.12, 0.002)])
def test_encke_moves_as_the_minor_planet_center_says(encke: Orbits, number: int, ellipse: float, pulled: float) -> None:
    """Ten and twenty days: the planets are worth 0.03 and 0.11 arcsec, and are taken into account."""
    expected, distance = ENCKE_HELIOCENTRIC[number][:3], float(np.linalg.norm(ENCKE_GEOCENTRIC[number]))
    alone, _ = drift(encke.position_au, encke.velocity_au_d, _left(number) - encke.epoch_mjd)
    found, _ = at_time(encke, _left(number))

    assert 0.8 * ellipse < _off_arcsec(alone[0], expected, distance) < ellipse
    assert _off_arcsec(found[0], expected, distance) < pulled


@pytest.mark.parametrize("number", [0, 1, 2])
def test_encke_stands_where_the_minor_planet_center_says(encke: Orbits, number: int) -> None:
    ra, dec, distance_au, sun_au, motion_ra, motion_dec = ENCKE_SKY[number]
    expected = SkyCoord(ra, dec, unit=("hourangle", "deg"))

    (found,) = places_of(encke, mid_mjd=Time(ENCKE_UTC[number]).mjd)

    # Printed to 0.1 s and 1 arcsec.
    assert abs(found.position.ra_deg - expected.ra.deg) * 3600.0 < 0.9
    assert abs(found.position.dec_deg - expected.dec.deg) * 3600.0 < 0.65
    assert found.distance_au == pytest.approx(distance_au, abs=6e-4)
    assert found.sun_distance_au == pytest.approx(sun_au, abs=6e-4)
    assert found.motion_ra_arcsec_h == pytest.approx(motion_ra, abs=0.05)
    assert found.motion_dec_arcsec_h == pytest.approx(motion_dec, abs=0.05)
    assert found.mag_v == pytest.approx(15.0 + 5.0 * np.log10(distance_au) + 10.0 * np.log10(sun_au), abs=0.002)


def test_an_observer_on_the_ground_sees_a_body_elsewhere(encke: Orbits) -> None:
    utc, ra, dec = ENCKE_AT_G37
    expected = SkyCoord(ra, dec, unit=("hourangle", "deg"))
    (centre,) = places_of(encke, mid_mjd=Time(utc).mjd)

    (found,) = places_of(encke, mid_mjd=Time(utc).mjd, site=G37)

    assert 1.0 < separation_arcsec(found.position, centre.position) < 8.794 / 3.1
    assert abs(found.position.ra_deg - expected.ra.deg) * 3600.0 < 0.9
    assert abs(found.position.dec_deg - expected.dec.deg) * 3600.0 < 0.65
    assert found.err_arcsec < centre.err_arcsec


@pytest.mark.parametrize(("begin", "end", "least_ellipse"), [(0, 1, 100.0), (2, 3, 60.0), (3, 4, 40.0), (4, 5, 9.0)])
def test_elements_of_ceres_lead_to_those_of_later_years(
    ceres: Orbits, begin: int, end: int, least_ellipse: float
) -> None:
    """The Minor Planet Center let the planets pull, too: over up to 800 days the two agree within 0.2 arcsec."""
    one, expected = ceres.take(np.array([begin])), ceres.position_au[end]
    alone, _ = drift(one.position_au, one.velocity_au_d, ceres.epoch_mjd[[end]] - one.epoch_mjd)
    found, _ = at_time(one, float(ceres.epoch_mjd[end]))

    assert _off_arcsec(alone[0], expected, 2.0) > least_ellipse
    assert _off_arcsec(found[0], expected, 2.0) < 0.2


@pytest.mark.parametrize(("day", "ra_deg", "dec_deg", "distance_au", "sun_au", "mag_v"), CERES_2022)
def test_ceres_stands_where_jpl_says_900_days_later(
    day: str, ra_deg: float, dec_deg: float, distance_au: float, sun_au: float, mag_v: float
) -> None:
    jd, eccentricity, axis_au, node, peri, inclination = (np.array([one]) for one in CERES_2020)
    elements = Elements(
        names=np.array(["(1) Ceres"], dtype=object), epoch_mjd=jd - 2400000.5,
        perihelion_au=axis_au * (1.0 - eccentricity), eccentricity=eccentricity, inclination_deg=inclination,
        node_deg=node, peri_deg=peri, perihelion_mjd=np.array([CERES_2020_PERIHELION_JD - 2400000.5]),
        h_mag=np.array([3.33]), slope=np.array([0.12]), quality=np.zeros(1, dtype=np.int8),
        is_comet=np.zeros(1, dtype=bool), seen_mjd=np.array([np.nan]),
    )  # fmt: skip

    (found,) = places_of(orbits_of(elements), mid_mjd=Time(day).mjd)

    expected = SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)
    assert separation_arcsec(found.position, expected) < 0.25
    assert found.distance_au == pytest.approx(distance_au, abs=3e-6)
    assert found.sun_distance_au == pytest.approx(sun_au, abs=3e-6)
    assert found.mag_v == pytest.approx(mag_v, abs=0.02)


def test_the_brightness_of_ceres_at_opposition(ceres: Orbits) -> None:
    """Opposition of 2023-03-21, magnitude 7.0 in almanacs."""
    (found,) = places_of(ceres.take(np.array([2])), mid_mjd=Time("2023-03-21T00:00").mjd)
    assert found.mag_v == pytest.approx(7.0, abs=0.15)


def _drawn(n: int) -> Orbits:
    rng = np.random.default_rng(5)
    direction = rng.normal(size=(n, 3)) * [1.0, 1.0, 0.3]
    distance = rng.uniform(1.2, 3.5, n)
    position = direction / np.linalg.norm(direction, axis=1)[:, None] * distance[:, None]
    along = np.cross(position, rng.normal(size=(n, 3)) * 0.2 + [0.0, 0.0, 1.0])
    speed = 0.01720209895 * np.sqrt(1.0 / distance) * rng.uniform(0.9, 1.15, n)
    return Orbits(
        names=np.array([f"drawn {number}" for number in range(n)], dtype=object),
        epoch_mjd=rng.choice([60600.0, 60800.0], n), position_au=position,
        velocity_au_d=along / np.linalg.norm(along, axis=1)[:, None] * speed[:, None],
        h_mag=rng.uniform(12.0, 20.0, n), slope=np.full(n, 0.15), quality=np.zeros(n, dtype=np.int8),
        is_comet=np.zeros(n, dtype=bool), seen_mjd=np.full(n, 60700.0),
    )  # fmt: skip


@pytest.mark.parametrize("mid_mjd", [60700.49, 60700.51, 60800.0, 61000.3])
def test_choosing_first_loses_nobody(mid_mjd: float) -> None:
    orbits = _drawn(4000)
    everybody = places_of(orbits, mid_mjd=mid_mjd)
    ephemeris = Ephemeris(orbits)
    for text in ("cone(0.0,0.0,9deg)", "cone(359.0,12.0,6deg)", "polygon(100 -10, 130 -10, 130 20, 100 20)"):
        region = Region.parse(text)
        expected = {one.name for one in everybody if region.contains(one.position)}

        found = ephemeris.inside(region, mid_mjd=mid_mjd)

        assert len(expected) > 3
        assert expected <= {one.name for one in found}
        assert [one.mag_v or 99.0 for one in found] == sorted(one.mag_v or 99.0 for one in found)


def test_a_body_next_to_the_earth_is_never_passed_over() -> None:
    """At less than the distance of the Moon it crosses the sky in a day."""
    near = replace(
        _drawn(1), epoch_mjd=np.array([60700.0]),
        position_au=observer_au(60700.0, None)[None] + [[0.0, 0.0, 0.002]],
        velocity_au_d=velocity_of_earth_au_d(60700.0)[None] + [[0.006, 0.0, 0.0]],
    )  # fmt: skip
    for mid_mjd in (60699.6, 60700.0, 60700.45):
        (place,) = places_of(near, mid_mjd=mid_mjd, site=G37)
        region = Region.cone(place.position, radius_deg=0.1)
        assert [one.name for one in Ephemeris(near).inside(region, mid_mjd=mid_mjd, site=G37)] == ["drawn 0"]
        # From the Earth's centre nobody can tell where an observer sees it.
        (place,) = places_of(near, mid_mjd=mid_mjd)
        assert place.err_arcsec > 2000.0


def test_what_is_badly_known_is_left_out(encke: Orbits) -> None:
    mid_mjd = Time(ENCKE_UTC[1]).mjd
    place: MinorPlanet = places_of(encke, mid_mjd=mid_mjd)[0]
    region = Region.cone(place.position, radius_deg=0.5)
    poor = replace(encke, quality=np.array([9], dtype=np.int8))

    assert len(Ephemeris(encke).inside(region, mid_mjd=mid_mjd)) == 1
    assert Ephemeris(poor).inside(region, mid_mjd=mid_mjd) == ()
    (vague,) = Ephemeris(poor).inside(region, mid_mjd=mid_mjd, max_err_arcsec=1e6)
    assert vague.err_arcsec > 1000.0


def test_errors_grow_from_the_last_observation(encke: Orbits) -> None:
    """Class 2 is at most 19.7 arcsec per decade."""
    known = replace(encke, quality=np.array([2], dtype=np.int8), seen_mjd=encke.epoch_mjd - 3652.5)
    assert runoff_arcsec(known, float(encke.epoch_mjd[0])) == pytest.approx(19.7, abs=0.1)
    unseen = replace(known, seen_mjd=np.array([np.nan]))
    assert runoff_arcsec(unseen, float(encke.epoch_mjd[0])) == pytest.approx(0.0)


def test_nobody_is_an_answer() -> None:
    nobody = _drawn(3).take(np.zeros(3, dtype=bool))
    assert places_of(nobody, mid_mjd=60700.0) == ()
    cone = Region.cone(SkyPosition(ra_deg=0.0, dec_deg=0.0), radius_deg=1.0)
    assert Ephemeris(nobody).inside(cone, mid_mjd=60700.0) == ()
