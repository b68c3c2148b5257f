from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import extract
from astrid_core.differencing.matching_kernel import fit_matching_kernel
from astrid_core.differencing.psf_pair import match_psfs
from astrid_core.differencing.subtract import Difference, subtract
from astrid_core.shared.errors import BadConfiguration, TooFewSources
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage
from tests.synthetic.fields import Source, observe
from tests.synthetic.pairs import GAIN, READ_NOISE, Exposure, Sky, expose, make_sky, true_psf

SHAPE = (560, 600)
SHARP, BROAD = Exposure(fwhm=2.4, sky=75.0), Exposure(fwhm=3.2)
TRANSIENTS = [Source(x_pix=50.0 + 67.3 * i, y_pix=40.0 + 61.7 * j, flux=1500.0) for i in range(8) for j in range(8)]


@pytest.fixture(scope="module")
def sky() -> Sky:
    return make_sky(SHAPE, seed=3, n_galaxies=60, density=1 / 1000)


def _exposed(
    sky: Sky, exposure: Exposure, *, seed: int, psf_fwhm: float | None = None, extra: list[Source] | None = None
) -> SkyImage:
    """Return an exposure that carries a PSF of ``psf_fwhm``, by default the true one."""
    image, _ = expose(sky, exposure, seed=seed, extra=extra)
    return replace(image, psf=true_psf(sky.shape, psf_fwhm or exposure.fwhm))


def _jumped(sky: Sky, *, seed: int) -> SkyImage:
    """Return an exposure in the middle of which the telescope jumped, while its PSF is said to be round."""
    parts = [sky.light(BROAD.fwhm, TRANSIENTS, shift=(step, 0.0)) for step in (-2.5, 2.5)]
    image = observe((parts[0] + parts[1]) / 2.0, sky=BROAD.sky, gain=GAIN, read_noise=READ_NOISE, seed=seed)
    return replace(image, psf=true_psf(sky.shape, 4.5))


