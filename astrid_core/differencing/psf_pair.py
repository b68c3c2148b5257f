"""The two PSFs that a pair is subtracted with: measured on stars, or matched on all light."""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from astrid_core.differencing.matching_kernel import MatchingKernel, fit_matching_kernel
from astrid_core.shared.images import PsfModel, SkyImage, polynomial_terms


@dataclass(frozen=True, slots=True)
class PsfPair:
    """The PSFs that a pair is subtracted with."""

    science: PsfModel
    reference: PsfModel
    method: str
    """``zogy`` for PSFs measured on stars, ``kernel`` for matched ones."""


def psfs_of_stars(science: SkyImage, reference: SkyImage) -> PsfPair:
    """Return the PSFs that the images carry. Raises ValueError where one has none."""
    if science.psf is None or reference.psf is None:
        raise ValueError("both images need a PSF")
    return PsfPair(science.psf, reference.psf, "zogy")


def match_psfs(science: SkyImage, reference: SkyImage, *, min_stamps: int = 5) -> PsfPair:
    """Return PSFs of which one is exactly what a kernel fitted to the images makes of the other.

    N - K * R with its noise made white again (Reiss & Lupton 2016, DMTN-021) is ZOGY's D for P_n = K * P_r: their
    transforms are the same. A method of convolution kernels therefore needs nothing but this pair. The sharper image is
    the one that is convolved. Raises TooFewSources.
    """
    measured = psfs_of_stars(science, reference)
    fwhm = measured.science.fwhm_pix, measured.reference.fwhm_pix
    if fwhm[0] >= fwhm[1]:
        kernel = fit_matching_kernel(reference, science, fwhm_pix=fwhm[0], min_stamps=min_stamps)
        return PsfPair(_convolved(measured.reference, kernel), measured.reference, "kernel")
    kernel = fit_matching_kernel(science, reference, fwhm_pix=fwhm[1], min_stamps=min_stamps)
    return PsfPair(measured.science, _convolved(measured.science, kernel), "kernel")


def _convolved(psf: PsfModel, kernel: MatchingKernel) -> PsfModel:
    """Return K * P at every position, as a polynomial in position."""
    degree = max(psf.degree, kernel.degree)
    ny, nx = psf.frame_shape
    steps = np.linspace(-1.0, 1.0, 2 * degree + 1) if degree else np.zeros(1)
    places = [(x, y) for y in steps for x in steps]
    stamps = []
    for x, y in places:
        at = (x + 1) * (nx - 1) / 2, (y + 1) * (ny - 1) / 2
        stamp = signal.fftconvolve(psf.at(*at).astype(np.float64), kernel.at(*at), mode="same")
        stamps.append(stamp / stamp.sum())
    terms = np.array([polynomial_terms(x, y, degree) for x, y in places])
    found = np.linalg.lstsq(terms, np.array(stamps).reshape(len(places), -1), rcond=None)[0]
    return PsfModel(
        coefficients=found.reshape(-1, psf.size, psf.size),
        degree=degree,
        frame_shape=psf.frame_shape,
        pixel_error=_pixel_error(psf, kernel),
    )


def _pixel_error(psf: PsfModel, kernel: MatchingKernel) -> float:
    """Return the standard deviation that the noise of the kernel leaves in a pixel of K * P."""
    size = kernel.coefficients.shape[-1]
    draws = np.random.default_rng(0).multivariate_normal(np.zeros(size * size), kernel.covariance, 32, method="eigh")
    seen = psf.middle.astype(np.float64)
    left = [signal.fftconvolve(seen, one.reshape(size, size), mode="full") for one in draws]
    kept = np.array(left)[:, size // 2 : -(size // 2), size // 2 : -(size // 2)]
    # Over the kernel's own reach, where it has an error at all.
    middle, half = psf.size // 2, size // 2
    part = np.s_[middle - half : middle + half + 1]
    return float(np.sqrt((kept[:, part, part] ** 2).mean()))
