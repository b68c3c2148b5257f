import numpy as np
import pytest

from astrid_core.preprocessing.psf import measure_psf
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.preprocessing.stars import select_stars
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, stamp_fwhm_pix
from tests.synthetic.fields import draw, observe, stars
from tests.synthetic.pairs import true_psf

SHAPE = (512, 512)


def _sources(pixels: FloatImage, noise: float) -> SourceList:
    bad = np.zeros(pixels.shape, dtype=bool)
    return detect_sources(pixels, np.full(pixels.shape, noise, dtype=np.float32), bad, threshold_sigma=5.0)


@pytest.mark.parametrize("fwhm", [2.5, 3.2, 5.0])
def test_the_psf_of_a_star_field_is_measured_within_two_per_cent(fwhm: float) -> None:
    # Bright, isolated stars: what is left is the method's own error, not photon noise or crowding.
    field = stars(SHAPE, seed=4, density=1 / 4000, faintest=5000.0)
    image = observe(draw(SHAPE, field, fwhm), sky=200.0, gain=2.0, read_noise=5.0, seed=5)
    found = measure_psf(
        image.pixels, ~image.usable, _sources(image.pixels, 10.5), saturation=None, max_stars=200, min_snr=30.0
    )
    truth = true_psf(SHAPE, fwhm, size=found.model.size)
    measured, expected = found.model.at(256, 256), truth.at(256, 256)
    assert found.fwhm_pix == pytest.approx(truth.fwhm_pix, rel=0.02)
    assert np.abs(measured - expected).max() < 0.02 * expected.max()
    assert (measured**2).sum() == pytest.approx(float((expected**2).sum()), rel=0.03)
    assert measured.sum() == pytest.approx(1.0, abs=1e-5)


def test_a_crowded_field_does_not_put_its_neighbours_into_the_psf() -> None:
    shape = (700, 700)
    image = observe(
        draw(shape, stars(shape, seed=9, density=1 / 400), 3.2), sky=200.0, gain=2.0, read_noise=5.0, seed=9
    )
    found = measure_psf(
        image.pixels, ~image.usable, _sources(image.pixels, 10.5), saturation=None, max_stars=200, min_snr=30.0
    )
    expected = true_psf(shape, 3.2, size=found.model.size).at(350, 350)
    assert np.abs(found.model.at(350, 350) - expected).max() < 0.02 * expected.max()


def test_a_psf_that_widens_across_the_frame_is_followed() -> None:
    shape = (700, 700)
    field = stars(shape, seed=6, density=1 / 1000)
    strips = [
        draw(shape, [one for one in field if lower <= one.x_pix < lower + 100], 2.8 + 0.6 * (lower + 50) / 700)
        for lower in range(0, 700, 100)
    ]
    image = observe(np.sum(strips, axis=0), sky=100.0, gain=2.0, read_noise=3.0, seed=7)
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
        x_pix=10.0 * np.arange(n, dtype=float), y_pix=10.0 * np.arange(n, dtype=float),
        flux=np.linspace(2e4, 1e4, n), snr=np.full(n, 100.0),
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
