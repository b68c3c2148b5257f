"""Sources of known flux in known images: what goes in can be measured."""

from dataclasses import replace

import numpy as np
import pytest

from astrid_core.differencing.inject import PointSources, Well, inject, measure_gain
from astrid_core.preprocessing.psf_flux import shift_stamp
from astrid_core.shared.images import MaskPlane, SkyImage
from tests.synthetic.fields import Source, draw, observe
from tests.synthetic.pairs import true_psf

SHAPE = (96, 110)
FWHM = 3.0
GAIN = 1.5


def _blank(*, level: float = 0.0) -> SkyImage:
    return SkyImage(
        pixels=np.full(SHAPE, level, dtype=np.float32),
        variance=np.full(SHAPE, 100.0, dtype=np.float32),
        mask=np.zeros(SHAPE, dtype=np.uint16),
        psf=true_psf(SHAPE, FWHM),
    )


def _sources(*places: tuple[float, float, float]) -> PointSources:
    x, y, flux = np.array(places, dtype=float).reshape(-1, 3).T
    return PointSources(x_pix=x, y_pix=y, flux=flux)


def test_a_source_looks_as_the_sky_would_have_drawn_it() -> None:
    with_source = inject(_blank(level=7.0), _sources((50.3, 40.7, 1000.0)), Well(), seed=1)
    truth = draw(SHAPE, [Source(x_pix=50.3, y_pix=40.7, flux=1000.0)], FWHM)
    light = with_source.pixels - 7.0
    assert light.sum() == pytest.approx(1000.0, rel=1e-4)
    y, x = np.indices(SHAPE)
    assert (light * x).sum() / light.sum() == pytest.approx(50.3, abs=0.01)
    assert (light * y).sum() / light.sum() == pytest.approx(40.7, abs=0.01)
    assert np.abs(light - truth).max() < 0.01 * truth.max()


def test_without_a_gain_nothing_is_random_and_the_variance_stays() -> None:
    one, other = (inject(_blank(), _sources((50.0, 40.0, 1000.0)), Well(), seed=seed) for seed in (1, 2))
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.variance, _blank().variance)


def test_photons_scatter_as_their_gain_says_and_the_variance_plane_says_so() -> None:
    well = Well(gain_e_count=GAIN)
    images = [inject(_blank(), _sources((50.3, 40.7, 3000.0)), well, seed=seed) for seed in range(400)]
    stack = np.array([one.pixels for one in images], dtype=float)
    expected = np.asarray(images[0].variance, dtype=float) - 100.0
    truth = draw(SHAPE, [Source(x_pix=50.3, y_pix=40.7, flux=3000.0)], FWHM)
    assert expected.sum() == pytest.approx(3000.0 / GAIN, rel=0.01)
    assert stack.sum(axis=(1, 2)).mean() == pytest.approx(3000.0, rel=0.01)
    # The sum over the source scatters by the root of its electrons: to 7 % (2 sigma) with 400 drawings.
    assert stack.sum(axis=(1, 2)).var() == pytest.approx(3000.0 / GAIN, rel=0.2)
    bright = truth > 50.0
    assert (stack.var(axis=0)[bright] / expected[bright]).mean() == pytest.approx(1.0, abs=0.05)


def test_equal_seeds_draw_equal_photons() -> None:
    images = [inject(_blank(), _sources((50.0, 40.0, 900.0)), Well(gain_e_count=GAIN), seed=seed) for seed in (3, 3, 4)]
    assert np.array_equal(images[0].pixels, images[1].pixels)
    assert not np.array_equal(images[0].pixels, images[2].pixels)


def test_masked_pixels_stay_masked_and_empty_ones_empty() -> None:
    pixels, mask = np.zeros(SHAPE, dtype=np.float32), np.zeros(SHAPE, dtype=np.uint16)
    pixels[40, 50], mask[40, 50] = np.nan, MaskPlane.NO_DATA
    mask[40, 51] = MaskPlane.COSMIC_RAY
    image = inject(
        replace(_blank(), pixels=pixels, mask=mask), _sources((50.0, 40.0, 1e4)), Well(gain_e_count=GAIN), seed=1
    )
    assert np.array_equal(image.mask, mask)
    assert np.isnan(image.pixels[40, 50])
    assert np.isfinite(image.pixels).sum() == np.isfinite(pixels).sum()


def test_what_exceeds_saturation_is_masked_with_its_neighbours_and_nothing_else() -> None:
    bright, faint = (20.0, 20.0, 2e5), (80.0, 60.0, 2e3)
    image = inject(_blank(), _sources(bright, faint), Well(saturation=8000.0, grow_pix=1), seed=1)
    light = draw(SHAPE, [Source(x_pix=20.0, y_pix=20.0, flux=2e5)], FWHM)
    saturated = (image.mask & MaskPlane.SATURATED) != 0
    assert saturated[light > 8100.0].all()
    assert 9 <= saturated.sum() < 60
    assert not saturated[50:].any()
    untouched = inject(_blank(level=9000.0), _sources(faint), Well(saturation=8000.0), seed=1)
    assert (untouched.mask & MaskPlane.SATURATED)[60, 80]
    assert not (untouched.mask & MaskPlane.SATURATED)[5, 5]


def test_a_source_at_the_edge_loses_what_lies_beyond() -> None:
    image = inject(_blank(), _sources((0.0, 40.0, 1000.0), (500.0, 500.0, 1000.0)), Well(), seed=1)
    assert 400.0 < image.pixels.sum() < 750.0


def test_sources_that_make_no_sense_are_refused_with_the_number() -> None:
    with pytest.raises(ValueError, match=r"-5\.0"):
        inject(_blank(), _sources((1.0, 1.0, -5.0)), Well(), seed=1)
    with pytest.raises(ValueError, match="PSF"):
        inject(replace(_blank(), psf=None), _sources((1.0, 1.0, 5.0)), Well(), seed=1)
    uneven = PointSources(x_pix=np.ones(2), y_pix=np.ones(1), flux=np.ones(1))
    with pytest.raises(ValueError, match=r"\(2, 1, 1\)"):
        inject(_blank(), uneven, Well(), seed=1)


def test_nothing_to_inject_changes_nothing() -> None:
    image = inject(_blank(), _sources(), Well(gain_e_count=GAIN, saturation=1.0), seed=1)
    assert np.array_equal(image.pixels, _blank().pixels)
    assert not image.mask.any()


def test_a_shift_by_nothing_and_there_and_back_leave_a_stamp_as_it_is() -> None:
    stamp = true_psf(SHAPE, FWHM).at(0.0, 0.0)
    assert shift_stamp(stamp, 0.0, 0.0) == pytest.approx(stamp, abs=1e-7)
    there_and_back = shift_stamp(shift_stamp(stamp, 0.4, -0.3).astype(np.float32), -0.4, 0.3)
    assert there_and_back == pytest.approx(stamp, abs=1e-4)


def test_the_gain_of_an_image_shows_in_its_variance() -> None:
    stars = [Source(x_pix=x, y_pix=y, flux=3e4) for x in (20.0, 50.0, 80.0) for y in (20.0, 50.0, 80.0)]
    image = observe(draw(SHAPE, stars, FWHM), sky=300.0, gain=2.0, read_noise=5.0, seed=1)
    assert measure_gain(image) == pytest.approx(2.0, rel=0.03)
    assert measure_gain(_blank()) is None
    assert measure_gain(replace(_blank(), mask=np.ones(SHAPE, dtype=np.uint16))) is None
