"""The convolution kernel that makes one image of the sky look like another, fitted on the light that both show.

After Alard & Lupton (1998, ApJ 503, 325) and Alard (2000, A&AS 144, 363), with one unknown per kernel pixel (Bramich
2008, MNRAS 386, L77) held smooth (Becker et al. 2012, MNRAS 425, 1341): K(x, y) = sum_p p(x, y) K_p, p a polynomial
term, minimises sum ((K * sharp - blurred)^2 / V) over stamps around bright sources. Stars, blends and galaxies all
serve, and no PSF need be known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from astrid_core.preprocessing.sources import detect_sources
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import SkyImage, terms_at

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_DETECT_SIGMA = 10.0
_CELLS = 6
_PER_CELL = 8
"""Stamps are the brightest so many of each of 6 x 6 parts of the frame: the fit must know all of it."""
_STAMPS_PER_TERM = 10
_MAX_DEGREE = 2
_MAX_HALF_PIX = 12
_ROUNDS = 4
_MODEL_ERROR = 0.003
"""Stars depart from any model by so much of their light."""
_ROUGHNESS = 0.02
"""How far a pixel of the kernel may lie from the mean of its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingKernel:
    """What the sharper image is convolved with."""

    coefficients: FloatArray
    """(n_terms, size, size): of the polynomial terms of position, as in ``PsfModel``."""
    degree: int
    frame_shape: tuple[int, int]
    covariance: FloatArray
    """(size^2, size^2): of the pixels of the kernel in the middle of the frame."""
    n_stamps: int
    chi2: float
    """Median over stamps of the reduced chi-square."""

    def at(self, x_pix: float, y_pix: float) -> FloatArray:
        """Return the kernel at a position of the frame: (size, size)."""
        return np.asarray(
            np.tensordot(terms_at(x_pix, y_pix, self.degree, self.frame_shape), self.coefficients, axes=1)
        )


@dataclass(frozen=True, slots=True)
class _Stamps:
    """What n stamps say of the kernel."""

    terms: FloatArray
    """(n, n_terms)."""
    normal: FloatArray
    """(n, n_k, n_k)."""
    wanted: FloatArray
    """(n, n_k)."""
    target2: FloatArray
    """(n,): the weighted sum of squares of what is to be explained."""
    n_pix: int


