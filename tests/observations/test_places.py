import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from astrid_core.observations.entities import WcsOrigin
from astrid_core.observations.places import parse_angle, place_of, pointing_wcs, sky_wcs
from astrid_core.shared.errors import UnusableFile

SHAPE = (200, 300)
SCALE = 0.5 / 3600.0
TAN = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 150.5, "CRPIX2": 100.5}
CD = {"CD1_1": -SCALE, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": SCALE}


def header(cards: dict[str, object]) -> tuple[fits.Header, ...]:
    made = fits.Header({"NAXIS": 2, "NAXIS1": SHAPE[1], "NAXIS2": SHAPE[0]})
    for name, value in cards.items():
        made[name] = value
    return (made,)


@pytest.mark.parametrize(
    "matrix",
    [
        CD,
        {"PC1_1": -1.0, "PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 1.0, "CDELT1": SCALE, "CDELT2": SCALE},
        {"PC001001": -1.0, "PC001002": 0.0, "PC002001": 0.0, "PC002002": 1.0, "CDELT1": SCALE, "CDELT2": SCALE},
        {"CDELT1": -SCALE, "CDELT2": SCALE, "CROTA2": 0.0},
        CD | {"CDELT1": -SCALE, "CDELT2": SCALE, "CROTA1": 0.0, "CROTA2": 0.0},
        CD | {"CUNIT1": "degree", "CUNIT2": "degree"},
        CD | {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0, "PV2_1": 1.0},
        CD | {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "A_2_0": 1e-12, "B_ORDER": 2},
        CD | {"NAXIS": 3, "NAXIS3": 1, "CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CRPIX3": 1.0, "CDELT3": 1.0},
    ],
    ids=["cd", "pc", "old-pc", "crota", "cd-and-crota", "degree", "tpv", "sip", "degenerate-axis"],
)
def test_a_wcs_is_read_in_every_dialect(matrix: dict[str, object]) -> None:
    place = place_of(header(TAN | matrix), SHAPE)
    assert (place.position.ra_deg, place.position.dec_deg) == pytest.approx((150.0, 2.0), abs=1e-7)
    assert place.pixel_scale_arcsec == pytest.approx(0.5, rel=1e-5)
    assert place.radius_deg == pytest.approx(0.5 * np.hypot(*SHAPE) * SCALE, rel=1e-4)
    assert place.origin is WcsOrigin.HEADER


def test_other_frames_are_brought_to_icrs() -> None:
    galactic = header({**TAN, **CD, "CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN", "CRVAL1": 0.0, "CRVAL2": 0.0})
    place = place_of(galactic, SHAPE)
    assert (place.position.ra_deg, place.position.dec_deg) == pytest.approx((266.405, -28.936), abs=1e-3)
    b1950 = header({**TAN, **CD, "EQUINOX": 1950.0, "RADESYS": "FK4"})
    assert place_of(b1950, SHAPE).position.ra_deg == pytest.approx(150.0 + 0.6395, abs=0.01)


def test_a_frame_over_ra_0_and_at_the_pole_has_a_position() -> None:
    across = place_of(header({**TAN, **CD, "CRVAL1": -0.001}), SHAPE)
    assert across.position.ra_deg == pytest.approx(359.999)
    polar = place_of(header({**TAN, **CD, "CRVAL2": 90.0}), SHAPE)
    assert polar.position.dec_deg == pytest.approx(90.0, abs=1e-6)
    assert polar.radius_deg == pytest.approx(across.radius_deg, rel=1e-3)


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        ({"CRVAL1": "NaN"}, "CRVAL1 is not a number"),
        ({"CD1_2": "NaN"}, "CD1_2 is not a number"),
        ({"CRPIX2": ""}, "CRPIX2 is not a number"),
        ({"CRVAL2": -91.0}, "CRVAL2 is no angle"),
        ({"CRVAL1": 4000.0}, "CRVAL1 is no angle"),
        ({"CD1_1": SCALE, "CD1_2": SCALE, "CD2_1": SCALE, "CD2_2": SCALE}, "header WCS"),
        ({"CD1_1": -1e-30, "CD2_2": 1e-30}, "no sensible pixel scale"),
        ({"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"}, "header WCS is unusable"),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "RA---TAN"}, "header WCS"),
    ],
)
def test_a_broken_wcs_is_a_reason_and_no_pointing_takes_its_place(cards: dict[str, object], reason: str) -> None:
    with pytest.raises(UnusableFile, match=reason):
        place_of(header({**TAN, **CD, "RA": 150.0, "DEC": 2.0, "PIXSCALE": 0.5, **cards}), SHAPE)


