from dataclasses import replace

import numpy as np
import pytest

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import CHANNELS, GRID_PIX, Stamps, cut_stamps
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.images import MaskPlane
from tests.detection.frames import candidate, product
from tests.synthetic.fields import Source

SIZE = 32


def _cut(made: DifferenceProduct, *places: Candidate) -> Stamps:
    return cut_stamps(made, places, size_pix=SIZE, config=DetectConfig())


def _at_candidate(stamps: Stamps, name: str, number: int = 0) -> float:
    row, column = stamps.offset[number]
    return float(_plane(stamps, name, number)[row, column])


def _plane(stamps: Stamps, name: str, number: int = 0) -> np.ndarray:
    return np.asarray(stamps.pixels[number, ..., CHANNELS.index(name)])


def test_a_stamp_says_where_its_peak_is_and_begins_on_the_grid_of_its_frame() -> None:
    stamps = _cut(product(Source(x_pix=70.0, y_pix=50.0, flux=30.0), noise=0.0), candidate(70.3, 49.8, 30.0))
    for name in ("score", "difference", "new"):
        plane = _plane(stamps, name)
        assert np.unravel_index(int(plane.argmax()), plane.shape) == tuple(stamps.offset[0])
    assert (50 - stamps.offset[0][0]) % GRID_PIX == (70 - stamps.offset[0][1]) % GRID_PIX == 0
    assert np.abs(stamps.offset - SIZE // 2).max() <= GRID_PIX // 2
    assert _plane(stamps, "score").max() == pytest.approx(np.arcsinh(30.0), rel=0.01)
    assert np.ptp(_plane(stamps, "old")) == 0.0


def test_what_faded_looks_like_what_appeared() -> None:
    appeared = _cut(product(Source(x_pix=70.0, y_pix=50.0, flux=30.0), noise=0.0), candidate(70.0, 50.0, 30.0))
    faded = _cut(product(Source(x_pix=70.0, y_pix=50.0, flux=-30.0), noise=0.0), candidate(70.0, 50.0, -30.0))
    np.testing.assert_allclose(faded.pixels, appeared.pixels, atol=1e-6)
    assert _at_candidate(faded, "score") > 0.0


def test_masked_pixels_and_numbers_that_are_none_show_nothing_but_the_mask() -> None:
    made = product(Source(x_pix=70.0, y_pix=50.0, flux=30.0))
    mask, difference = made.mask.copy(), made.difference.copy()
    mask[50, 75] = MaskPlane.COSMIC_RAY
    difference[50, 75] = np.nan
    stamps = _cut(replace(made, mask=mask, difference=difference), candidate(70.0, 50.0, 30.0))
    at = (stamps.offset[0][0], stamps.offset[0][1] + 5)
    assert np.isfinite(stamps.pixels).all()
    assert stamps.pixels[0][at].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert _plane(stamps, "masked").sum() == 1.0


def test_a_stamp_over_an_edge_or_a_corner_is_masked_there() -> None:
    stamps = _cut(product(), candidate(4.0, 60.0, 9.0), candidate(4.0, 4.0, 9.0), candidate(70.0, 60.0, 9.0))
    assert stamps.index.tolist() == [0, 1, 2]
    assert _plane(stamps, "masked").mean() == pytest.approx((stamps.offset[0][1] - 4) / SIZE)
    assert _plane(stamps, "masked", 1).mean() > 0.5
    assert _plane(stamps, "masked", 2).sum() == 0.0


def test_a_candidate_of_whose_stamp_hardly_anything_can_be_used_is_refused() -> None:
    made = product()
    y, x = np.indices(made.mask.shape)
    around = np.where(np.hypot(y - 60.0, x - 70.0) > 8.0, np.uint16(MaskPlane.NO_DATA), np.uint16(0))
    stamps = _cut(replace(made, mask=made.mask | around), candidate(70.0, 60.0, 9.0))
    assert len(stamps.index) == 0
    assert "too much of the stamp" in stamps.refused[0]
    assert "allowed=0.7" in stamps.refused[0]


def test_a_candidate_amid_masked_pixels_is_refused() -> None:
    made = product()
    mask = made.mask.copy()
    mask[57:64, 70:74] = MaskPlane.SATURATED
    stamps = _cut(replace(made, mask=mask), candidate(70.0, 60.0, 9.0))
    assert len(stamps.index) == 0
    assert stamps.pixels.shape == (0, SIZE, SIZE, len(CHANNELS))
    assert "disc of one FWHM" in stamps.refused[0]


def test_no_candidates_make_no_stamps() -> None:
    stamps = _cut(product())
    assert stamps.pixels.shape == (0, SIZE, SIZE, len(CHANNELS))
    assert not stamps.refused


def test_counts_and_their_noise_scale_together() -> None:
    made = product(Source(x_pix=70.0, y_pix=50.0, flux=30.0))
    scaled = replace(
        made, difference=made.difference * 100, science=made.science * 100, reference=made.reference * 100,
        variance=made.variance * 10000,
    )  # fmt: skip
    one, other = _cut(made, candidate(70.0, 50.0, 30.0)), _cut(scaled, candidate(70.0, 50.0, 30.0))
    np.testing.assert_allclose(one.pixels, other.pixels, atol=1e-4)
