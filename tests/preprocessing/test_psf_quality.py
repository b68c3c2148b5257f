from dataclasses import replace

import numpy as np
import pytest

from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import Detector, prepare
from astrid_core.preprocessing.psf import MeasuredPsf, measure_psf
from astrid_core.preprocessing.psf_quality import degree_for
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.shared.images import SkyImage, stamp_fwhm_pix
from tests.synthetic.fields import Source, draw, observe, stars
from tests.synthetic.pairs import Galaxy, Sky, true_psf

SHAPE = (600, 640)
FWHM = 3.2
SKY = 200.0


def _grid(*, step: int = 64, flux: float = 20000.0, seed: int = 1) -> list[Source]:
    """Isolated stars of similar flux at places between the pixels."""
    rng = np.random.default_rng(seed)
    return [
        Source(
            x_pix=x + float(rng.uniform(-0.5, 0.5)),
            y_pix=y + float(rng.uniform(-0.5, 0.5)),
            flux=flux * float(rng.uniform(0.7, 1.3)),
        )
        for x in range(40, SHAPE[1] - 30, step)
        for y in range(40, SHAPE[0] - 30, step)
    ]


def _observed(sources: list[Source], galaxies: list[Galaxy] | None = None, seed: int = 5) -> SkyImage:
    light = Sky(shape=SHAPE, stars=sources, galaxies=galaxies or []).light(FWHM)
    return observe(light, sky=SKY, gain=2.0, read_noise=5.0, seed=seed)


def _sources(image: SkyImage) -> SourceList:
    noise = np.full(image.shape, 10.5, dtype=np.float32)
    return detect_sources(image.pixels, noise, ~image.usable, threshold_sigma=5.0)


def _disguised(image: SkyImage) -> SourceList:
    """Return the sources as if sizes, shapes and blends had told nothing."""
    found, n = _sources(image), len(_sources(image))
    return replace(found, half_light_pix=np.full(n, 1.8), ellipticity=np.zeros(n), clean=np.ones(n, dtype=bool))


def _measured(image: SkyImage, sources: SourceList | None = None) -> MeasuredPsf:
    found = sources or _sources(image)
    return measure_psf(
        image.pixels, ~image.usable, found, saturation=None, max_stars=200, min_snr=30.0, variance=image.variance
    )


def _used_at(found: MeasuredPsf, x_pix: float, y_pix: float) -> bool:
    near = np.hypot(found.stars.x_pix - x_pix, found.stars.y_pix - y_pix) < 3.0
    return bool((near & found.stars.used).any())


@pytest.mark.parametrize("flux", [3000.0, 20000.0, 100000.0])
def test_stars_that_follow_the_model_have_a_chi_square_of_one(flux: float) -> None:
    found = _measured(_observed(_grid(flux=flux)))
    # Moving stars to the pixel centre is right to some thousandths of their light: the brightest show it.
    assert found.stars.median_chi2 == pytest.approx(1.0, abs=0.1 if flux < 50000.0 else 0.25)
    assert found.n_stars >= 0.9 * len(_grid())
    assert found.stars.n_outliers + found.n_stars == len(found.stars.chi2)
    expected = true_psf(SHAPE, FWHM, size=found.model.size).at(320, 300)
    rms = np.sqrt(np.mean((found.model.at(320, 300) - expected) ** 2))
    assert rms < (0.003 if flux < 10000.0 else 0.001) * expected.max()


def test_a_model_that_its_stars_do_not_follow_says_so() -> None:
    light = draw(SHAPE, _grid(step=40)[::2], 3.0) + draw(SHAPE, _grid(step=40)[1::2], 3.4)
    found = _measured(observe(light, sky=SKY, gain=2.0, read_noise=5.0, seed=5))
    assert found.stars.median_chi2 > 1.5
    alike = _measured(observe(draw(SHAPE, _grid(step=40), 3.2), sky=SKY, gain=2.0, read_noise=5.0, seed=5))
    assert found.model.pixel_error > 1.2 * alike.model.pixel_error


def test_a_double_star_and_a_galaxy_of_the_size_of_stars_are_left_out() -> None:
    double = [Source(x_pix=328.3, y_pix=300.2, flux=12000.0), Source(x_pix=329.7, y_pix=300.9, flux=9000.0)]
    galaxy = Galaxy(x_pix=200.4, y_pix=264.3, flux=25000.0, scale_pix=0.7)
    image = _observed(_grid() + double, [galaxy])
    found = _measured(image, _disguised(image))
    assert not _used_at(found, 329.0, 300.5)
    assert not _used_at(found, galaxy.x_pix, galaxy.y_pix)
    assert found.stars.n_outliers >= 2
    assert found.stars.median_chi2 == pytest.approx(1.0, abs=0.1)


