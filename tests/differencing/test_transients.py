from dataclasses import replace

import numpy as np
import pytest
from scipy import fft

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import Peak, extract
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.subtract import Difference, subtract
from tests.synthetic.fields import Source
from tests.synthetic.pairs import GAIN, READ_NOISE, Exposure, Sky, expose, make_sky, prepared, true_psf

SHAPE = (420, 450)
SCIENCE = Exposure(fwhm=3.2)
REFERENCE = Exposure(fwhm=2.6, sky=75.0)


def _grid(flux: float, *, seed: int, step: int = 50) -> list[Source]:
    """Transients of one flux at known sub-pixel positions."""
    rng = np.random.default_rng(seed)
    return [
        Source(x_pix=x + float(rng.uniform(-0.5, 0.5)), y_pix=y + float(rng.uniform(-0.5, 0.5)), flux=flux)
        for x in range(40, SHAPE[1] - 40, step)
        for y in range(40, SHAPE[0] - 40, step)
    ]


def _subtract(
    sky: Sky, science: Exposure, reference: Exposure, *, new: list[Source], gone: list[Source], seed: int
) -> Difference:
    one, _ = expose(sky, science, seed=seed, extra=new)
    other, _ = expose(sky, reference, seed=seed + 1, extra=gone)
    return subtract(
        replace(one, psf=true_psf(sky.shape, science.fwhm)),
        replace(other, psf=true_psf(sky.shape, reference.fwhm)),
        DifferenceConfig(),
    )


def _predicted_snr(flux: float, science: Exposure, reference: Exposure) -> float:
    """Expected score of a source centred on a pixel, for sky and read noise alone (Zackay et al. 2016, eq. 42)."""
    s2 = [one.sky / GAIN + (READ_NOISE / GAIN) ** 2 for one in (science, reference)]
    shape = (256, 256)
    pn2, pr2 = (
        np.abs(fft.fft2(true_psf((1, 1), one.fwhm).coefficients[0], s=shape)) ** 2 for one in (science, reference)
    )
    power = pn2 * pr2 / (s2[0] * pr2 + s2[1] * pn2)
    return flux * float(np.sqrt(power.sum() / power.size))


def _matched(peaks: tuple[Peak, ...], truth: Source) -> Peak | None:
    near = [one for one in peaks if np.hypot(one.x_pix - truth.x_pix, one.y_pix - truth.y_pix) < 1.5]
    return max(near, key=lambda one: abs(one.score)) if near else None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_score_is_the_predicted_one_and_fluxes_are_unbiased(sign: float) -> None:
    # A sky so bright that the sources' own photons do not count, as in the prediction.
    science, reference = Exposure(fwhm=3.2, sky=20000.0), Exposure(fwhm=2.6, sky=5000.0)
    flux = 15.0 / _predicted_snr(1.0, science, reference)
    sources = [Source(x_pix=round(one.x_pix), y_pix=round(one.y_pix), flux=flux) for one in _grid(1.0, seed=1, step=25)]
    result = _subtract(
        Sky(shape=SHAPE), science, reference, new=sources if sign > 0 else [], gone=sources if sign < 0 else [], seed=3
    )
    at = np.array([(round(one.y_pix), round(one.x_pix)) for one in sources])
    # So many sources widen the distribution that the score is calibrated by: this is about the score before.
    score = sign * result.score[at[:, 0], at[:, 1]] * result.score_noise
    measured = sign * result.flux[at[:, 0], at[:, 1]]
    error = result.flux_err[at[:, 0], at[:, 1]] / result.score_noise
    assert len(sources) > 180
    assert score.mean() == pytest.approx(15.0, rel=0.02)
    assert measured.mean() == pytest.approx(flux, rel=0.02)
    assert np.std((measured - flux) / error) == pytest.approx(1.0, abs=0.15)


def test_fluxes_keep_their_errors_when_the_source_s_own_photons_dominate() -> None:
    sources = [Source(x_pix=round(s.x_pix), y_pix=round(s.y_pix), flux=20000.0) for s in _grid(1.0, seed=2, step=48)]
    result = _subtract(Sky(shape=SHAPE), SCIENCE, REFERENCE, new=sources, gone=[], seed=5)
    at = np.array([(round(one.y_pix), round(one.x_pix)) for one in sources])
    measured, error = result.flux[at[:, 0], at[:, 1]], result.flux_err[at[:, 0], at[:, 1]] / result.score_noise
    assert measured.mean() == pytest.approx(20000.0, rel=0.005)
    assert np.std((measured - 20000.0) / error) == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_transients_become_candidates_at_their_places_and_nothing_else_does(sign: float) -> None:
    sky, sources = make_sky(SHAPE, seed=11, n_galaxies=40), _grid(1500.0, seed=4)
    result = _subtract(
        sky, SCIENCE, REFERENCE, new=sources if sign > 0 else [], gone=sources if sign < 0 else [], seed=7
    )
    peaks = extract(result, threshold_sigma=5.0, limit=1000)
    found = [(one, _matched(peaks, one)) for one in sources]
    seen = [(truth, peak) for truth, peak in found if peak is not None]
    assert len(seen) >= 0.95 * len(sources)
    assert all(np.sign(peak.score) == sign for _, peak in seen)
    away = [np.hypot(peak.x_pix - truth.x_pix, peak.y_pix - truth.y_pix) for truth, peak in seen]
    assert np.median(away) < 0.25
    assert len(peaks) <= len(seen) + 1


def test_transients_on_galaxies_are_found_with_unbiased_flux() -> None:
    sky = make_sky(SHAPE, seed=21, n_galaxies=150, density=0.0)
    hosts = [one for one in sky.galaxies if 25 < one.x_pix < SHAPE[1] - 25 and 25 < one.y_pix < SHAPE[0] - 25]
    new = [Source(x_pix=one.x_pix + 0.5 * one.scale_pix, y_pix=one.y_pix, flux=4000.0) for one in hosts[::6]]
    result = _subtract(sky, SCIENCE, REFERENCE, new=new, gone=[], seed=9)
    peaks = [_matched(extract(result, threshold_sigma=5.0, limit=1000), one) for one in new]
    seen = [one for one in peaks if one is not None]
    assert len(seen) >= 0.95 * len(new)
    assert np.median([one.flux for one in seen]) == pytest.approx(4000.0, rel=0.05)


def test_raw_frames_of_unequal_depth_and_pointing_give_back_the_transients() -> None:
    sky, shift = make_sky(SHAPE, seed=31, n_galaxies=40), (4.4, 2.7)
    sources = _grid(2500.0, seed=6)
    science = prepared(sky, replace(SCIENCE, shift=shift, depth=0.8), seed=1, extra=sources)
    pair = difference_pair(science, prepared(sky, REFERENCE, seed=2), DifferenceConfig())
    moved = [Source(x_pix=one.x_pix + shift[0], y_pix=one.y_pix + shift[1], flux=one.flux) for one in sources]
    free = [one for one in moved if pair.difference.mask[round(one.y_pix), round(one.x_pix)] == 0]
    seen = [peak for one in free if (peak := _matched(pair.peaks, one)) is not None]
    assert len(free) > 40
    assert len(seen) >= 0.95 * len(free)
    assert np.median([one.flux for one in seen]) == pytest.approx(0.8 * 2500.0, rel=0.04)
    assert pair.flux_ratio == pytest.approx(0.8, rel=0.03)
    assert len(pair.peaks) <= len(seen) + 2
