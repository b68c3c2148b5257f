from dataclasses import replace

import numpy as np
import pytest

from astrid_core.differencing.flux_scale import FluxScale, measure_flux_scale
from astrid_core.differencing.ratio_fit import RatioFit, fit_ratio
from astrid_core.preprocessing.sources import FloatArray, detect_sources
from astrid_core.shared.images import PsfModel, SkyImage
from tests.synthetic.fields import Source, draw, observe
from tests.synthetic.pairs import true_psf

SHAPE = (600, 640)
RATIO = 0.73


def _stars(n: int, seed: int) -> list[Source]:
    """Return n isolated stars of 10^4 to 10^5 counts, so that errors of some tenths of a per cent can be seen."""
    rng = np.random.default_rng(seed)
    places: list[tuple[float, float]] = []
    while len(places) < n:
        x, y = float(rng.uniform(20, SHAPE[1] - 20)), float(rng.uniform(20, SHAPE[0] - 20))
        if all(np.hypot(x - a, y - b) > 24.0 for a, b in places):
            places.append((x, y))
    return [Source(x_pix=x, y_pix=y, flux=float(10 ** rng.uniform(4, 5))) for x, y in places]


def _image(stars: list[Source], factors: FloatArray, fwhm: float, seed: int) -> SkyImage:
    seen = [replace(one, flux=one.flux * float(factor)) for one, factor in zip(stars, factors, strict=True)]
    image = observe(draw(SHAPE, seen, fwhm), sky=200.0, gain=2.0, read_noise=5.0, seed=seed)
    return replace(image, psf=true_psf(SHAPE, fwhm))


def _scale(stars: list[Source], factors: FloatArray, *, seed: int = 1) -> FluxScale:
    science, reference = _image(stars, factors, 3.4, seed), _image(stars, np.ones(len(stars)), 2.6, seed + 1)
    noise = np.full(SHAPE, 10.5, dtype=np.float32)
    return measure_flux_scale(
        science, reference, detect_sources(science.pixels, noise, ~science.usable, threshold_sigma=5.0)
    )


@pytest.mark.parametrize("n", [8, 40, 120])
def test_a_known_ratio_is_found(n: int) -> None:
    scale = _scale(_stars(n, seed=n), np.full(n, RATIO))
    assert scale.ratio == pytest.approx(RATIO, rel=0.003)
    assert not len(scale.coefficients)
    assert np.ptp(scale.over(SHAPE)) == 0.0
    assert scale.n_stars >= 0.9 * n
    assert scale.scatter < 0.02
    assert scale.relative_error < 0.006


def test_a_gradient_of_five_per_cent_over_the_frame_is_found() -> None:
    stars = _stars(150, seed=3)
    x = np.array([one.x_pix for one in stars]) / (SHAPE[1] - 1)
    y = np.array([one.y_pix for one in stars]) / (SHAPE[0] - 1)
    scale = _scale(stars, RATIO * (1.0 + 0.05 * (0.8 * x + 0.2 * y - 0.5)))
    row, column = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    truth = RATIO * (1.0 + 0.05 * (0.8 * column / (SHAPE[1] - 1) + 0.2 * row / (SHAPE[0] - 1) - 0.5))
    assert len(scale.coefficients)
    assert np.abs(scale.over(SHAPE) / truth - 1.0).max() < 0.006
    assert scale.ratio == pytest.approx(float(scale.over(SHAPE)[300, 320]), rel=1e-3)


def test_a_fifth_of_variables_and_outliers_does_not_move_it() -> None:
    n = 120
    rng = np.random.default_rng(8)
    factors = np.full(n, RATIO)
    wrong = rng.random(n) < 0.2
    # All brighter: a mean, or a plain median, would follow them.
    factors[wrong] *= rng.uniform(1.1, 3.0, int(wrong.sum()))
    stars = _stars(n, seed=4)
    assert wrong.sum() > 15
    assert _scale(stars, factors).ratio == pytest.approx(_scale(stars, np.full(n, RATIO)).ratio, rel=0.003)


def _fit(seed: int, n: int, *, outliers: float = 0.0) -> RatioFit:
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.01, 0.05, n)
    values = rng.normal(0.0, error)
    wrong = rng.random(n) < outliers
    values[wrong] += rng.uniform(0.1, 1.0, int(wrong.sum()))
    x, y = rng.uniform(-1, 1, (2, n))
    return fit_ratio(values, error, x=x, y=y)


@pytest.mark.parametrize("outliers", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(20))
def test_no_gradient_is_invented(seed: int, outliers: float) -> None:
    fit = _fit(seed, 100, outliers=outliers)
    assert not len(fit.coefficients)
    assert abs(fit.middle) < 4.0 * fit.error


def test_the_error_is_that_of_the_ratio() -> None:
    fits = [_fit(seed, 80) for seed in range(200)]
    pull = [fit.middle / fit.error for fit in fits]
    assert np.std(pull) == pytest.approx(1.0, abs=0.2)


def test_few_stars_get_no_gradient_however_strong() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-1, 1, (2, 30))
    assert not len(fit_ratio(0.2 * x, np.full(30, 0.01), x=x, y=y).coefficients)
    x, y = rng.uniform(-1, 1, (2, 60))
    slope = fit_ratio(0.2 * x, np.full(60, 0.01), x=x, y=y).coefficients
    assert slope == pytest.approx([0.2, 0.0], abs=1e-6)


def test_a_psf_that_widens_by_a_quarter_over_the_frame_makes_less_than_two_per_cent_of_gradient() -> None:
    stars = _stars(150, seed=6)
    reference = _image(stars, np.ones(len(stars)), 2.6, 2)
    widths = [3.0 + 0.8 * one.x_pix / SHAPE[1] for one in stars]
    light = np.sum([draw(SHAPE, [one], width) for one, width in zip(stars, widths, strict=True)], axis=0)
    left, right = (true_psf(SHAPE, fwhm).coefficients[0] for fwhm in (3.0, 3.8))
    varying = PsfModel(
        coefficients=np.array([(left + right) / 2.0, (right - left) / 2.0, np.zeros_like(left)]),
        degree=1,
        frame_shape=SHAPE,
    )
    science = replace(observe(RATIO * light, sky=200.0, gain=2.0, read_noise=5.0, seed=1), psf=varying)
    noise = np.full(SHAPE, 10.5, dtype=np.float32)
    sources = detect_sources(science.pixels, noise, ~science.usable, threshold_sigma=5.0)
    assert measure_flux_scale(science, reference, sources).over(SHAPE) == pytest.approx(RATIO, rel=0.02)