def test_a_star_at_the_edge_or_on_bad_pixels_or_beside_a_bright_one_is_not_used_and_the_reason_is_counted() -> None:
    edge = Source(x_pix=6.0, y_pix=310.0, flux=20000.0)
    crowded = Source(x_pix=330.0, y_pix=310.0, flux=3500.0)
    neighbour = Source(x_pix=crowded.x_pix + 3.2 * FWHM, y_pix=crowded.y_pix, flux=3000.0)
    bad = _grid()[10]
    image = _observed([*_grid(), edge, crowded, neighbour])
    plain = _measured(image, _disguised(image))
    mask = np.zeros(SHAPE, dtype=np.uint16)
    mask[round(bad.y_pix) + 3, round(bad.x_pix)] = 1
    masked = replace(image, mask=mask)
    found = _measured(masked, _disguised(masked))
    for star in (edge, crowded, neighbour):
        assert not _used_at(found, star.x_pix, star.y_pix)
    assert found.stars.n_edge == 1
    assert found.stars.n_crowded == 2
    assert _used_at(plain, bad.x_pix, bad.y_pix)
    assert not _used_at(found, bad.x_pix, bad.y_pix)


def test_a_varying_psf_is_right_in_the_corners() -> None:
    field = stars(SHAPE, seed=6, density=1 / 1200, faintest=3000.0)

    def fwhm(x: float, y: float) -> float:
        u, v = 2.0 * x / SHAPE[1] - 1.0, 2.0 * y / SHAPE[0] - 1.0
        return 3.0 + 0.25 * u - 0.15 * v + 0.1 * u * v

    light = np.zeros(SHAPE)
    for one in field:
        light += draw(SHAPE, [one], fwhm(one.x_pix, one.y_pix))
    found = _measured(observe(light, sky=SKY, gain=2.0, read_noise=5.0, seed=8))
    assert found.model.degree == 2
    for x, y in ((20, 20), (20, 580), (620, 20), (620, 580)):
        expected = true_psf(SHAPE, fwhm(x, y), size=found.model.size)
        stamp = found.model.at(x, y)
        assert stamp_fwhm_pix(stamp) == pytest.approx(expected.fwhm_pix, rel=0.05)
        assert np.abs(stamp - expected.at(x, y)).max() < 0.05 * expected.at(x, y).max()


def test_the_degree_goes_by_number_light_and_spread_of_the_stars_where_there_is_an_image() -> None:
    rng = np.random.default_rng(3)
    everywhere = np.ones((200, 200), dtype=bool)
    half = everywhere.copy()
    half[:, 100:] = False
    x, y = rng.uniform(-1, 1, (2, 300))
    error = np.full(300, 0.02)
    assert degree_for(x, y, error, everywhere) == 2
    assert degree_for(x[:40], y[:40], error[:40], everywhere) == 1
    assert degree_for(x[:20], y[:20], error[:20], everywhere) == 0
    # All stars in one corner, or on one line: nothing is known of the rest.
    assert degree_for(x / 10 - 0.9, y / 10 - 0.9, error, everywhere) == 0
    assert degree_for(x, np.zeros(300), error, everywhere) == 0
    # Three bright stars among many that tell nothing have no gradient.
    faint = np.full(300, 0.5)
    faint[:3] = 0.02
    assert degree_for(x, y, faint, everywhere) == 0
    # A reference that covers half of the frame is to be known there.
    left = x < -0.3
    assert degree_for(x[left], y[left], error[left], everywhere) < 2
    assert degree_for(x[left], y[left], error[left], half) == 2


def test_the_faint_majority_does_not_turn_out_the_bright_stars_that_know_better() -> None:
    bright = [Source(x_pix=150.3, y_pix=140.2, flux=60000.0), Source(x_pix=470.6, y_pix=430.4, flux=40000.0)]
    found = _measured(_observed([*_grid(flux=2200.0), *bright]))
    assert all(_used_at(found, one.x_pix, one.y_pix) for one in bright)
    expected = true_psf(SHAPE, FWHM, size=found.model.size).at(320, 300)
    assert np.abs(found.model.at(320, 300) - expected).max() < 0.02 * expected.max()


def test_preparation_hands_over_what_came_of_the_stars() -> None:
    image = _observed(_grid())
    prepared = prepare(
        (image.pixels + SKY).astype(np.float32),
        detector=Detector(gain_e_count=2.0, read_noise_e=5.0),
        config=PreprocessConfig(),
    )
    assert prepared.psf_stars.used.sum() == prepared.quality.n_stars
    assert prepared.psf_stars.median_chi2 == pytest.approx(1.0, abs=0.15)
