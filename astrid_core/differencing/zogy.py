"""Proper image subtraction of one tile (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27; "ZOGY").

Science N and reference R share one grid and one flux scale (F_n = F_r = 1, science counts) and have no background.
With PSFs P_n, P_r (hats: Fourier transforms) and background variances s_n^2, s_r^2 per pixel, write
W = s_n^2 |P_r^|^2 + s_r^2 |P_n^|^2. Then

    D^   = (P_r^ N^ - P_n^ R^) / sqrt(W)                           (eq. 13)
    F_D  = 1 / sqrt(s_n^2 + s_r^2)                                  (eq. 15)
    P_D^ = P_r^ P_n^ / (F_D sqrt(W))                                (eq. 14)
    S    = k_n * N - k_r * R,  k_n^ = conj(P_n^) |P_r^|^2 / W,  k_r^ = conj(P_r^) |P_n^|^2 / W      (eqs. 28, 29, 34)
    V(S) = k_n^2 * V(N) + k_r^2 * V(R)                              (eqs. 26, 27, 30, 31)

D is returned divided by F_D: science counts, so that a new source of flux F appears as F P_D. Transforms are real and
of single precision: their rounding, 1e-7 of the PSF's sum, lies far below any sky noise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid_core.differencing.planes import Responses
from astrid_core.shared.images import FloatImage, PsfModel, polynomial_terms

Spectrum = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class PsfSpectrum:
    """The transforms of the terms of a PSF polynomial on tiles of ``shape``."""

    model: PsfModel
    shape: tuple[int, int]
    terms: Spectrum
    """(n_terms, ny, nx // 2 + 1), the centre of the stamp at pixel (0, 0)."""

    def at(self, x_pix: float, y_pix: float) -> Spectrum:
        """Return the transform of the PSF, sum 1, at a position of the frame."""
        if self.model.degree == 0:
            return np.asarray(self.terms[0] / self.terms[0, 0, 0].real)
        share = _terms_at(self.model, x_pix, y_pix)
        share = (share / (share @ self.terms[:, 0, 0].real)).astype(np.float32)
        # Real and imaginary parts alike are weighted with real numbers.
        parts = share @ self.terms.reshape(len(share), -1).view(np.float32)
        return np.asarray(parts.view(np.complex64).reshape(self.terms.shape[1:]))


@dataclass(frozen=True, slots=True)
class Kernels:
    """All that depends on the PSFs and the noise only, for tiles of ``shape``."""

    shape: tuple[int, int]
    science_score: Spectrum
    """k_n^."""
    reference_score: Spectrum
    science_variance: Spectrum
    """Transform of k_n^2."""
    reference_variance: Spectrum
    science_difference: Spectrum
    """P_r^ / (F_D sqrt(W)): what N is convolved with in D."""
    reference_difference: Spectrum
    science_image: FloatImage
    """k_n, its centre at pixel (0, 0)."""
    reference_image: FloatImage


@dataclass(frozen=True, slots=True)
class Tile:
    """One subtracted tile; arrays (ny, nx)."""

    difference: FloatImage
    """D / F_D, science counts."""
    reference_difference: FloatImage
    """The part of D that came from the reference."""
    score: FloatImage
    """S."""
    reference_score: FloatImage
    """k_r * R, the reference's share of S."""
    score_variance: FloatImage
    """V(S), from photon, sky and read noise."""


def transform_psf(model: PsfModel, shape: tuple[int, int]) -> PsfSpectrum:
    """Return the transforms of the terms of ``model`` on tiles of ``shape``."""
    near = np.arange(model.size) - model.size // 2
    terms = np.zeros((len(model.coefficients), shape[0], shape[1] // 2 + 1), dtype=np.complex64)
    for term, stamp in zip(terms, model.coefficients, strict=True):
        frame = np.zeros(shape, dtype=np.float32)
        # Negative indices wrap to where they belong.
        frame[np.ix_(near, near)] = stamp
        term[:] = fft.rfft2(frame)
    return PsfSpectrum(model, shape, terms)


def make_kernels(
    science_psf: Spectrum,
    reference_psf: Spectrum,
    *,
    science_variance: float,
    reference_variance: float,
    shape: tuple[int, int],
) -> Kernels:
    """Return the kernels for the transforms of one pair of PSFs and background variances (counts^2)."""
    pn2, pr2 = _power(science_psf), _power(reference_psf)
    w = np.float32(science_variance) * pr2
    w += np.float32(reference_variance) * pn2
    # Beyond both optical cut-offs W is rounding noise; a floor keeps the ratios finite where there is no signal.
    np.maximum(w, np.float32(1e-10) * w.max(), out=w)
    np.divide(np.float32(1.0), w, out=w)
    kn, kr = np.conj(science_psf), np.conj(reference_psf)
    pr2 *= w
    kn *= pr2
    pn2 *= w
    kr *= pn2
    root = np.sqrt(w, out=w)
    root *= np.float32(np.sqrt(science_variance + reference_variance))
    kn_image, kr_image = _back(kn, shape), _back(kr, shape)
    return Kernels(
        shape=shape,
        science_score=kn,
        reference_score=kr,
        science_variance=fft.rfft2(kn_image * kn_image),
        reference_variance=fft.rfft2(kr_image * kr_image),
        science_difference=reference_psf * root,
        reference_difference=science_psf * root,
        science_image=kn_image,
        reference_image=kr_image,
    )


def flux_scale(kernels: Kernels, psf: PsfModel, x_pix: NDArray[np.float64], y_pix: NDArray[np.float64]) -> FloatImage:
    """Return F_S (eq. 42), the score of a source of unit flux at its centre, for sources at n positions of the frame:
    the PSF at a source, seen through the kernel of its tile.
    """
    half = psf.size // 2
    back = -np.arange(-half, half + 1)
    # Its centre is pixel (0, 0), so that negative indices wrap to where they belong.
    kernel = kernels.science_image[np.ix_(back, back)].astype(np.float64)
    seen = np.tensordot(psf.coefficients, kernel, axes=2)
    total = psf.coefficients.sum(axis=(1, 2))
    shares = np.array([_terms_at(psf, x, y) for x, y in zip(x_pix, y_pix, strict=True)])
    return np.asarray((shares @ seen) / (shares @ total), dtype=np.float32)


def respond(science_psf: Spectrum, kernels: Kernels, *, size: int) -> Responses:
    """Return stamps of ``size`` (odd) of what ``kernels``, made for ``science_psf``, leave of pixels and points."""
    point = _stamp(science_psf * kernels.science_difference, kernels.shape, size)
    return Responses(
        science_pixel=_stamp(kernels.science_difference, kernels.shape, size),
        reference_pixel=_stamp(kernels.reference_difference, kernels.shape, size),
        point_source=point / point.sum(),
    )


def subtract_tile(
    science: FloatImage,
    reference: FloatImage,
    science_variance: FloatImage,
    reference_variance: FloatImage,
    kernels: Kernels,
) -> Tile:
    """Return D, S and V(S) of one tile whose arrays have ``kernels.shape`` and hold finite numbers only."""
    shape = kernels.shape
    n, r = fft.rfft2(science), fft.rfft2(reference)
    spread = fft.rfft2(science_variance)
    spread *= kernels.science_variance
    spread += fft.rfft2(reference_variance) * kernels.reference_variance
    variance = _back(spread, shape)
    np.maximum(variance, np.float32(1e-3) * variance.mean(), out=variance)
    score, difference = _back(kernels.science_score * n, shape), _back(kernels.science_difference * n, shape)
    score_reference = _back(kernels.reference_score * r, shape)
    from_reference = _back(kernels.reference_difference * r, shape)
    score -= score_reference
    difference -= from_reference
    return Tile(difference, from_reference, score, score_reference, variance)


def fill_masked(
    science: FloatImage, reference: FloatImage, bad: NDArray[np.bool_], kernels: Kernels, *, iterations: int
) -> FloatImage:
    """Return ``science`` with its ``bad`` pixels replaced such that D vanishes on them.

    The first guess is the reference; each round takes away what D still shows, in steps short enough for every spatial
    frequency to converge. What lies around a hole then sees neither an edge nor a missing source, so nothing rings.
    """
    filled = np.where(bad, reference, science)
    gain = np.abs(kernels.science_difference).max()
    r = kernels.reference_difference * fft.rfft2(reference)
    for _ in range(iterations):
        d = _back(kernels.science_difference * fft.rfft2(filled) - r, kernels.shape)
        filled[bad] -= d[bad] / gain
    return filled


def masked_weight(bad: NDArray[np.bool_], kernels: Kernels) -> FloatImage:
    """Return for every score pixel the part (0 to 1) of its matched filter that lies on ``bad`` pixels."""
    weight = np.abs(kernels.science_image) + np.abs(kernels.reference_image)
    weight /= weight.sum()
    return _back(fft.rfft2(bad.astype(np.float32)) * fft.rfft2(weight), kernels.shape)


def _terms_at(model: PsfModel, x_pix: float, y_pix: float) -> NDArray[np.float64]:
    ny, nx = model.frame_shape
    return polynomial_terms(2 * x_pix / max(nx - 1, 1) - 1, 2 * y_pix / max(ny - 1, 1) - 1, model.degree)


def _power(spectrum: Spectrum) -> FloatImage:
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def _stamp(spectrum: Spectrum, shape: tuple[int, int], size: int) -> FloatImage:
    """Transform back, with pixel (0, 0) moved to the centre of a stamp of ``size``."""
    image = np.roll(_back(spectrum.copy(), shape), (size // 2, size // 2), (0, 1))
    return np.asarray(image[:size, :size])


def _back(spectrum: Spectrum, shape: tuple[int, int]) -> FloatImage:
    return np.asarray(fft.irfft2(spectrum, s=shape))
