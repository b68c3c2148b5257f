from dataclasses import replace

import numpy as np
import pytest

from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.mask import find_saturation, mask_bad_columns, mask_empty
from astrid_core.preprocessing.prepare import Detector, PreparedImage, prepare
from astrid_core.shared.errors import AstridError, BadConfiguration, BadPixels
from astrid_core.shared.images import FloatImage, MaskPlane
from tests.synthetic.fields import Source, draw, observe, stars
from tests.synthetic.pairs import true_psf

SHAPE = (400, 420)
SKY = 300.0


def _raw(seed: int = 1, *, extra: list[Source] | None = None) -> FloatImage:
    light = draw(SHAPE, stars(SHAPE, seed=seed) + (extra or []), 3.0)
    return (observe(light, sky=SKY, gain=2.0, read_noise=5.0, seed=seed).pixels + SKY).astype(np.float32)


def _prepare(pixels: FloatImage, **detector: float) -> PreparedImage:
    return prepare(pixels, detector=Detector(gain_e_count=2.0, read_noise_e=5.0, **detector), config=PreprocessConfig())


def test_sky_noise_psf_and_depth_are_measured() -> None:
    quality = _prepare(_raw(), zero_point_mag=25.0).quality
    assert quality.sky == pytest.approx(SKY, rel=0.02)
    assert quality.sky_rms == pytest.approx(np.sqrt(SKY / 2.0 + 6.25), rel=0.05)
    truth = true_psf(SHAPE, 3.0)
    assert quality.fwhm_pix == pytest.approx(truth.fwhm_pix, rel=0.04)
    noise_of_a_fit = quality.sky_rms / np.sqrt((truth.coefficients[0] ** 2).sum())
    assert quality.depth_mag == pytest.approx(25.0 - 2.5 * np.log10(5.0 * noise_of_a_fit), abs=0.03)
    assert quality.masked_fraction < 0.01


def test_the_variance_is_that_of_the_pixels() -> None:
    image = _prepare(_raw()).image
    truth = draw(SHAPE, stars(SHAPE, seed=1), 3.0)
    quiet = image.usable & (truth < 0.5)
    assert np.std(image.pixels[quiet] / np.sqrt(image.variance[quiet])) == pytest.approx(1.0, abs=0.03)
    bright = image.usable & (truth > 100.0)
    expected = (truth + SKY) / 2.0 + 6.25
    assert np.median(image.variance[bright] / expected[bright]) == pytest.approx(1.0, abs=0.1)


def test_cosmic_rays_are_masked_and_stars_are_not() -> None:
    pixels = _raw().copy()
    hits = [(50, 60), (200, 300), (333, 111), (140, 250)]
    for row, column in hits:
        pixels[row, column : column + 3] += 900.0
    mask = _prepare(pixels).image.mask
    assert all(mask[row, column] & MaskPlane.COSMIC_RAY for row, column in hits)
    clean = _prepare(_raw()).image.mask
    assert ((clean & MaskPlane.COSMIC_RAY) != 0).mean() < 1e-3


def test_saturated_stars_lose_their_core_and_what_surrounds_it() -> None:
    star = Source(x_pix=200.0, y_pix=150.0, flux=5e6)
    pixels = np.minimum(_raw(extra=[star]), np.float32(60000.0))
    prepared = _prepare(pixels, saturation=60000.0)
    mask = prepared.image.mask
    light = draw(SHAPE, [star], 3.0)
    significant = light > 8.0 * prepared.quality.sky_rms
    assert mask[150, 200] & MaskPlane.SATURATED
    assert (mask[significant] & (MaskPlane.BRIGHT | MaskPlane.SATURATED) != 0).all()
    assert ((mask & MaskPlane.BRIGHT) != 0).sum() < 2.0 * significant.sum()
    assert not mask[350, 50]


def test_a_saturation_level_is_seen_where_no_header_names_it() -> None:
    pixels = np.minimum(_raw(extra=[Source(x_pix=200.0, y_pix=150.0, flux=5e6)]), np.float32(60000.0))
    assert find_saturation(pixels, None) == pytest.approx(60000.0)
    assert find_saturation(_raw(), None) is None
    assert find_saturation(_raw(), 12345.0) == 12345.0


def test_padding_is_no_data_but_clipped_stars_are() -> None:
    pixels = _raw().copy()
    pixels[:100] = 0.0
    pixels[200:210, 200:210] = 60000.0
    empty = mask_empty(pixels)
    assert empty[:100].all()
    assert not empty[205, 205]
    assert not empty[150:].any()


def test_a_bad_column_is_found() -> None:
    pixels = (_raw() - SKY).astype(np.float32)
    pixels[:, 77] += 40.0
    bad = mask_bad_columns(pixels, 12.5)
    assert bad[:, 77].all()
    assert bad.mean() < 0.02


@pytest.mark.parametrize(
    "pixels",
    [np.full(SHAPE, np.nan, dtype=np.float32), np.full(SHAPE, 7.0, dtype=np.float32), np.zeros((64, 64), np.float32)],
)
def test_a_frame_that_shows_nothing_is_refused_with_a_number(pixels: FloatImage) -> None:
    with pytest.raises(BadPixels, match="="):
        _prepare(pixels)


def test_a_given_variance_keeps_its_shape_and_gets_the_measured_scale() -> None:
    shape_only = np.ones(SHAPE, dtype=np.float32)
    shape_only[:, 210:] = 4.0
    image = prepare(_raw(), variance=shape_only, detector=Detector(gain_e_count=2.0), config=PreprocessConfig()).image
    assert np.median(image.variance[:, 215:]) / np.median(image.variance[:, :205]) == pytest.approx(4.0, rel=0.01)


def test_settings_out_of_range_are_refused() -> None:
    for change in (
        {"background_box_pix": 4},
        {"saturation_fraction": 0.0},
        {"detect_sigma": 0.5},
        {"quantize_level": -1},
    ):
        with pytest.raises(BadConfiguration):
            replace(PreprocessConfig(), **change)
    assert issubclass(BadConfiguration, AstridError)
