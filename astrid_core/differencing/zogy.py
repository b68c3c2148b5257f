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
of single precision: their rounding, 1e-7 of the PSF's sum, lies far below any sky noise. All of it works on arrays of
any library of the array API standard (see ``arrays``).
"""

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from astrid_core.differencing.arrays import Array, irfft2, rfft2, to_host
from astrid_core.differencing.planes import Responses
from astrid_core.shared.images import FloatImage, PsfModel, terms_at


@dataclass(frozen=True, slots=True)
class PsfSpectrum:
    """The transforms of the terms of a PSF polynomial on tiles of ``shape``."""

    model: PsfModel
    shape: tuple[int, int]
    terms: Array
    """(n_terms, ny, nx // 2 + 1), the centre of the stamp at pixel (0, 0)."""

    def at(self, x_pix: float, y_pix: float) -> Array:
        """Return the transform of the PSF, sum 1, at a position of the frame."""
        if self.model.degree == 0:
            return self.terms[0, :, :] / float(self.model.coefficients[0].sum())
        share = terms_at(x_pix, y_pix, self.model.degree, self.model.frame_shape)
        share /= share @ self.model.coefficients.sum(axis=(1, 2))
        xp = array_namespace(self.terms)
        return xp.tensordot(xp.asarray(share, dtype=self.terms.dtype), self.terms, axes=1)


@dataclass(frozen=True, slots=True)
class Kernels:
    """All that depends on the PSFs and the noise only, for tiles of ``shape``."""

    shape: tuple[int, int]
    science_score: Array
    """k_n^."""
    reference_score: Array
    science_variance: Array
    """Transform of k_n^2."""
    reference_variance: Array
    science_difference: Array
    """P_r^ / (F_D sqrt(W)): what N is convolved with in D."""
    reference_difference: Array
    science_image: Array
    """k_n, its centre at pixel (0, 0)."""
    reference_image: Array


@dataclass(frozen=True, slots=True)
class Tile:
    """One subtracted tile; arrays (ny, nx)."""

    difference: Array
    """D / F_D, science counts."""
    reference_difference: Array
    """The part of D that came from the reference."""
    score: Array
    """S."""
    reference_score: Array
    """k_r * R, the reference's share of S."""


def transform_psf(model: PsfModel, shape: tuple[int, int], arrays: ModuleType = np) -> PsfSpectrum:
    """Return the transforms of the terms of ``model`` on tiles of ``shape``, computed by the library ``arrays``."""
    near = np.arange(model.size) - model.size // 2
    terms = []
    for stamp in model.coefficients:
        frame = np.zeros(shape, dtype=np.float32)
        # Negative indices wrap to where they belong.
        frame[np.ix_(near, near)] = stamp
        terms.append(rfft2(arrays.asarray(frame)))
    return PsfSpectrum(model, shape, arrays.stack(terms))


def make_kernels(
    science_psf: Array,
    reference_psf: Array,
    *,
    science_variance: float,
    reference_variance: float,
    shape: tuple[int, int],
) -> Kernels:
    """Return the kernels for the transforms of one pair of PSFs and background variances (counts^2)."""
    xp = array_namespace(science_psf, reference_psf)
    pn2, pr2 = _power(science_psf), _power(reference_psf)
    # In place wherever the standard allows it: fresh memory costs as much as the sums.
    w = science_variance * pr2
    w += reference_variance * pn2
    # Beyond both optical cut-offs W is rounding noise; a floor keeps the ratios finite where there is no signal.
    w = xp.clip(w, min=1e-10 * float(xp.max(w)))
    pr2 /= w
    pn2 /= w
    kn, kr = xp.conj(science_psf), xp.conj(reference_psf)
    kn *= pr2
    kr *= pn2
    w /= science_variance + reference_variance
    root = 1.0 / xp.sqrt(w)
    kn_image, kr_image = irfft2(kn, shape), irfft2(kr, shape)
    return Kernels(
        shape=shape,
        science_score=kn,
        reference_score=kr,
        science_variance=rfft2(kn_image * kn_image),
        reference_variance=rfft2(kr_image * kr_image),
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
    kernel = to_host(kernels.science_image)[np.ix_(back, back)].astype(np.float64)
    seen = np.tensordot(psf.coefficients, kernel, axes=2)
    total = psf.coefficients.sum(axis=(1, 2))
    shares = np.array([terms_at(x, y, psf.degree, psf.frame_shape) for x, y in zip(x_pix, y_pix, strict=True)])
    return np.asarray((shares @ seen) / (shares @ total), dtype=np.float32)


def respond(science_psf: Array, kernels: Kernels, *, size: int) -> Responses:
    """Return stamps of ``size`` (odd) of what ``kernels``, made for ``science_psf``, leave of pixels and points."""
    point = _stamp(science_psf * kernels.science_difference, kernels.shape, size)
    return Responses(
        science_pixel=_stamp(kernels.science_difference, kernels.shape, size),
        reference_pixel=_stamp(kernels.reference_difference, kernels.shape, size),
        point_source=point / point.sum(),
    )


def score_variance(science_variance: Array, reference_variance: Array, kernels: Kernels) -> Array:
    """Return V(S), from photon, sky and read noise, of one tile whose pixels have these variances."""
    spread = rfft2(science_variance)
    spread *= kernels.science_variance
    spread += rfft2(reference_variance) * kernels.reference_variance
    variance = irfft2(spread, kernels.shape)
    xp = array_namespace(variance)
    return xp.clip(variance, min=1e-3 * float(xp.mean(variance)))


def subtract_tile(science: Array, reference: Array, kernels: Kernels) -> Tile:
    """Return D and S of one tile whose arrays have ``kernels.shape`` and hold finite numbers only."""
    n, r = rfft2(science), rfft2(reference)
    score = irfft2(kernels.science_score * n, kernels.shape)
    n *= kernels.science_difference
    difference = irfft2(n, kernels.shape)
    score_reference = irfft2(kernels.reference_score * r, kernels.shape)
    r *= kernels.reference_difference
    from_reference = irfft2(r, kernels.shape)
    score -= score_reference
    difference -= from_reference
    return Tile(difference, from_reference, score, score_reference)


def fill_masked(science: Array, reference: Array, bad: Array, kernels: Kernels, *, iterations: int) -> Array:
    """Return ``science`` with its ``bad`` pixels replaced such that D vanishes on them.

    The first guess is the reference; each round takes away what D still shows, in steps short enough for every spatial
    frequency to converge. What lies around a hole then sees neither an edge nor a missing source, so nothing rings.
    """
    xp = array_namespace(science)
    filled = xp.where(bad, reference, science)
    gain = float(xp.max(xp.abs(kernels.science_difference)))
    r = kernels.reference_difference * rfft2(reference)
    for _ in range(iterations):
        d = irfft2(kernels.science_difference * rfft2(filled) - r, kernels.shape)
        filled = xp.where(bad, filled - d / gain, filled)
    return filled


def masked_weight(bad: Array, kernels: Kernels) -> Array:
    """Return for every score pixel the part (0 to 1) of its matched filter that lies on ``bad`` pixels."""
    xp = array_namespace(kernels.science_image)
    weight = xp.abs(kernels.science_image) + xp.abs(kernels.reference_image)
    weight /= xp.sum(weight)
    return irfft2(rfft2(xp.astype(bad, weight.dtype)) * rfft2(weight), kernels.shape)


def _power(spectrum: Array) -> Array:
    xp = array_namespace(spectrum)
    power = xp.real(spectrum) ** 2
    power += xp.imag(spectrum) ** 2
    return power


def _stamp(spectrum: Array, shape: tuple[int, int], size: int) -> FloatImage:
    """Transform back, with pixel (0, 0) moved to the centre of a stamp of ``size``."""
    image = np.roll(to_host(irfft2(spectrum, shape)), (size // 2, size // 2), (0, 1))
    return np.asarray(image[:size, :size])
