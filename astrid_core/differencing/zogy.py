"""Proper image subtraction of one tile (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27; "ZOGY").

Science N and reference R share one grid and one flux scale (F_n = F_r = 1, science counts) and have no background.
With PSFs P_n, P_r (hats: Fourier transforms) and background variances s_n^2, s_r^2 per pixel, write
W = s_n^2 |P_r^|^2 + s_r^2 |P_n^|^2. Then

    D^   = (P_r^ N^ - P_n^ R^) / sqrt(W)                           (eq. 13)
    F_D  = 1 / sqrt(s_n^2 + s_r^2)                                  (eq. 15)
    P_D^ = P_r^ P_n^ / (F_D sqrt(W))                                (eq. 14)
    S    = k_n * N - k_r * R,  k_n^ = conj(P_n^) |P_r^|^2 / W,  k_r^ = conj(P_r^) |P_n^|^2 / W      (eqs. 28, 29, 34)
    V(S) = k_n^2 * V(N) + k_r^2 * V(R)                              (eqs. 26, 27, 30, 31)

D is returned divided by F_D: science counts, so that a new source of flux F appears as F P_D.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid_core.shared.images import FloatImage

ComplexImage = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Kernels:
    """All that depends on the PSFs and the noise only, for tiles of ``shape``."""

    shape: tuple[int, int]
    science_score: ComplexImage
    """k_n^."""
    reference_score: ComplexImage
    science_variance: ComplexImage
    """Transform of k_n^2."""
    reference_variance: ComplexImage
    science_difference: ComplexImage
    """P_r^ / (F_D sqrt(W)): what N is convolved with in D."""
    reference_difference: ComplexImage
    mask_weight: ComplexImage
    """Transform of |k_n| + |k_r|, sum 1: how much each pixel says in a score."""
    flux_scale: float
    """F_S: the score of a source of unit flux at its centre (eq. 42)."""


@dataclass(frozen=True, slots=True)
class Responses:
    """What D shows of single things, on stamps as large as the larger PSF's."""

    science_pixel: FloatImage
    """Of unit light in one pixel of N."""
    reference_pixel: FloatImage
    """Of unit light in one pixel of R, its sign reversed."""
    point_source: FloatImage
    """P_D, sum 1."""


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


def make_kernels(
    science_psf: FloatImage,
    reference_psf: FloatImage,
    *,
    science_variance: float,
    reference_variance: float,
    shape: tuple[int, int],
) -> Kernels:
    """Return the kernels for one pair of PSF stamps (odd sides, sum 1) and background variances (counts^2)."""
    pn, pr = _transform(science_psf, shape), _transform(reference_psf, shape)
    pn2, pr2 = np.abs(pn) ** 2, np.abs(pr) ** 2
    w = science_variance * pr2 + reference_variance * pn2
    # Beyond both optical cut-offs W is rounding noise; a floor keeps the ratios finite where there is no signal.
    w = np.maximum(w, 1e-10 * w.max())
    kn, kr = np.conj(pn) * pr2 / w, np.conj(pr) * pn2 / w
    f_d = 1.0 / np.sqrt(science_variance + reference_variance)
    root = f_d * np.sqrt(w)
    kn_image, kr_image = fft.irfft2(kn, s=shape), fft.irfft2(kr, s=shape)
    weight = np.abs(kn_image) + np.abs(kr_image)
    half_plane = np.full(w.shape[1], 2.0)
    half_plane[0] = 1.0
    if shape[1] % 2 == 0:
        half_plane[-1] = 1.0
    flux_scale = float((pn2 * pr2 / w * half_plane).sum() / (shape[0] * shape[1]))
    return Kernels(
        shape=shape,
        science_score=_single(kn),
        reference_score=_single(kr),
        science_variance=_single(fft.rfft2(kn_image**2)),
        reference_variance=_single(fft.rfft2(kr_image**2)),
        science_difference=_single(pr / root),
        reference_difference=_single(pn / root),
        mask_weight=_single(fft.rfft2(weight / weight.sum())),
        flux_scale=flux_scale,
    )


def respond(science_psf: FloatImage, kernels: Kernels, *, size: int) -> Responses:
    """Return stamps of ``size`` (odd) of what ``kernels``, made for ``science_psf``, leave of pixels and points."""
    source = _transform(science_psf, kernels.shape) * kernels.science_difference
    point = _stamp(source, kernels.shape, size)
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
    n, r = fft.rfft2(science), fft.rfft2(reference)
    from_reference = _back(kernels.reference_difference * r, kernels.shape)
    score_reference = _back(kernels.reference_score * r, kernels.shape)
    spread = fft.rfft2(science_variance) * kernels.science_variance
    spread += fft.rfft2(reference_variance) * kernels.reference_variance
    variance = _back(spread, kernels.shape)
    d = kernels.science_difference * n - kernels.reference_difference * r
    score = _back(kernels.science_score * n, kernels.shape) - score_reference
    return Tile(
        difference=_back(d, kernels.shape),
        reference_difference=from_reference,
        score=score,
        reference_score=score_reference,
        score_variance=np.maximum(variance, 1e-3 * float(np.median(variance))).astype(np.float32),
    )


def fill_masked(
    science: FloatImage, reference: FloatImage, bad: NDArray[np.bool_], kernels: Kernels, *, iterations: int
) -> FloatImage:
    """Return ``science`` with its ``bad`` pixels replaced such that D vanishes on them.

    The first guess is the reference; each round takes away what D still shows, in steps short enough for every spatial
    frequency to converge. What lies around a hole then sees neither an edge nor a missing source, so nothing rings.
    """
    filled = np.where(bad, reference, science).astype(np.float32)
    gain = float(np.abs(kernels.science_difference).max())
    r = kernels.reference_difference * fft.rfft2(reference)
    for _ in range(iterations):
        d = _back(kernels.science_difference * fft.rfft2(filled) - r, kernels.shape)
        filled = np.where(bad, filled - d / np.float32(gain), filled).astype(np.float32)
    return filled


def masked_weight(bad: NDArray[np.bool_], kernels: Kernels) -> FloatImage:
    """Return for every score pixel the part (0 to 1) of its matched filter that lies on ``bad`` pixels."""
    return _back(fft.rfft2(bad.astype(np.float32)) * kernels.mask_weight, kernels.shape)


def _transform(stamp: FloatImage, shape: tuple[int, int]) -> NDArray[np.complex128]:
    """Transform a centred stamp with its centre moved to pixel (0, 0)."""
    frame = np.zeros(shape)
    frame[: stamp.shape[0], : stamp.shape[1]] = stamp
    return np.asarray(fft.rfft2(np.roll(frame, (-(stamp.shape[0] // 2), -(stamp.shape[1] // 2)), (0, 1))))


def _stamp(spectrum: NDArray[np.complexfloating], shape: tuple[int, int], size: int) -> FloatImage:
    """Transform back, with pixel (0, 0) moved to the centre of a stamp of ``size``."""
    image = np.roll(fft.irfft2(spectrum, s=shape), (size // 2, size // 2), (0, 1))
    return np.asarray(image[:size, :size], dtype=np.float32)


def _single(spectrum: NDArray[np.complexfloating]) -> ComplexImage:
    return spectrum.astype(np.complex64)


def _back(spectrum: ComplexImage, shape: tuple[int, int]) -> FloatImage:
    return np.asarray(fft.irfft2(spectrum, s=shape), dtype=np.float32)
