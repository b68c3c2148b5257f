"""Means of exposures of which some pixels are lost."""

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.differencing.combine import Combined, combine
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.shared.images import MaskPlane, SkyImage

SIDE_PIX, STAR_PIX = 61, 30
SKY_SIGMA, GAIN_E_COUNT = 15.0, 2.0
FWHM_PIX = (3.6, 4.0, 4.2, 4.3)


def star_of(fwhm_pix: float, flux: float) -> NDArray[np.float64]:
    y, x = np.mgrid[:SIDE_PIX, :SIDE_PIX] - STAR_PIX
    sigma = fwhm_pix / 2.3548
    return np.asarray(flux * np.exp(-(x**2 + y**2) / (2.0 * sigma**2)) / (2.0 * np.pi * sigma**2))


def mean_of(flux: float, *, lost: slice | None) -> Combined:
    """Return the mean of noiseless exposures of a star, the two sharpest without their columns ``lost``."""
    stack = []
    for number, fwhm in enumerate(FWHM_PIX):
        light = star_of(fwhm, flux)
        mask = np.zeros(light.shape, dtype=np.uint16)
        if lost is not None and number < 2:
            mask[:, lost] = MaskPlane.BAD
        variance = SKY_SIGMA**2 + light / GAIN_E_COUNT
        stack.append(
            SkyImage(pixels=light.astype(np.float32), variance=variance.astype(np.float32), mask=mask, wcs=WCS(naxis=2))
        )
    return combine(stack, 1.0 / (SKY_SIGMA * np.array(FWHM_PIX)) ** 2, FWHM_PIX, ReferenceConfig())


COLUMNS = np.s_[STAR_PIX - 2 : STAR_PIX + 3]


def test_where_a_star_is_seen_by_the_blurred_exposures_only_the_variance_says_so() -> None:
    flux = 10_000.0
    whole, torn = mean_of(flux, lost=None), mean_of(flux, lost=COLUMNS)
    off = np.abs(torn.image.pixels - whole.image.pixels)
    assert off.max() > 4.0 * np.sqrt(whole.image.variance).max(), "the core is not that of other stars"
    assert (off <= 2.0 * np.sqrt(torn.image.variance)).all()


def test_what_is_lost_of_the_sky_costs_noise_only() -> None:
    torn = mean_of(0.0, lost=COLUMNS)
    weights = np.array(FWHM_PIX[2:]) ** -2.0
    expected = SKY_SIGMA**2 * (weights**2).sum() / weights.sum() ** 2
    np.testing.assert_allclose(torn.image.variance[:, COLUMNS], expected, rtol=1e-5)


@pytest.mark.parametrize("flux", [0.0, 10_000.0])
def test_nothing_is_added_where_every_exposure_counts(flux: float) -> None:
    whole, torn = mean_of(flux, lost=None), mean_of(flux, lost=COLUMNS)
    elsewhere = torn.coverage == len(FWHM_PIX)
    np.testing.assert_array_equal(torn.image.variance[elsewhere], whole.image.variance[elsewhere])
    weights = np.array(FWHM_PIX) ** -2.0
    photons = sum(w**2 * star_of(f, flux) / GAIN_E_COUNT for w, f in zip(weights, FWHM_PIX, strict=True))
    expected = (SKY_SIGMA**2 * (weights**2).sum() + photons) / weights.sum() ** 2
    np.testing.assert_allclose(whole.image.variance, expected, rtol=1e-5)
