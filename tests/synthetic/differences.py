"""Differences whose noise is white and whose every source is known, without any subtraction."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from astrid_core.differencing.noise import ResidualNoise
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage, MaskPlane
from tests.synthetic.fields import moffat

GAIN = 2.0


def moffat_psf(fwhm: float, *, size: int = 41, at: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.float64]:
    """Return a PSF of sum 1 whose centre lies ``at`` (x, y) from the middle of its stamp; pixels are averages."""
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    steps = (np.arange(3) - 1.0) / 3.0
    stamp = np.sum([moffat(x - at[0] + dx, y - at[1] + dy, fwhm) for dx in steps for dy in steps], axis=0)
    return np.asarray(stamp / 9.0 / _total(fwhm))


def _total(fwhm: float) -> float:
    half = 20
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    steps = (np.arange(3) - 1.0) / 3.0
    return float(np.sum([moffat(x + dx, y + dy, fwhm) for dx in steps for dy in steps]) / 9.0)


def make_difference(
    shape: tuple[int, int],
    sources: Sequence[tuple[float, float, float]],
    *,
    fwhm: float,
    noise: float,
    seed: int,
    photons: bool = False,
    extra: FloatImage | None = None,
    masked: Mapping[tuple[int, int], MaskPlane] | None = None,
) -> Difference:
    """Return D = sources (x, y, flux) + ``extra`` + white noise, and its matched filter.

    With ``photons`` the light brings its own noise, for a gain of 2 electrons per count.
    """
    rng = np.random.default_rng(seed)
    light = np.zeros(shape) if extra is None else extra.astype(float)
    for x, y, flux in sources:
        _draw(light, x, y, flux * moffat_psf(fwhm, at=(x - round(x), y - round(y))))
    psf = moffat_psf(fwhm)
    variance = np.full(shape, noise**2) + (np.abs(light) / GAIN if photons else 0.0)
    pixels = (light + rng.normal(size=shape) * np.sqrt(variance)).astype(np.float32)
    power = float((psf**2).sum())
    flux_plane = fftconvolve(pixels, psf[::-1, ::-1], mode="same") / power
    flux_err = np.sqrt(np.maximum(fftconvolve(variance, psf[::-1, ::-1] ** 2, mode="same"), 1e-12)) / power
    mask = np.zeros(shape, dtype=np.uint16)
    for (row, column), plane in (masked or {}).items():
        mask[row, column] = plane
    pixel = np.zeros_like(psf, dtype=np.float32)
    pixel[psf.shape[0] // 2, psf.shape[1] // 2] = 1.0
    return Difference(
        difference=pixels,
        variance=variance.astype(np.float32),
        score=(flux_plane / flux_err).astype(np.float32),
        flux_err=flux_err.astype(np.float32),
        mask=mask,
        psf=psf.astype(np.float32),
        science_pixel=pixel,
        reference_pixel=pixel,
        overlap=1.0,
        score_noise=1.0,
        residual=ResidualNoise(),
        source_noise=1.0,
        source_flux_err=noise,
        method="zogy",
        method_reason="set",
    )


def _draw(light: NDArray[np.float64], x: float, y: float, stamp: NDArray[np.float64]) -> None:
    half = stamp.shape[0] // 2
    top, left = round(y) - half, round(x) - half
    rows = slice(max(0, top), min(light.shape[0], top + stamp.shape[0]))
    columns = slice(max(0, left), min(light.shape[1], left + stamp.shape[1]))
    light[rows, columns] += stamp[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