@pytest.mark.parametrize(
    ("cards", "ra_deg"),
    [
        ({"RA": 150.0, "DEC": 2.0}, 150.0),
        ({"RA": "10:00:00", "DEC": "+02:00:00"}, 150.0),
        ({"RA": "10 00 00.0", "DEC": "+02 00 00"}, 150.0),
        ({"RA": "150.0", "DEC": "2.0"}, 150.0),
        ({"RA": (10.0, "[hours] of the target"), "DEC": 2.0}, 150.0),
        ({"OBJCTRA": "10 00 00", "OBJCTDEC": "+02 00 00"}, 150.0),
        ({"RA": "", "DEC": "", "TELRA": "10h00m00s", "TELDEC": "+2d00m00s"}, 150.0),
        ({"RA-MNT": 150.0, "DEC-MNT": 2.0}, 150.0),
        ({"RA_TARG": -210.0, "DEC_TARG": 2.0}, 150.0),
        ({"RA": 149.3605, "DEC": 2.2408, "EQUINOX": 1950.0}, 150.0),
    ],
)
def test_a_pointing_takes_the_place_of_a_wcs(cards: dict[str, object], ra_deg: float) -> None:
    place = place_of(header({**cards, "IM_SCALE": 0.5}), SHAPE)
    assert place.origin is WcsOrigin.POINTING
    assert (place.position.ra_deg, place.position.dec_deg) == pytest.approx((ra_deg, 2.0), abs=0.01)
    assert place.radius_deg == pytest.approx(0.5 * np.hypot(*SHAPE) * SCALE, rel=1e-3)


@pytest.mark.parametrize(
    ("cards", "scale"),
    [
        ({"PIXSCALE": 0.5}, 0.5),
        ({"SECPIX1": 0.5}, 0.5),
        ({"PIXSCAL1": 0.5}, 0.5),
        ({"XPIXSZ": 9.0, "FOCALLEN": 3200.0}, 0.58),
    ],
)
def test_the_scale_of_a_pointing_comes_from_any_of_its_keywords(cards: dict[str, object], scale: float) -> None:
    place = place_of(header({"RA": 150.0, "DEC": 2.0, **cards}), SHAPE)
    assert place.pixel_scale_arcsec == pytest.approx(scale, abs=0.001)


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        ({}, "position unknown"),
        ({"RA": 150.0}, "position unknown"),
        ({"RA": 400.0, "DEC": 2.0}, "RA=400.0, DEC=2.0"),
        ({"RA": 150.0, "DEC": -95.0}, "no place on the sky"),
        ({"RA": "25:61:00", "DEC": "+02:00:00"}, "no place on the sky"),
        ({"RA": 150.0, "DEC": 2.0}, "without a pixel scale"),
        ({"RA": 150.0, "DEC": 2.0, "XPIXSZ": 3.8, "FOCALLEN": 1}, "without a pixel scale"),
    ],
)
def test_no_position_is_a_reason(cards: dict[str, object], reason: str) -> None:
    with pytest.raises(UnusableFile, match=reason):
        place_of(header(cards), SHAPE)


@pytest.mark.parametrize(
    ("written", "hours", "degrees"),
    [
        ("-00:30:00", False, -0.5),
        ("-05 30", False, -5.5),
        ("12:30:00.0", True, 187.5),
        (12.5, True, 12.5),
        ("abc", False, None),
        (None, False, None),
        ("10:75:00", True, None),
    ],
)
def test_angles_are_degrees_or_sexagesimal(written: object, hours: bool, degrees: float | None) -> None:
    assert parse_angle(written, hours=hours) == (None if degrees is None else pytest.approx(degrees))


def test_a_pointing_gives_a_plane_with_its_centre_in_the_middle_of_the_frame() -> None:
    wcs = pointing_wcs(header({"RA": 150.0, "DEC": 2.0, "PIXSCALE": 0.5}), SHAPE)
    sky = wcs.pixel_to_world(149.5, 99.5)
    assert (sky.ra.deg, sky.dec.deg) == pytest.approx((150.0, 2.0), abs=1e-9)


def test_a_wcs_carries_geometry_only() -> None:
    noisy = header(
        {**TAN, **CD, "DATE-OBS": "2022-06-28T10:00:00", "OBSGEO-X": 3.2e8, "OBSGEO-Y": 1.3e9, "MJDREF": 0.0}
    )
    wcs = sky_wcs(noisy)
    assert isinstance(wcs, WCS)
    assert not any(name.startswith(("DATE", "MJD-", "OBSGEO")) for name in wcs.to_header(relax=True))


def test_an_image_beside_a_primary_image_does_not_inherit_its_wcs() -> None:
    (primary,), (own,) = header(TAN | CD), header({})
    assert sky_wcs((own, primary)) is None
    primary["NAXIS"] = 0
    assert sky_wcs((own, primary)) is not None


def solved_on(side: int, crpix: float) -> tuple[fits.Header, ...]:
    made = fits.Header()
    for name, value in {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 20.0, "CD1_1": -1e-3, "CD2_2": 1e-3,
        "CRPIX1": crpix, "CRPIX2": crpix, "IMAGEW": side, "IMAGEH": side,
    }.items():  # fmt: skip
        made[name] = value
    return (made,)


def test_a_cut_out_with_the_wcs_of_the_whole_image_has_no_place() -> None:
    with pytest.raises(UnusableFile, match="solved on a larger image") as refused:
        place_of(solved_on(1000, 500.5), (200, 200))
    assert refused.value.facts == {"solved_pix": "1000 x 1000", "image_pix": "200 x 200"}


def test_a_cut_out_whose_wcs_was_moved_along_keeps_its_place() -> None:
    assert place_of(solved_on(1000, 100.5), (200, 200)).position.dec_deg == pytest.approx(20.0, abs=1e-3)
    assert place_of(solved_on(200, 100.5), (200, 200)).position.dec_deg == pytest.approx(20.0, abs=1e-3)
