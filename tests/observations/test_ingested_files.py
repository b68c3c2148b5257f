"""Every real file has the time, exposure, band and place that its cards mean, or is refused for the right reason."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from astrid_core.observations.entities import Observation
from benchmarks.ingested_files import DATA, PAGE, SETS, look, write

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data are not at {DATA}; set ASTRID_REAL_DATA"),
]
NOTHING = "no exposure time: none of EXPTIME"
REFUSED = {
    "ingest-images": {},
    "pair-sn2007i": {},
    "pair-nircam": {
        "WebbPSF.fits": NOTHING,  # a model of the PSF, with none of the cards of an exposure
        "SNR.fits": "difference of two images",
    },
    "series-hatp32": {},
    "wcs-panoptes": {
        "noheader.fits": NOTHING,
        "pole.fits": "solved on a larger image",  # 200 x 200 out of 5208 x 3476, nobody knows where
        "rotation.fits": "position unknown",
        "tiny.fits": "pointing without a pixel scale",
        "unsolved.fits": "pointing without a pixel scale",
    },
    "registration-goto": {"3.fits": NOTHING, "4.fits": NOTHING},
    "astrometry-hsc": {".fits": "no image, only tables"},
}
"""By the end of the name; sets that are not here are pinned in a test of their own."""
N_OBSERVED = {
    "ingest-images": 6,
    "pair-sn2007i": 2,
    "pair-nircam": 2,
    "series-hatp32": 8,
    "wcs-panoptes": 1,
    "registration-goto": 0,
    "lsst-alerts": 0,
    "astrometry-hsc": 0,
}


@pytest.mark.parametrize("folder", SETS)
def test_what_is_ingested_is_what_the_cards_mean(folder: str) -> None:
    rows, _ = look(folder)
    assert len(rows) == N_OBSERVED[folder]
    for row in rows:
        assert row.observation.band == row.band, row.file
        assert abs(row.exposure_off_s) < 1e-6, row.file
        assert abs(row.middle_off_s) < 0.01, row.file
        assert row.place_off_arcsec is None or row.place_off_arcsec < 0.005, row.file


@pytest.mark.parametrize("folder", sorted(REFUSED))
def test_what_is_refused_has_the_right_reason(folder: str) -> None:
    _, refused = look(folder)
    for name, reason in refused.items():
        (end,) = [one for one in REFUSED[folder] if name.endswith(one)]
        assert REFUSED[folder][end] in reason, name
    assert {end for end in REFUSED[folder] if any(name.endswith(end) for name in refused)} == set(REFUSED[folder])


def test_stamps_of_alerts_are_no_exposures() -> None:
    _, refused = look("lsst-alerts")
    assert len(refused) == 249
    # stamps of 30 or 31 pixels are too small, larger ones have neither time nor CTYPE: alerts tell these elsewhere
    assert all("image is too small" in reason or NOTHING in reason for reason in refused.values())


def test_the_page_is_fresh() -> None:
    assert write() == PAGE.read_text(), "run: python -m benchmarks.ingested_files"


def observed(name: str) -> tuple[fits.HDUList, Observation]:
    (row,) = [one for one in look("ingest-images")[0] if one.file.endswith(name)]
    return fits.open(DATA / row.file), row.observation


def from_tangent(xi_deg: float, eta_deg: float, centre: SkyCoord) -> SkyCoord:
    xi, eta, dec = np.radians(xi_deg), np.radians(eta_deg), centre.dec.rad
    east = np.arctan2(xi, np.cos(dec) - eta * np.sin(dec))
    north = np.arctan2(np.sin(dec) + eta * np.cos(dec), np.hypot(xi, np.cos(dec) - eta * np.sin(dec)))
    return SkyCoord((centre.ra.rad + east) * u.rad, north * u.rad)


def test_a_plate_is_placed_by_its_own_polynomials() -> None:
    # Lasker et al. 1990, AJ 99, 2019: millimetres on the plate to arcsec on the tangent plane; RADESYS is ICRS
    hdus, found = observed("mast_dss_horsehead.fits")
    with hdus:
        h = hdus[0].header
    x = (h["PPO3"] - h["XPIXELSZ"] * ((h["NAXIS1"] + 1) / 2 + h["CNPIX1"] - 0.5)) / 1000.0
    y = (h["YPIXELSZ"] * ((h["NAXIS2"] + 1) / 2 + h["CNPIX2"] - 0.5) - h["PPO6"]) / 1000.0

    def solved(stem: str, a: float, b: float) -> float:
        r2 = x * x + y * y
        terms = (a, b, 1.0, a * a, a * b, b * b, r2, a**3, a * a * b, a * b * b, b**3, a * r2, a * r2 * r2)
        return float(sum(h[f"{stem}{number}"] * term for number, term in enumerate(terms, 1)))

    sign = "-" if h["PLTDECSN"].strip() == "-" else "+"
    centre = SkyCoord(f"{h['PLTRAH']}h{h['PLTRAM']}m{h['PLTRAS']}s {sign}{h['PLTDECD']}d{h['PLTDECM']}m{h['PLTDECS']}s")
    place = from_tangent(solved("AMDX", x, y) / 3600.0, solved("AMDY", y, x) / 3600.0, centre)
    assert place.separation(SkyCoord(found.position.ra_deg * u.deg, found.position.dec_deg * u.deg)).arcsec < 1e-3


def test_a_zenithal_polynomial_is_followed() -> None:
    # Calabretta & Greisen 2002, A&A 395, 1077, equation 54; without RADESYS and EQUINOX an image is in ICRS
    hdus, found = observed("ukidss_wsa_K.fits")
    with hdus:
        h = hdus[1].header
    dx, dy = (h["NAXIS1"] + 1) / 2 - h["CRPIX1"], (h["NAXIS2"] + 1) / 2 - h["CRPIX2"]
    x, y = h["CD1_1"] * dx + h["CD1_2"] * dy, h["CD2_1"] * dx + h["CD2_2"] * dy
    coefficients = [h.get(f"PV2_{order}", 0.0) for order in range(6)]
    coefficients[0] -= np.radians(np.hypot(x, y))
    real = [root.real for root in np.roots(coefficients[::-1]) if abs(root.imag) < 1e-12 and 0 < root.real < 0.1]
    (zenith_distance,) = real
    centre = SkyCoord(h["CRVAL1"] * u.deg, h["CRVAL2"] * u.deg)
    place = centre.directional_offset_by(np.arctan2(x, y) * u.rad, zenith_distance * u.rad)
    assert place.separation(SkyCoord(found.position.ra_deg * u.deg, found.position.dec_deg * u.deg)).arcsec < 1e-3
