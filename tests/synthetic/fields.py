"""Seeded star fields with known PSFs, noise and transients: small truths for tests of single functions."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.shared.images import SkyImage

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    x_pix: float
    y_pix: float
    flux: float


def wcs(
    shape: tuple[int, int],
    *,
    scale_arcsec: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
    centre: tuple[float, float] = (150.0, 2.0),
) -> WCS:
    frame = WCS(naxis=2)
    frame.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    frame.wcs.crval = list(centre)
    frame.wcs.crpix = [(shape[1] + 1) / 2 + shift[0], (shape[0] + 1) / 2 + shift[1]]
    frame.wcs.cd = np.array([[-scale_arcsec, 0.0], [0.0, scale_arcsec]]) / 3600.0
    frame.wcs.set()
    return frame


def moffat(x: FloatArray, y: FloatArray, fwhm: float, beta: float = 3.5) -> FloatArray:
    alpha2 = (fwhm / 2.0) ** 2 / (2.0 ** (1.0 / beta) - 1.0)
    return np.asarray((beta - 1.0) / (np.pi * alpha2) * (1.0 + (x * x + y * y) / alpha2) ** -beta)


def draw(shape: tuple[int, int], sources: list[Source], fwhm: float, *, reach: int = 24) -> FloatArray:
    """Draw point sources with a Moffat PSF averaged over 3 x 3 sub-pixels."""
    image = np.zeros(shape)
    steps = (np.arange(3) - 1.0) / 3.0
    for one in sources:
        x0, y0 = round(one.x_pix), round(one.y_pix)
        left, right = max(0, x0 - reach), min(shape[1], x0 + reach + 1)
        top, bottom = max(0, y0 - reach), min(shape[0], y0 + reach + 1)
        if left >= right or top >= bottom:
            continue
        y, x = np.mgrid[top:bottom, left:right].astype(float)
        stamp = sum(moffat(x + dx - one.x_pix, y + dy - one.y_pix, fwhm) for dx in steps for dy in steps) / 9.0
        image[top:bottom, left:right] += one.flux * stamp
    return image


def stars(
    shape: tuple[int, int], *, seed: int, density: float = 1 / 2000, faintest: float = 300.0, brightest: float = 2e5
) -> list[Source]:
    """Scatter stars with N(F) ~ F^-1.8 between two fluxes."""
    rng = np.random.default_rng(seed)
    n = int(shape[0] * shape[1] * density)
    u = rng.random(n)
    power = -0.8
    flux = (faintest**power + u * (brightest**power - faintest**power)) ** (1.0 / power)
    x, y = rng.uniform(0, shape[1] - 1, n), rng.uniform(0, shape[0] - 1, n)
    return [Source(x_pix=float(a), y_pix=float(b), flux=float(f)) for a, b, f in zip(x, y, flux, strict=True)]


def observe(
    light: FloatArray, *, sky: float, gain: float, read_noise: float, seed: int, frame: WCS | None = None
) -> SkyImage:
    """Add photon and read noise to an image of counts, with the exact variance and the sky removed."""
    rng = np.random.default_rng(seed)
    electrons = rng.poisson((light + sky) * gain).astype(float) + rng.normal(0.0, read_noise, light.shape)
    variance = (light + sky) / gain + (read_noise / gain) ** 2
    return SkyImage(
        pixels=(electrons / gain - sky).astype(np.float32),
        variance=variance.astype(np.float32),
        mask=np.zeros(light.shape, dtype=np.uint16),
        wcs=frame,
    )
