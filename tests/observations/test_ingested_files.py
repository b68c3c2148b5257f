"""Every real file has the time, exposure, band and place that its cards mean, or is refused for the right reason."""

import pytest

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
