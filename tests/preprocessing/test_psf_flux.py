from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from astrid_core.preprocessing.psf_flux import measure_psf_fluxes
from astrid_core.shared.images import MaskPlane, SkyImage
from benchmarks.zero_point import SCENARIOS, run_trial
from tests.synthetic.fields import Source, draw, observe
from tests.synthetic.pairs import true_psf

SHAPE = (300, 320)
FWHM = 3.0
FLUX = 4000.0

FloatArray = NDArray[np.float64]


def _places() -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(np.arange(30.0, 300.0, 40.0), np.arange(30.0, 280.0, 40.0))
    return x.ravel() + rng.uniform(-0.5, 0.5, x.size), y.ravel() + rng.uniform(-0.5, 0.5, y.size)


def _image(seed: int = 1) -> SkyImage:
    x, y = _places()
    light = draw(SHAPE, [Source(x_pix=a, y_pix=b, flux=FLUX) for a, b in zip(x, y, strict=True)], FWHM)
    image = observe(light, sky=80.0, gain=1.5, read_noise=5.0, seed=seed)
    return replace(image, psf=true_psf(SHAPE, FWHM))


def test_fluxes_are_right_and_their_errors_honest() -> None:
    x, y = _places()
    found = [measure_psf_fluxes(_image(seed), np.rint(x), np.rint(y)) for seed in range(12)]
    flux, error = (np.concatenate([getattr(one, name) for one in found]) for name in ("flux", "flux_err"))

    assert np.mean(flux) == pytest.approx(FLUX, rel=0.004)
    assert np.std((flux - FLUX) / error) == pytest.approx(1.0, abs=0.08)
    assert np.abs(found[0].x_pix - x).max() < 0.25


def test_places_that_are_given_are_kept_on_demand() -> None:
    x, y = _places()
    found = measure_psf_fluxes(_image(), x + 0.3, y, recentre=False)

    assert found.x_pix == pytest.approx(x + 0.3)
    assert np.median(found.flux) == pytest.approx(FLUX * (1.0 - 1.4 * (0.3 / FWHM) ** 2), rel=0.01)


def test_a_masked_core_and_the_edge_leave_no_flux() -> None:
    x, y = _places()
    image = _image()
    mask = np.zeros(SHAPE, dtype=np.uint16)
    mask[round(y[5]), round(x[5]) + 1] = MaskPlane.COSMIC_RAY
    mask[round(y[6]) + 9, round(x[6])] = MaskPlane.COSMIC_RAY
    found = measure_psf_fluxes(replace(image, mask=mask), np.append(x, [2.0, np.nan]), np.append(y, [50.0, 50.0]))

    assert np.flatnonzero(np.isnan(found.flux)).tolist() == [5, len(x), len(x) + 1]
    assert found.flux[6] == pytest.approx(FLUX, rel=0.1)


def test_an_image_without_a_psf_is_a_bug() -> None:
    with pytest.raises(ValueError, match="need a PSF"):
        measure_psf_fluxes(replace(_image(), psf=None), *_places())


def test_zero_points_of_simulated_exposures_are_right_from_raw_counts_on() -> None:
    trials = [run_trial(SCENARIOS[0], seed) for seed in range(4)]
    off = np.array([one.solution.zero_point_mag - one.true_mag for one in trials])
    pull = off / np.array([one.solution.zero_point_err_mag for one in trials])

    assert np.mean(off) == pytest.approx(0.0, abs=0.008)
    assert np.abs(pull).max() < 3.5
    assert np.median([one.solution.n_used for one in trials]) > 30