def _psf_error(found: PsfModel, fwhm: float) -> float:
    """Return the largest error of a PSF pixel in the middle of the frame over the peak."""
    middle = (SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2
    truth = true_psf(SHAPE, fwhm).at(*middle)
    return float(np.abs(found.at(*middle) - truth).max() / truth.max())


def _false(result: Difference, threshold: float = 5.0) -> int:
    """Count peaks that are no transient."""
    at = np.array([(one.x_pix, one.y_pix) for one in TRANSIENTS])
    peaks = extract(result, threshold_sigma=threshold, limit=1000)
    return sum(np.hypot(at[:, 0] - one.x_pix, at[:, 1] - one.y_pix).min() > 4.0 for one in peaks)


def test_the_matched_psf_is_the_true_one_whatever_the_stars_said(sky: Sky) -> None:
    reference = _exposed(sky, SHARP, seed=1)
    for wrong in (2.7, 3.2, 3.8):
        science = _exposed(sky, BROAD, seed=2, psf_fwhm=wrong)
        pair = match_psfs(science, reference)
        assert pair.method == "kernel"
        assert _psf_error(pair.science, BROAD.fwhm) < 0.05, wrong
        assert pair.reference is reference.psf


def test_the_sharper_image_is_the_one_that_is_convolved(sky: Sky) -> None:
    science, reference = _exposed(sky, SHARP, seed=1), _exposed(sky, BROAD, seed=2, psf_fwhm=3.7)
    pair = match_psfs(science, reference)
    assert pair.science is science.psf
    assert _psf_error(pair.reference, BROAD.fwhm) < 0.05


def test_a_kernel_knows_the_flux_ratio_and_the_shift_of_each_place(sky: Sky) -> None:
    sharp, broad = _exposed(sky, SHARP, seed=1), _exposed(sky, BROAD, seed=2)
    gradient = (0.9 + 0.2 * np.arange(SHAPE[1]) / SHAPE[1]).astype(np.float32)
    moved = ndimage.shift(broad.pixels, (0.0, 0.4), order=3, mode="nearest").astype(np.float32) * gradient
    kernel = fit_matching_kernel(sharp, replace(broad, pixels=moved), fwhm_pix=3.2, min_stamps=5)
    near = np.arange(kernel.coefficients.shape[-1]) - kernel.coefficients.shape[-1] // 2
    for at in (60.0, 300.0, 540.0):
        here = kernel.at(at, 280.0)
        assert here.sum() == pytest.approx(0.9 + 0.2 * at / SHAPE[1], rel=0.02)
        assert (here.sum(axis=0) @ near) / here.sum() == pytest.approx(0.4, abs=0.06)
        assert (here.sum(axis=1) @ near) / here.sum() == pytest.approx(0.0, abs=0.06)
    assert kernel.degree == 2
    assert kernel.n_stamps > 60
    # Moving an image by interpolation has smoothed its noise.
    assert 0.4 < kernel.chi2 < 1.2


def test_what_changed_has_no_say_in_the_kernel(sky: Sky) -> None:
    reference = _exposed(sky, SHARP, seed=1)
    bright = [replace(one, flux=20_000.0) for one in TRANSIENTS[::9]]
    before = match_psfs(_exposed(sky, BROAD, seed=2), reference).science
    after = match_psfs(_exposed(sky, BROAD, seed=2, extra=bright), reference).science
    middle = 299.5, 279.5
    assert np.abs(after.at(*middle) - before.at(*middle)).max() < 0.02 * before.at(*middle).max()


def test_sources_next_to_masked_pixels_tell_nothing(sky: Sky) -> None:
    sharp, broad = _exposed(sky, SHARP, seed=1), _exposed(sky, BROAD, seed=2)
    mask, pixels = broad.mask.copy(), broad.pixels.copy()
    mask[:, 200:210], pixels[:, 200:210] = MaskPlane.BAD, np.nan
    spoiled = fit_matching_kernel(sharp, replace(broad, mask=mask, pixels=pixels), fwhm_pix=3.2, min_stamps=5)
    whole = fit_matching_kernel(sharp, broad, fwhm_pix=3.2, min_stamps=5)
    assert np.isfinite(spoiled.coefficients).all()
    assert spoiled.n_stamps < whole.n_stamps


def test_too_few_sources_are_said_to_be_too_few() -> None:
    empty = make_sky(SHAPE, seed=4, density=0.0)
    science, reference = _exposed(empty, BROAD, seed=1), _exposed(empty, SHARP, seed=2)
    with pytest.raises(TooFewSources, match="n_sources=0"):
        subtract(science, reference, replace(DifferenceConfig(), method="kernel"))
    assert subtract(science, reference, DifferenceConfig()).method == "zogy"


def test_right_psfs_of_stars_are_kept_and_the_run_says_so(sky: Sky) -> None:
    result = subtract(_exposed(sky, BROAD, seed=2), _exposed(sky, SHARP, seed=1), DifferenceConfig())
    assert result.method == "zogy"
    assert result.source_noise < 1.05
    assert "1.0" in result.method_reason


def test_where_the_psfs_of_the_stars_do_not_fit_a_kernel_is_taken(sky: Sky) -> None:
    science, reference = _jumped(sky, seed=2), _exposed(sky, SHARP, seed=1)
    by_stars = subtract(science, reference, replace(DifferenceConfig(), method="zogy"))
    assert by_stars.source_noise > 1.1
    chosen = subtract(science, reference, DifferenceConfig())
    assert chosen.method == "kernel"
    assert chosen.source_flux_err < 0.95 * by_stars.source_flux_err
    assert f"{chosen.source_flux_err:.4g}" in chosen.method_reason
    assert _false(chosen) <= 1


def test_a_kernel_finds_as_much_as_the_true_psfs_do(sky: Sky) -> None:
    science, reference = _exposed(sky, BROAD, seed=2, extra=TRANSIENTS), _exposed(sky, SHARP, seed=1)
    results = {
        name: subtract(science, reference, replace(DifferenceConfig(), method=name)) for name in ("zogy", "kernel")
    }
    rows, columns = (np.array([round(getattr(one, name)) for one in TRANSIENTS]) for name in ("y_pix", "x_pix"))
    ratio = results["kernel"].score[rows, columns] / results["zogy"].score[rows, columns]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.03)
    flux = np.median(results["kernel"].flux[rows, columns] / results["zogy"].flux[rows, columns])
    assert flux == pytest.approx(1.0, abs=0.03)
    good = results["kernel"].mask == 0
    low, high = np.percentile(results["kernel"].score[good], [15.8655, 84.1345])
    assert (high - low) / 2.0 == pytest.approx(1.0, abs=0.03)
    assert _false(results["kernel"]) <= 1


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="hotpants"):
        replace(DifferenceConfig(), method="hotpants")