def fit_matching_kernel(sharp: SkyImage, blurred: SkyImage, *, fwhm_pix: float, min_stamps: int) -> MatchingKernel:
    """Return the kernel that brings ``sharp`` to ``blurred``, whose PSF is about ``fwhm_pix`` wide.

    Stamps that another kernel would suit better (variables, transients, moving objects) lose their weight.
    Raises TooFewSources.
    """
    half = min(_MAX_HALF_PIX, max(3, int(np.ceil(1.5 * fwhm_pix))))
    reach = max(6, int(np.ceil(3.0 * fwhm_pix)))
    rows, columns = _places(sharp, blurred, margin=half + reach)
    if len(rows) < min_stamps:
        raise TooFewSources("too few bright sources for a kernel", n_sources=len(rows), required=min_stamps)
    degree = max(d for d in range(_MAX_DEGREE + 1) if d == 0 or len(rows) >= _STAMPS_PER_TERM * (d + 1) * (d + 2) // 2)
    stamps = _measure(sharp, blurred, rows, columns, half=half, reach=reach, degree=degree)
    solution, covariance, chi2 = _solve(stamps, half)
    size = 2 * half + 1
    return MatchingKernel(
        coefficients=solution.reshape(-1, size, size),
        degree=degree,
        frame_shape=sharp.shape,
        covariance=covariance,
        n_stamps=len(rows),
        chi2=chi2,
    )


def _places(sharp: SkyImage, blurred: SkyImage, *, margin: int) -> tuple[IntArray, IntArray]:
    """Return rows and columns of bright sources whose surroundings are usable in both images."""
    bad = ~(sharp.usable & blurred.usable)
    noise = np.full(sharp.shape, np.sqrt(np.median(blurred.variance[~bad])), dtype=np.float32)
    found = detect_sources(blurred.pixels, noise, bad, threshold_sigma=_DETECT_SIGMA)
    y, x = np.rint(found.y_pix).astype(int), np.rint(found.x_pix).astype(int)
    ny, nx = sharp.shape
    inside = (y >= margin) & (y < ny - margin) & (x >= margin) & (x < nx - margin)
    y, x = y[inside], x[inside]
    sums = np.pad(bad.astype(np.int32), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    top, bottom, left, right = y - margin, y + margin + 1, x - margin, x + margin + 1
    spoiled = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    y, x = y[spoiled == 0], x[spoiled == 0]
    cell = y * _CELLS // ny * _CELLS + x * _CELLS // nx
    # Sources come brightest first.
    chosen = np.concatenate([np.flatnonzero(cell == one)[:_PER_CELL] for one in range(_CELLS**2)])
    return y[chosen], x[chosen]


def _measure(
    sharp: SkyImage, blurred: SkyImage, rows: IntArray, columns: IntArray, *, half: int, reach: int, degree: int
) -> _Stamps:
    size, side = 2 * half + 1, 2 * reach + 1
    terms, normal, wanted, target2 = [], [], [], []
    for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
        near, wide = np.s_[y - reach : y + reach + 1, x - reach : x + reach + 1], half + reach
        variance = blurred.variance[near] + sharp.variance[near]
        weight = 1.0 / (variance + (_MODEL_ERROR * blurred.pixels[near]) ** 2).ravel().astype(np.float64)
        block = sharp.pixels[y - wide : y + wide + 1, x - wide : x + wide + 1].astype(np.float64)
        # Convolution turns the kernel round: its pixel (i, j) sees the image shifted by (half - i, half - j).
        basis = sliding_window_view(block, (side, side))[::-1, ::-1].reshape(size * size, side * side)
        target = blurred.pixels[near].ravel().astype(np.float64)
        # What is left of the background is each stamp's own.
        basis = basis - (basis @ weight)[:, None] / weight.sum()
        target = target - target @ weight / weight.sum()
        weighted = basis * weight
        terms.append(terms_at(x, y, degree, sharp.shape))
        normal.append(weighted @ basis.T)
        wanted.append(weighted @ target)
        target2.append(float((weight * target**2).sum()))
    return _Stamps(np.array(terms), np.array(normal), np.array(wanted), np.array(target2), side * side)


def _solve(stamps: _Stamps, half: int) -> tuple[FloatArray, FloatArray, float]:
    """Return K_p (n_terms, n_k), the covariance of the kernel in the middle of the frame, and the median chi-square."""
    n_terms, n_k = stamps.terms.shape[1], stamps.wanted.shape[1]
    prior = np.kron(np.eye(n_terms), _roughness(2 * half + 1) / _ROUGHNESS**2)
    weight = np.ones(len(stamps.terms))
    for _ in range(_ROUNDS):
        pairs = np.einsum("s,sp,sq->pqs", weight, stamps.terms, stamps.terms)
        normal = np.tensordot(pairs, stamps.normal, axes=1).transpose(0, 2, 1, 3).reshape(n_terms * n_k, -1)
        wanted = np.einsum("s,sp,sk->pk", weight, stamps.terms, stamps.wanted).ravel()
        solution = np.linalg.solve(normal + prior, wanted).reshape(n_terms, n_k)
        kernels = stamps.terms @ solution
        explained = np.einsum("sk,skl,sl->s", kernels, stamps.normal, kernels)
        chi2 = (stamps.target2 - 2.0 * (kernels * stamps.wanted).sum(axis=1) + explained) / stamps.n_pix
        typical = max(1.0, float(np.median(chi2)))
        weight = 1.0 / np.maximum(1.0, chi2 / (2.0 * typical)) ** 2
    covariance = typical * np.linalg.inv(normal + prior)[:n_k, :n_k]
    return solution, covariance, float(np.median(chi2))


def _roughness(size: int) -> FloatArray:
    """Return the quadratic form of how far each pixel lies from the mean of its neighbours, none beyond the edge."""
    line = np.eye(size, k=1) + np.eye(size, k=-1)
    mean = (np.kron(line, np.eye(size)) + np.kron(np.eye(size), line)) / 4.0
    bend = np.eye(size * size) - mean
    return np.asarray(bend.T @ bend)
