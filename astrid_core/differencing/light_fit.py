"""Fit what static sources leave in the score: by displacement, flux scale and PSF width that vary over the frame.

The score S of two images of an unchanging sky holds sum_m c_m(x, y) T_m, with T = k_r * R and its derivatives T_m (see
``fields``). The c_m are quadratic splines over the frame, fitted where T is significant, robustly, so that what changed
in the sky has no say, and under priors, so that they vanish where there is nothing to fit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.fields import N_MODES, Field, FloatArray, IntArray, around, shapes
from astrid_core.differencing.planes import Planes
from astrid_core.shared.images import FloatImage
from astrid_core.shared.robust import sigma_of

_LIT_SIGMA = 4.0
_STRIDE = 3
"""Of the pixels of the score, which is wider than this: its neighbours say nothing new."""
_MIN_SOURCES = 8
"""Fewer cannot tell a wrong flux scale from variables."""
_MODEL_ERROR = 0.003
"""Stars depart from any model by so much of their light: beyond 300 sigma brighter ones have no more weight."""
_ROUNDS = 5
_SPLINE = 3


@dataclass(frozen=True, slots=True)
class Samples:
    """Pixels where both images hold significant light."""

    y: IntArray
    x: IntArray
    shapes: FloatArray
    """(6, n): T and its derivatives."""
    score: FloatArray
    variance: FloatArray

    def of(self, field: Field) -> FloatArray:
        """Return the coefficients of ``field`` here: (6, n)."""
        # Most of the grid that samples lie on is dark, and still faster to compute than pixel by pixel.
        return field.every(_STRIDE)[:, self.y // _STRIDE, self.x // _STRIDE].astype(np.float64)

    def explained(self, field: Field) -> FloatArray:
        """Return the score that ``field`` makes of the light: (n,)."""
        return np.asarray((self.of(field) * self.shapes).sum(axis=0))


@dataclass(frozen=True, slots=True)
class Doubt:
    """How well the coefficients are known: their covariance in the middle of each cell between knots."""

    covariance: FloatArray
    """(n_i, n_j, 6, 6)."""
    shape: tuple[int, int]

    def variance(self, y: IntArray, x: IntArray, modes: NDArray[np.floating]) -> FloatArray:
        """Return the variance that the fit leaves in S at n pixels with the light and derivatives ``modes`` (6, n)."""
        n_i, n_j = self.covariance.shape[:2]
        cell = y * n_i // self.shape[0] * n_j + x * n_j // self.shape[1]
        found = np.zeros(len(y))
        for one in np.unique(cell):
            chosen = np.flatnonzero(cell == one)
            part = modes[:, chosen]
            found[chosen] = (part * (self.covariance[one // n_j, one % n_j] @ part)).sum(axis=0)
        return found


@dataclass(frozen=True, slots=True)
class LightFit:
    """What static sources leave, and how well that is known."""

    field: Field
    """The coefficients c_m."""
    doubt: Doubt
    samples: Samples
    repeated: float
    """Score pixels are correlated over the PSF: so many samples say as much as one."""
    n_sources: int
    rms_shift_pix: float
    """Of the displacement per axis that was taken out, over the samples."""


def fit_light(
    planes: Planes, usable: NDArray[np.bool_], known: Field, *, spacing_pix: int, fwhm_pix: float
) -> LightFit:
    """Return the coefficients that explain the score where the reference holds light, ``known`` ones included."""
    samples = _samples(planes, usable)
    sources = _n_sources(planes, samples)
    repeated = max(1.0, 4.0 * np.pi * (fwhm_pix / 2.3548) ** 2 / _STRIDE**2)
    bases = [_spline_basis(side, max(1, round(side / spacing_pix))) for side in planes.score.shape]
    if sources < _MIN_SOURCES:
        none = Doubt(np.zeros((1, 1, N_MODES, N_MODES)), planes.score.shape)
        return LightFit(known, none, samples, repeated, sources, 0.0)
    values, covariance = _fit(samples, known, bases, _priors(fwhm_pix), repeated)
    fitted, doubt = Field(bases[0], values, bases[1]), Doubt(_in_cells(covariance), planes.score.shape)
    shift = samples.of(fitted)[1:3]
    return LightFit(fitted.plus(known), doubt, samples, repeated, sources, float(np.sqrt((shift**2).mean())))


def _in_cells(covariance: FloatArray) -> FloatArray:
    """Return the covariance of the coefficients in the middle of each cell from that of all knots: (n_i, n_j, 6, 6)."""
    middle = np.array([0.125, 0.75, 0.125])
    n_i, n_j = covariance.shape[1] - _SPLINE + 1, covariance.shape[2] - _SPLINE + 1
    found = np.zeros((n_i, n_j, N_MODES, N_MODES))
    for i in range(n_i):
        for j in range(n_j):
            part = covariance[:, i : i + _SPLINE, j : j + _SPLINE, :, i : i + _SPLINE, j : j + _SPLINE]
            found[i, j] = np.einsum("maincj,a,i,c,j->mn", part, middle, middle, middle, middle)
    return found


def _samples(planes: Planes, usable: NDArray[np.bool_]) -> Samples:
    ny, nx = planes.score.shape
    part = np.s_[_STRIDE : ny - _STRIDE : _STRIDE, _STRIDE : nx - _STRIDE : _STRIDE]
    limit = np.float32(_LIT_SIGMA) * np.sqrt(planes.score_variance[part])
    # What only one of the images shows has come or gone: no displacement explains it.
    reference = planes.reference_score[part]
    lit = (reference > limit) & (reference + planes.score[part] > limit) & usable[part]
    y, x = (_STRIDE * (one + 1) for one in np.nonzero(lit))
    return Samples(
        y=y,
        x=x,
        shapes=np.array(shapes(around(planes.reference_score, y, x)), dtype=np.float64),
        score=planes.score[y, x].astype(np.float64),
        variance=planes.score_variance[y, x].astype(np.float64),
    )


def _n_sources(planes: Planes, samples: Samples) -> int:
    """Count the bright peaks of the reference, to the accuracy of the samples."""
    bright = samples.shapes[0] > 2.0 * _LIT_SIGMA * np.sqrt(samples.variance)
    y, x = samples.y[bright], samples.x[bright]
    at, own = around(planes.reference_score, y, x), samples.shapes[0][bright]
    near = (-_STRIDE, 0, _STRIDE)
    higher = np.max([at(dy, dx) for dy in near for dx in near], axis=0, initial=-np.inf)
    return int((own >= higher).sum())


def _priors(fwhm_pix: float) -> tuple[FloatArray, FloatArray]:
    """Return for each coefficient how large it may be, and by how much it may differ between neighbouring knots."""
    width2 = (fwhm_pix / 2.3548) ** 2
    size = np.array([0.1, 0.3, 0.3, 0.1 * width2, 0.1 * width2, 0.1 * width2])
    change = np.array([0.003, 0.2, 0.2, 0.005 * width2, 0.005 * width2, 0.005 * width2])
    return size, change


def _fit(
    samples: Samples, known: Field, bases: list[FloatArray], priors: tuple[FloatArray, FloatArray], repeated: float
) -> tuple[FloatArray, FloatArray]:
    """Return the coefficients at the knots (6, n_i, n_j), and their covariance."""
    sigma = np.sqrt(samples.variance + (_MODEL_ERROR * samples.shapes[0]) ** 2)
    # Single precision: sums of some thousand products, held by the priors, need no more, and cost half.
    design = (samples.shapes / sigma).astype(np.float32)
    target = samples.score - samples.explained(known)
    target = (target / sigma).astype(np.float32)
    rigid: FloatArray = np.zeros(N_MODES)
    for _ in range(_ROUNDS):
        weight, _ = _weights(target - rigid @ design)
        normal = (design * weight) @ design.T / repeated + np.diag(priors[0] ** -2.0)
        rigid = np.asarray(np.linalg.solve(normal, design @ (weight * target) / repeated))
    cells = _cells(samples, bases, design)
    prior = _prior_matrix(priors, bases[0].shape[1], bases[1].shape[1])
    rest = np.asarray(target - rigid @ design)
    for _ in range(_ROUNDS - 2):
        weight, scale = _weights(rest)
        normal, wanted = prior.copy(), np.zeros(len(prior))
        for chosen, index, rows in cells:
            weighted = rows * (weight[chosen] / repeated).astype(np.float32)
            normal[np.ix_(index, index)] += weighted @ rows.T
            wanted[index] += weighted @ target[chosen]
        solution = np.asarray(np.linalg.solve(normal, wanted), dtype=np.float64)
        for chosen, index, rows in cells:
            rest[chosen] = target[chosen] - solution[index].astype(np.float32) @ rows
    shape = (N_MODES, bases[0].shape[1], bases[1].shape[1])
    return solution.reshape(shape), np.asarray(scale**2 * np.linalg.inv(normal).reshape(*shape, *shape))


def _weights(rest: NDArray[np.floating]) -> tuple[FloatArray, float]:
    """Return weights that fall with what the fit leaves, and its robust scale: what changed must not steer it."""
    scale = max(1.0, sigma_of(rest))
    return np.asarray(1.0 / np.maximum(1.0, np.abs(rest) / (2.0 * scale)) ** 2), scale


def _cells(
    samples: Samples, bases: list[FloatArray], design: FloatImage
) -> list[tuple[IntArray, IntArray, FloatImage]]:
    """Return for each cell between knots its samples, the 54 unknowns that act there, and what each does to them: six
    shapes by nine splines.
    """
    n_i, n_j = bases[0].shape[1], bases[1].shape[1]
    first = [np.argmax(basis > 0.0, axis=1) for basis in bases]
    i, j = first[0][samples.y], first[1][samples.x]
    # The last pixel may lie on a knot.
    i, j = np.minimum(i, n_i - _SPLINE), np.minimum(j, n_j - _SPLINE)
    cell = i * n_j + j
    order = np.argsort(cell, kind="stable")
    cuts = np.flatnonzero(np.diff(cell[order])) + 1
    found = []
    for chosen in np.split(order, cuts):
        if not len(chosen):
            continue
        rows, columns = i[chosen[0]] + np.arange(_SPLINE), j[chosen[0]] + np.arange(_SPLINE)
        knots = (rows[:, None] * n_j + columns).ravel()
        index = (np.arange(N_MODES)[:, None] * (n_i * n_j) + knots).ravel()
        by, bx = bases[0][samples.y[chosen]][:, rows], bases[1][samples.x[chosen]][:, columns]
        local = (by[:, :, None] * bx[:, None, :]).reshape(len(chosen), -1).T.astype(np.float32)
        found.append((chosen, index, (design[:, None, chosen] * local).reshape(-1, len(chosen))))
    return found


def _prior_matrix(priors: tuple[FloatArray, FloatArray], n_i: int, n_j: int) -> FloatArray:
    def stiffness(n: int) -> FloatArray:
        steps = np.diff(np.eye(n), axis=0)
        return np.asarray(steps.T @ steps)

    rough = np.kron(stiffness(n_i), np.eye(n_j)) + np.kron(np.eye(n_i), stiffness(n_j))
    size, change = priors
    return np.asarray(
        np.kron(np.diag(size**-2.0), np.eye(n_i * n_j)) + np.kron(np.diag(change**-2.0), rough), np.float64
    )


def _spline_basis(side: int, n_cells: int) -> FloatArray:
    """Return the n_cells + 2 uniform quadratic B-splines over an axis: (side, n_cells + 2), rows sum to 1."""
    at = np.arange(side) / max(side - 1, 1) * n_cells
    cell = np.minimum(at.astype(int), n_cells - 1)
    f = at - cell
    basis = np.zeros((side, n_cells + 2))
    for step, values in enumerate((0.5 * (1 - f) ** 2, 0.5 + f * (1 - f), 0.5 * f**2)):
        basis[np.arange(side), cell + step] = values
    return basis
