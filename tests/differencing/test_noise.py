from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import extract
from astrid_core.differencing.noise import add_psf_model_noise, measure_noise
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.planes import Planes
from astrid_core.differencing.subtract import Difference, subtract
from tests.synthetic.fields import Source
from tests.synthetic.pairs import Exposure, Sky, expose, make_sky, prepared, true_psf

SHAPE = (520, 560)
SCIENCE = Exposure(fwhm=3.2)
REFERENCE = Exposure(fwhm=2.6, sky=75.0)


def _robust_std(values: NDArray[np.float32]) -> float:
    low, high = np.percentile(values, [15.8655, 84.1345])
    return float(high - low) / 2.0


def _near_sources(sky: Sky, shift: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.bool_]:
    apart = np.ones(sky.shape, dtype=bool)
    places = [(one.x_pix, one.y_pix) for one in sky.stars] + [(one.x_pix, one.y_pix) for one in sky.galaxies]
    for x_pix, y_pix in places:
        x, y = round(x_pix + shift[0]), round(y_pix + shift[1])
        if 0 <= x < sky.shape[1] and 0 <= y < sky.shape[0]:
            apart[y, x] = False
    return np.asarray(ndimage.distance_transform_edt(apart) <= 10.0)


def _with_true_psfs(sky: Sky, seed: int) -> Difference:
    science, _ = expose(sky, SCIENCE, seed=seed)
    reference, _ = expose(sky, REFERENCE, seed=seed + 1)
    return subtract(
        replace(science, psf=true_psf(sky.shape, SCIENCE.fwhm)),
        replace(reference, psf=true_psf(sky.shape, REFERENCE.fwhm)),
        DifferenceConfig(),
    )


@pytest.mark.parametrize("seed", [10, 20, 30])
def test_the_score_of_an_empty_sky_has_unit_noise_before_any_calibration(seed: int) -> None:
    result = _with_true_psfs(Sky(shape=SHAPE), seed)
    assert result.score_noise == pytest.approx(1.0, abs=0.03)
    assert _robust_std(result.score[result.mask == 0]) == pytest.approx(1.0, abs=0.03)
    assert not extract(result, threshold_sigma=5.5, limit=10)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_score_around_stars_and_galaxies_has_unit_noise(seed: int) -> None:
    sky = make_sky(SHAPE, seed=seed, n_galaxies=60)
    result = _with_true_psfs(sky, 10 * seed)
    near = _near_sources(sky) & (result.mask == 0)
    assert near.mean() > 0.1
    assert _robust_std(result.score[near]) == pytest.approx(1.0, abs=0.05)
    assert result.residual.astrometric_pix < 0.02


@pytest.mark.parametrize("seed", [1, 2])
def test_raw_frames_through_the_whole_chain_have_unit_noise_around_their_sources(seed: int) -> None:
    sky, shift = make_sky(SHAPE, seed=seed, n_galaxies=60), (3.3, -2.6)
    science = prepared(sky, replace(SCIENCE, shift=shift), seed=10 * seed)
    reference = prepared(sky, REFERENCE, seed=10 * seed + 1)
    pair = difference_pair(science, reference, DifferenceConfig())
    good = pair.difference.mask == 0
    near = _near_sources(sky, shift) & good
    assert _robust_std(pair.difference.score[near]) == pytest.approx(1.0, abs=0.05)
    assert _robust_std(pair.difference.score[good]) == pytest.approx(1.0, abs=0.03)
    assert pair.difference.score_noise == pytest.approx(1.0, abs=0.1)
    assert pair.flux_ratio == pytest.approx(1.0, abs=0.02)
    assert all(abs(peak.score) < 7.5 for peak in pair.peaks)


def test_a_star_that_outshines_the_stars_of_the_psf_is_noisier_over_the_whole_stamp() -> None:
    light, noise = np.zeros((60, 60), dtype=np.float32), np.zeros((60, 60), dtype=np.float32)
    light[30, 30], light[5, 5] = 100.0, 1.0
    add_psf_model_noise(noise, light, per_light2=0.01, quiet=1.0, reach_pix=8)
    assert noise[30, 38] == pytest.approx(100.0)
    assert noise[30, 39] == 0.0
    assert noise[5, 5] == 0.0


def test_a_new_source_does_not_pay_for_its_own_gradient() -> None:
    sky = make_sky(SHAPE, seed=5, n_galaxies=60)
    bright = [Source(x_pix=260.0, y_pix=250.0, flux=40000.0)]
    science, _ = expose(sky, SCIENCE, seed=1)
    reference, _ = expose(sky, REFERENCE, seed=2)
    with_it, _ = expose(sky, SCIENCE, seed=1, extra=bright)
    in_reference, _ = expose(sky, REFERENCE, seed=2, extra=bright)
    psfs = true_psf(SHAPE, SCIENCE.fwhm), true_psf(SHAPE, REFERENCE.fwhm)
    came = subtract(replace(with_it, psf=psfs[0]), replace(reference, psf=psfs[1]), DifferenceConfig())
    went = subtract(replace(science, psf=psfs[0]), replace(in_reference, psf=psfs[1]), DifferenceConfig())
    assert came.score[250, 260] > 100.0
    assert went.score[250, 260] == pytest.approx(-came.score[250, 260], rel=0.25)


def _measured_noise(score: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
    empty, unit = np.zeros_like(score), np.ones_like(score)
    return measure_noise(score, Planes(empty, empty, empty, empty, unit, unit, empty), np.ones(score.shape, dtype=bool))


def test_the_noise_of_a_score_is_measured_beside_what_stands_out() -> None:
    score = np.random.default_rng(3).normal(0.0, 1.7, (500, 500)).astype(np.float32)
    score[::50, ::50] += 100.0
    whole, cells = _measured_noise(score)
    assert whole == pytest.approx(1.7, rel=0.02)
    assert cells == pytest.approx(1.7, rel=0.02)


def test_noise_that_differs_over_the_frame_is_followed() -> None:
    noise = np.ones((1024, 1024), dtype=np.float32)
    noise[:, 512:] = 1.5
    score = np.random.default_rng(4).normal(size=noise.shape).astype(np.float32) * noise
    _, cells = _measured_noise(score)
    assert cells[:, 0] == pytest.approx(1.0, rel=0.03)
    assert cells[:, -1] == pytest.approx(1.5, rel=0.03)
