import numpy as np
import pytest

from astrid_core.preprocessing.psf import measure_psf, select_stars
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, stamp_fwhm_pix
from tests.synthetic.fields import draw, moffat, observe, stars

SHAPE = (512, 512)


def _sources(pixels: FloatImage, noise: float) -> SourceList:
    bad = np.zeros(pixels.shape, dtype=bool)
    return detect_sources(pixels, np.full(pixels.shape, noise, dtype=np.float32), bad, threshold_sigma=5.0)


@pytest.mark.parametrize("fwhm", [2.5, 3.2, 5.0])
def test_the_psf_of_a_star_field_is_measured_within_two_per_cent(fwhm: float) -> None:
    image = observe(draw(SHAPE, stars(SHAPE, seed=4), fwhm), sky=200.0, gain=2.0, read_noise=5.0, seed=5)
    found = measure_psf(
        image.pixels, ~image.usable, _sources(image.pixels, 10.5), saturation=None, max_stars=200, min_snr=30.0
    )
    half = found.model.size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    steps = (np.arange(3) - 1.0) / 3.0
    truth = sum(moffat(x + dx, y + dy, fwhm) for dx in steps for dy in steps) / 9.0
    assert found.fwhm_pix == pytest.approx(stamp_fwhm_pix(truth), rel=0.03)
    assert np.abs(found.model.at(256, 256) - truth / truth.sum()).max() < 0.02 * truth.max()
    assert found.model.at(256, 256).sum() == pytest.approx(1.0, abs=1e-5)


def test_a_psf_that_widens_across_the_frame_is_followed() -> None:
    shape = (700, 700)
    field = stars(shape, seed=6, density=1 / 1000)
    light = sum(
        draw(shape, [one for one in field if lower <= one.x_pix < lower + 100], 2.8 + 0.6 * (lower + 50) / 700)
        for lower in range(0, 700, 100)
    )
    image = observe(np.asarray(light), sky=100.0, gain=2.0, read_noise=3.0, seed=7)
    model = measure_psf(
        image.pixels, ~image.usable, _sources(image.pixels, 7.2), saturation=None, max_stars=300, min_snr=30.0
    ).model
    left, right = stamp_fwhm_pix(model.at(50, 350)), stamp_fwhm_pix(model.at(650, 350))
    assert right - left == pytest.approx(0.6 * 600 / 700, abs=0.15)


def test_galaxies_do_not_pass_for_stars() -> None:
    round_ones = [2.0] * 20
    wide_ones = list(np.linspace(3.0, 7.0, 40))
    n = len(round_ones) + len(wide_ones)
    sources = SourceList(
        x_pix=np.arange(n) * 10.0, y_pix=np.arange(n) * 10.0, flux=np.linspace(2e4, 1e4, n), snr=np.full(n, 100.0),
        peak=np.full(n, 500.0), half_light_pix=np.array(round_ones + wide_ones), ellipticity=np.full(n, 0.1),
        clean=np.ones(n, dtype=bool),
    )  # fmt: skip
    chosen = select_stars(sources, saturation=None, min_snr=30.0, limit=100)
    assert set(chosen.half_light_pix) == {2.0}


def test_an_empty_field_says_that_it_has_too_few_stars() -> None:
    image = observe(np.zeros((128, 128)), sky=100.0, gain=1.0, read_noise=3.0, seed=1)
    with pytest.raises(TooFewSources, match="n_stars=0"):
        measure_psf(
            image.pixels, ~image.usable, _sources(image.pixels, 10.5), saturation=None, max_stars=9, min_snr=30.0
        )
