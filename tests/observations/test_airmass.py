import pytest
from astropy.io import fits

from astrid_core.observations.airmass import Site, airmass_at, airmass_of, site_of
from astrid_core.shared.sky import SkyPosition

VEGA = SkyPosition(ra_deg=279.2347, dec_deg=38.7837)
MAUNA_KEA = {"OBSGEO-X": -5464487.8, "OBSGEO-Y": -2492806.6, "OBSGEO-Z": 2151240.2}


def _header(**cards: object) -> list[fits.Header]:
    header = fits.Header()
    for name, value in cards.items():
        header[name] = value
    return [header]


def test_a_stated_airmass_is_taken() -> None:
    assert airmass_of(_header(AIRMASS="1.27"), VEGA, 60000.0) == 1.27


@pytest.mark.parametrize("nonsense", [0.0, -1.0, 99.0, "", "nan"])
def test_a_stated_airmass_that_is_none_is_passed_over(nonsense: object) -> None:
    assert airmass_of(_header(AIRMASS=nonsense), VEGA, 60000.0) is None


def test_the_pole_stands_as_high_as_the_latitude() -> None:
    # 1 / sin(30 degrees), and 0.5 % less for the curvature of the air.
    pole = SkyPosition(ra_deg=0.0, dec_deg=89.9999)

    assert airmass_at(pole, 51544.5, Site(lat_deg=30.0, lon_deg=12.0)) == pytest.approx(1.995, abs=0.003)


def test_a_star_that_culminates_at_the_zenith_has_airmass_one() -> None:
    # Sidereal time at Greenwich is 280.46 degrees on 2000-01-01 at noon; Vega has 279.23 then.
    site = Site(lat_deg=38.78, lon_deg=279.23 - 280.46)

    assert airmass_at(VEGA, 51544.5, site) == pytest.approx(1.0, abs=1e-4)
    # 45.1 degrees later sin h = sin(lat)^2 + cos(lat)^2 cos(45.1 degrees) = 0.821.
    assert airmass_at(VEGA, 51544.5 + 3.0 / 24.0, site) == pytest.approx(1.217, abs=0.002)
    assert airmass_at(VEGA, 51545.0, Site(lat_deg=-60.0, lon_deg=179.0)) is None


def test_the_site_of_a_header_is_used() -> None:
    north = _header(**{"LAT-OBS": 38.78, "LONG-OBS": -1.23})

    assert airmass_of(north, VEGA, 51544.5) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("cards", "lat_deg", "lon_deg"),
    [
        ({"SITELAT": "+46:52:00.4", "SITELONG": "-96:27:11.8"}, 46.8668, -96.4533),
        ({"OBSGEO-B": -30.17, "OBSGEO-L": 289.2}, -30.17, -70.8),
        (MAUNA_KEA, 19.826, -155.478),
    ],
)
def test_sites_are_read_in_degrees_sexagesimal_and_geocentric(
    cards: dict[str, object], lat_deg: float, lon_deg: float
) -> None:
    site = site_of(_header(**cards))

    assert site is not None
    assert (site.lat_deg, site.lon_deg) == pytest.approx((lat_deg, lon_deg), abs=0.02)


def test_a_telescope_in_space_has_no_site() -> None:
    assert site_of(_header(**{"OBSGEO-X": 3.2e8, "OBSGEO-Y": 1.3e9, "OBSGEO-Z": 6.3e8})) is None
    assert site_of(_header(**{"LAT-OBS": "", "LONG-OBS": ""})) is None
