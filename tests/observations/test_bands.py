import pytest
from astropy.io import fits

from astrid_core.observations.bands import band_of, normalise


@pytest.mark.parametrize(
    ("written", "band"),
    [
        ("g.00000", "g"),
        ("B_BESS", "B"),
        ("r.MP9601", "r"),
        ("sdss_g", "g"),
        ("SDSS-R", "r"),
        ("g'", "g"),
        ("gp", "g"),
        ("zs", "z"),
        ("ZTF_r", "r"),
        ("HSC-I2", "i"),
        ("g DECam SDSS c0001 4720.0 1520.0", "g"),
        ("Cousins R", "R"),
        ("V_HIGH", "V"),
        ("Ks", "Ks"),
        ("K", "K"),
        ("F606W", "F606W"),
        ("f200w", "F200W"),
        ("H-alpha", "Ha"),
        ("OG590", "OG590"),
        ("RGGB", "RGGB"),
        ("Clear", "clear"),
        ("CLEAR1L", "clear"),
        ("Luminance", "clear"),
        ("open", "clear"),
        ("  r  ", "r"),
    ],
)
def test_one_band_has_one_name(written: str, band: str) -> None:
    assert normalise(written) == band


@pytest.mark.parametrize(
    ("cards", "band"),
    [
        ({"FILTER": "g"}, "g"),
        ({"FILTNAM1": "F814W"}, "F814W"),
        ({"FILTER1": "CLEAR1L", "FILTER2": "F814W"}, "F814W"),
        ({"FILTER": "none"}, "clear"),
        ({"FILTER": ""}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_first_wheel_with_a_filter_counts(cards: dict[str, str], band: str) -> None:
    header = fits.Header()
    for name, value in cards.items():
        header[name] = value
    assert band_of((header,)) == band
