"""Which known objects may be what was found."""

from dataclasses import replace

import numpy as np
import pytest

from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.known_sources import KnownSources, SourceKind, sources_of_stars
from astrid_core.catalog.matches import matches, minor_planet_matches
from astrid_core.catalog.minor_planets import MinorPlanet
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import SkyPosition
from tests.catalog.known import AREA_ARCSEC2, HERE, MJD, scattered, sources

CONFIG = ContextConfig()


def _matches(found: KnownSources, at: SkyPosition = HERE, err: float = 0.3) -> tuple[str, ...]:
    return tuple(one.source_id for one in matches(at, err, MJD, found, area_arcsec2=AREA_ARCSEC2, config=CONFIG))


def test_what_lies_beyond_the_errors_is_no_match() -> None:
    found = matches(HERE, 0.3, MJD, sources(SourceKind.STAR, 0.2, 1.15, 1.3), area_arcsec2=AREA_ARCSEC2, config=CONFIG)

    assert [one.source_id for one in found] == ["a", "b"]
    assert [one.separation_arcsec for one in found] == pytest.approx([0.2, 1.15], abs=1e-6)
    assert found[0].reliability is not None
    assert found[1].reliability is not None
    assert found[0].reliability > 0.999 > found[1].reliability
    assert (found[0].mag, found[0].redshift, found[0].source_type) == (None, None, "")


def test_a_moving_star_is_looked_for_where_it_is_now() -> None:
    """24.2 years at 1 arcsec a year: in 2000 it stood 24.2 arcsec to the west."""
    star = sources(SourceKind.STAR, -24.24)
    fast = replace(star, pm_ra_mas_yr=np.array([1000.0]), pm_dec_mas_yr=np.array([0.0]))

    assert _matches(star) == ()
    (found,) = matches(HERE, 0.3, MJD, fast, area_arcsec2=AREA_ARCSEC2, config=CONFIG)
    assert found.separation_arcsec < 0.1
    assert abs(found.position.ra_deg - HERE.ra_deg) * 3600.0 < 0.1


def test_errors_of_the_catalog_widen_the_search() -> None:
    vague = replace(sources(SourceKind.TRANSIENT, 3.0), err_arcsec=np.array([1.0]))
    assert _matches(sources(SourceKind.TRANSIENT, 3.0)) == ()
    assert _matches(vague) == ("a",)


def test_galaxies_hold_what_is_off_their_middle() -> None:
    large = replace(sources(SourceKind.GALAXY, 80.0), size_arcsec=np.array([20.0]))
    assert _matches(sources(SourceKind.GALAXY, 20.0)) == ("a",)
    assert _matches(sources(SourceKind.GALAXY, 80.0)) == ()
    assert _matches(large) == ("a",)


def test_faint_galaxies_are_there_by_chance_more_often_than_bright_ones() -> None:
    field = scattered(SourceKind.GALAXY, 200)
    bright, faint = int(np.argmin(field.mag)), int(np.argmax(field.mag))
    near = replace(
        field,
        ra_deg=np.where(np.isin(np.arange(200), [bright, faint]), HERE.ra_deg, field.ra_deg),
        dec_deg=np.where(np.isin(np.arange(200), [bright, faint]), HERE.dec_deg + 8.0 / 3600.0, field.dec_deg),
    )

    found = {one.source_id: one for one in matches(HERE, 0.3, MJD, near, area_arcsec2=AREA_ARCSEC2, config=CONFIG)}

    assert found[f"s{bright}"].chance == pytest.approx(1.0 - np.exp(-np.pi * 64.0 / AREA_ARCSEC2), rel=1e-4)
    assert found[f"s{bright}"].chance < found.get(f"s{faint}", found[f"s{bright}"]).chance or f"s{faint}" not in found
    assert all(one.reliability is None for one in found.values())


def test_chances_are_as_often_as_they_say() -> None:
    """2,000 random places among random objects: something of chance below 0.1 within reach in a tenth of them."""
    field = scattered(SourceKind.TRANSIENT, 3000, seed=3)
    rng = np.random.default_rng(4)
    config = replace(CONFIG, min_radius_arcsec=4.0)
    low = 0
    for _ in range(2000):
        off, angle = 250.0 * np.sqrt(rng.uniform()), rng.uniform(0.0, 2.0 * np.pi)
        place = SkyPosition(
            ra_deg=float(HERE.ra_deg + off * np.sin(angle) / 3600.0),
            dec_deg=HERE.dec_deg + off * np.cos(angle) / 3600.0,
        )
        unmarked = replace(field, mag=np.full(3000, np.nan))
        found = matches(place, 0.3, MJD, unmarked, area_arcsec2=AREA_ARCSEC2, config=config)
        low += any(one.chance <= 0.1 for one in found)

    assert low / 2000.0 == pytest.approx(0.1, abs=0.025)


