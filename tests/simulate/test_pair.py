import numpy as np
import pytest

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.pair import difference_pair
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import prepare
from astrid_core.simulate.pair import PairConfig, SimulatedPair, simulate_pair

CONFIG = PairConfig(side_pix=384)


@pytest.fixture(scope="module")
def pair() -> SimulatedPair:
    return simulate_pair(CONFIG, 11)


def test_a_seed_is_a_pair(pair: SimulatedPair) -> None:
    again, other = simulate_pair(CONFIG, 11), simulate_pair(CONFIG, 12)
    assert (again.science == pair.science).all()
    assert (again.reference == pair.reference).all()
    assert again.sources == pair.sources
    assert (other.science != pair.science).mean() > 0.9


def test_frames_are_raw_counts_of_one_field_with_coordinates_of_their_own(pair: SimulatedPair) -> None:
    assert pair.science.shape == pair.reference.shape == (384, 384)
    assert pair.science.dtype == np.float32
    ra, dec = pair.science_wcs.wcs_pix2world(192.0, 192.0, 0)
    x, y = pair.reference_wcs.wcs_world2pix(ra, dec, 0)
    assert 0.1 < np.hypot(x - 192.0, y - 192.0) < 40.0


def test_the_reference_is_deep(pair: SimulatedPair) -> None:
    science, reference = pair.science_detector, pair.reference_detector
    assert science.gain_e_count is not None
    assert reference.gain_e_count is not None
    assert 3 <= reference.gain_e_count / science.gain_e_count <= 8
    noise = [
        1.4826 * np.median(np.abs(np.diff(image, axis=1))) / np.sqrt(2) for image in (pair.science, pair.reference)
    ]
    assert noise[1] < 0.8 * noise[0]


def test_sources_of_every_kind_lie_on_the_frame(pair: SimulatedPair) -> None:
    assert {one.kind for one in pair.sources} == {"transient", "variable", "moving"}
    assert all(-0.5 <= one.x_pix < 383.5 and -0.5 <= one.y_pix < 383.5 for one in pair.sources)
    signs = [one.predicted_snr > 0.0 for one in pair.sources if one.kind == "transient"]
    assert 0.4 < np.mean(signs) < 0.9


def test_preparation_and_differencing_find_what_was_put_there(pair: SimulatedPair) -> None:
    science, reference = (
        prepare(pixels, wcs=wcs, detector=detector, config=PreprocessConfig()).image
        for pixels, wcs, detector in (
            (pair.science, pair.science_wcs, pair.science_detector),
            (pair.reference, pair.reference_wcs, pair.reference_detector),
        )
    )
    found = difference_pair(science, reference, DifferenceConfig())
    places = np.array([(peak.x_pix, peak.y_pix) for peak in found.peaks])
    expected = [
        one
        for one in pair.sources
        if one.kind == "transient"
        and abs(one.predicted_snr) > 10.0
        and found.difference.mask[round(one.y_pix), round(one.x_pix)] == 0
    ]
    hits = [np.hypot(places[:, 0] - one.x_pix, places[:, 1] - one.y_pix).min() < 1.5 for one in expected]
    assert len(expected) > 8
    assert np.mean(hits) >= 0.75
