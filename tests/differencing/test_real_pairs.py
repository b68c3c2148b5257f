from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from astrid_core.adapters.models.baseline import read_shipped
from astrid_core.differencing.config import DifferenceConfig, ReferenceConfig
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.shared.images import SkyImage
from benchmarks.null_fields import THRESHOLD, explain, null_pairs, page
from benchmarks.real_frames import REAL_DATA, prepared_file
from tests.synthetic.coadds import coadd_on_grid

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"the real data are not at {REAL_DATA}; set ASTRID_REAL_DATA"),
]

SN_2007I = SkyCoord(179.80507, -1.60521, unit="deg")
SN_PIXEL = (499.0, 501.0)
FORS2 = REAL_DATA / "pair-sn2007i" / "fors2_B_20070618_sci.fits"
PS1 = REAL_DATA / "pair-sn2007i" / "ps1_g_stack_ref.fits"


def _image(path: Path) -> tuple[SkyImage, bool]:
    prepared, trusted = prepared_file(path)
    return prepared.image, trusted


def _difference(science: Path, reference: Path) -> PairDifference:
    image, trusted = _image(science)
    return difference_pair(image, _image(reference)[0], DifferenceConfig(), trust_science_wcs=trusted)


def _supernova(pair: PairDifference) -> Peak:
    near = [one for one in pair.peaks if np.hypot(one.x_pix - SN_PIXEL[0], one.y_pix - SN_PIXEL[1]) < 2.0]
    assert near, "SN 2007I is not among the candidates"
    return max(near, key=lambda one: abs(one.score))


def _arcsec_off(pair: PairDifference, peak: Peak) -> float:
    assert pair.science.wcs is not None
    return float(pair.science.wcs.pixel_to_world(peak.x_pix, peak.y_pix).separation(SN_2007I).arcsec)


def test_sn_2007i_is_the_strongest_candidate_where_it_was_although_the_header_is_off() -> None:
    pair = _difference(FORS2, PS1)
    assert np.hypot(pair.registration.offset_x_pix, pair.registration.offset_y_pix) == pytest.approx(5.4, abs=0.3)
    supernova = _supernova(pair)
    assert supernova == pair.peaks[0]
    assert supernova.score > 10.0
    assert _arcsec_off(pair, supernova) < 0.5


def test_sn_2007i_has_faded_when_the_images_are_exchanged() -> None:
    pair = _difference(PS1, FORS2)
    supernova = _supernova(pair)
    assert supernova.score < -THRESHOLD
    # The sky is the reference's, whose header is known to be off by 1.4 arcsec.
    assert _arcsec_off(pair, supernova) < 1.5


def test_sn_2007i_is_found_against_a_coadd_of_one_image() -> None:
    reference = coadd_on_grid([_image(PS1)[0]], ReferenceConfig())
    image, trusted = _image(FORS2)
    pair = difference_pair(image, reference.image, DifferenceConfig(), trust_science_wcs=trusted)
    supernova = _supernova(pair)
    assert supernova.score > 10.0
    assert _arcsec_off(pair, supernova) < 0.5


def test_frames_without_any_wcs_are_registered_by_their_stars() -> None:
    pair = _difference(REAL_DATA / "registration-goto" / "3.fits", REAL_DATA / "registration-goto" / "4.fits")
    assert pair.registration.method == "stars"
    assert pair.registration.rms_pix < 0.2
    assert pair.science.wcs is None
    # Star patterns of frame 3 lie at (+0.47, +81.45) pixels in frame 4 (PROVENANCE.md): the rows that overlap tell.
    covered = np.isfinite(pair.reference.pixels[:, 400])
    assert np.flatnonzero(covered).max() == pytest.approx(799 - 81.45, abs=4.0)


def test_an_unsolved_frame_gets_the_sky_of_a_solved_one() -> None:
    solved, _ = _image(REAL_DATA / "wcs-panoptes" / "solved.fits.fz")
    pair = _difference(REAL_DATA / "wcs-panoptes" / "unsolved.fits", REAL_DATA / "wcs-panoptes" / "solved.fits.fz")
    assert pair.registration.method == "stars"
    assert pair.science.wcs is not None
    assert solved.wcs is not None
    # The frames differ by (+0.50, +1.71) pixels (PROVENANCE.md).
    sky = pair.science.wcs.pixel_to_world(350.0, 350.0)
    x, y = solved.wcs.world_to_pixel(sky)
    assert (float(x) - 350.0, float(y) - 350.0) == pytest.approx((0.5, 1.71), abs=0.3)


def test_real_fields_where_nothing_changed_hold_few_candidates_and_the_page_explains_each() -> None:
    pairs = tuple(null_pairs(read_shipped().network))
    for field in ("pair-nircam", "series-hatp32"):
        members = [one for one in pairs if one.field == field]
        area = sum(one.usable_mpix for one in members)
        assert area > 1.0
        assert sum(len(one.strong) for one in members) / area <= 5.0
    text = page(pairs)
    assert all(explain(peak, one) in text for one in pairs for peak in one.strong)
    assert all(f"{score:.3f}" in text for one in pairs for _, score in one.listed if score is not None)