def test_likelihoods_tell_the_true_star_from_its_neighbours() -> None:
    """Of 300 stars each measured with an error of 0.3 arcsec, the sum of reliabilities tells how many are right."""
    field = scattered(SourceKind.STAR, 300, seed=6)
    rng = np.random.default_rng(7)
    right, told = 0, 0.0
    for index in range(300):
        place = SkyPosition(
            ra_deg=float(field.ra_deg[index] + rng.normal(0.0, 0.3) / 3600.0),
            dec_deg=float(field.dec_deg[index] + rng.normal(0.0, 0.3) / 3600.0),
        )
        found = matches(place, 0.3, MJD, field, area_arcsec2=AREA_ARCSEC2, config=CONFIG)
        best = max(found, key=lambda one: one.reliability or 0.0, default=None)
        right += best is not None and best.source_id == f"s{index}"
        told += 0.0 if best is None else best.reliability or 0.0

    assert right >= 294
    assert told == pytest.approx(right, abs=8.0)


def test_only_the_likeliest_are_kept() -> None:
    crowd = sources(SourceKind.GALAXY, *np.linspace(1.0, 20.0, 12))
    assert _matches(crowd) == ("a", "b", "c", "d", "e")


def test_matching_works_across_the_origin_of_right_ascension_and_at_the_pole() -> None:
    for at, other in (
        (SkyPosition(ra_deg=0.0001, dec_deg=0.0), (359.9999, 0.0)),
        (SkyPosition(ra_deg=10.0, dec_deg=89.9999), (190.0, 89.9999)),
    ):
        one = replace(sources(SourceKind.STAR, 0.0), ra_deg=np.array([other[0]]), dec_deg=np.array([other[1]]))
        (found,) = matches(at, 0.3, MJD, one, area_arcsec2=AREA_ARCSEC2, config=CONFIG)
        assert found.separation_arcsec == pytest.approx(0.72, abs=0.001)


def _body(name: str, east_arcsec: float, err_arcsec: float = 0.5, mag_v: float | None = 18.0) -> MinorPlanet:
    place = SkyPosition(
        ra_deg=HERE.ra_deg + east_arcsec / 3600.0 / float(np.cos(np.radians(2.0))), dec_deg=HERE.dec_deg
    )
    return MinorPlanet(
        name=name, is_comet=False, position=place, err_arcsec=err_arcsec, mag_v=mag_v, motion_ra_arcsec_h=30.0,
        motion_dec_arcsec_h=1.0, distance_au=1.5, sun_distance_au=2.5,
    )  # fmt: skip


def test_bodies_count_within_their_errors() -> None:
    bodies = [_body("sharp", 3.0), _body("vague", 3.0, err_arcsec=2.0), _body("far", 60.0, err_arcsec=2.0)]
    found = minor_planet_matches(
        HERE, 0.3, bodies, catalog="orbits", observation_id="s:1", area_arcsec2=AREA_ARCSEC2, config=CONFIG
    )
    assert [(one.source_id, one.observation_id, one.kind) for one in found] == [
        ("vague", "s:1", SourceKind.MINOR_PLANET)
    ]


def test_stars_that_frames_are_tied_to_are_known_sources() -> None:
    stars = CatalogStars(
        catalog="gaia dr3", epoch_yr=2016.0, ra_deg=np.array([10.0]), dec_deg=np.array([-5.0]),
        ra_err_mas=np.array([30.0]), dec_err_mas=np.array([40.0]), pm_ra_mas_yr=np.array([5.0]),
        pm_dec_mas_yr=np.array([np.nan]), mags={"G": np.array([17.0])}, mag_errs={"G": np.array([0.01])},
    )  # fmt: skip
    found = sources_of_stars(stars)
    assert (found.kind, found.catalog, list(found.ids)) == (SourceKind.STAR, "gaia dr3", ["10.000000-5.000000"])
    assert found.err_arcsec[0] == pytest.approx(0.0354, abs=1e-4)
    assert found.mag[0] == 17.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"position_err_arcsec": 0.0}, {"max_chance": 1.5}, {"max_matches": 0}, {"sites": ("ztf 33",)},
        {"sites": ("ztf 133.0 10.0",)}, {"host_radius_arcsec": 400.0},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration):
        ContextConfig(**wrong)  # type: ignore[arg-type]


def test_a_site_is_of_one_survey() -> None:
    config = ContextConfig(sites=("ztf 33.3563 -116.8648",))
    site = config.site_of("ztf")
    assert site is not None
    assert (site.lat_deg, site.lon_deg) == (33.3563, -116.8648)
    assert config.site_of("other") is None
