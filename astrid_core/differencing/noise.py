"""What is left over after the subtraction, and how much noise it stands for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import nnls

from astrid_core.differencing.fields import FloatArray, IntArray, around
from astrid_core.differencing.planes import Planes
from astrid_core.shared.images import FloatImage

_MIN_SAMPLE = 200
_MIN_GROUP = 30
_MIN_SNR = 10.0
_MAX_ASTROMETRIC_PIX = 0.3
_MAX_PSF_ERROR = 0.04
_MAX_SCALE_ERROR = 0.03
_CHI2_MEDIAN = 0.4549364
"""Median of the square of a standard normal deviate."""
_CELL_PIX = 256
_MIN_CELL_SAMPLE = 1000
_STAMP_PIX = 10_000
_MAX_STRIDE = 3
_ENOUGH_PIX = 250_000
_STRONG_SIGMA = 4.5


@dataclass(frozen=True, slots=True)
class Scene:
    """What both images show at n pixels, as the score sees it, in units of S: of each the smaller of the two images'.

    Only what stays can be subtracted badly: a source that came or went must not pay for its own gradient.
    """

    light: FloatImage
    gradient2: FloatImage
    """Squared gradient, per pixel^2."""
    curvature: FloatImage
    """Absolute Laplacian, per pixel^2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualNoise:
    """Three reasons why a difference is noisier on sources than photons and read noise say.

    Each ends where noise does: what exceeds these bounds is a failed registration or another colour, and hiding it
    would hide the sky.
    """

    astrometric_pix: float = 0.0
    """Residual misregistration per axis (ZOGY eqs. 36-38)."""
    psf: float = 0.0
    """Residual error of the PSF widths, pixel^2: a wrong PSF moves light only where light is curved."""
    flux_scale: float = 0.0
    """Residual relative error of the flux scale, which includes colour differences. Errors of one source are fully
    correlated over its pixels, so their variance is that of the light, not of a sum of pixels.
    """

    def variance(self, scene: Scene) -> FloatImage:
        """Return the variance that these add to V(S)."""
        extra = np.float32(self.astrometric_pix**2) * scene.gradient2
        extra = extra + np.float32(self.psf**2) * scene.curvature**2
        return np.asarray(extra + np.float32(self.flux_scale**2) * scene.light**2)


def scene_at(planes: Planes, y: IntArray, x: IntArray) -> Scene:
    """Return what both images show at n pixels at least one from the edge of the frame."""
    reference, rest = around(planes.reference_score, y, x), around(planes.score, y, x)

    def both(dy: int, dx: int) -> FloatImage:
        light = reference(dy, dx)
        return np.stack([light, light + rest(dy, dx)])

    here, left, right, below, above = both(0, 0), both(0, -1), both(0, 1), both(-1, 0), both(1, 0)
    gradient2 = (np.square(right - left) + np.square(above - below)) * np.float32(0.25)
    bend = np.abs(left + right + below + above - 4 * here)
    return Scene(np.maximum(here.min(axis=0), 0.0), gradient2.min(axis=0), bend.min(axis=0))


def fit_residual_noise(
    rest: FloatArray, variance: FloatArray, scene: Scene, *, fwhm_pix: float, repeated: float
) -> ResidualNoise:
    """Measure what explains ``rest``^2 - ``variance`` of n score pixels where both images hold bright sources;
    ``repeated`` of them say as much as one.

    Pixels are grouped by brightness and by how sharp the light is there; the median of S^2 / V of each group, against
    the 0.4549 of pure noise, gives its excess, so that transients, variables and single bad stars have no say. The
    excess is then shared among three non-negative causes (see ResidualNoise).
    """
    snr = scene.light / np.sqrt(variance)
    chosen = snr > _MIN_SNR
    if chosen.sum() < _MIN_SAMPLE:
        return ResidualNoise()
    v, snr = variance[chosen], snr[chosen]
    chi2 = rest[chosen] ** 2 / v
    light = scene.light[chosen].astype(float)
    causes = np.stack(
        [scene.gradient2[chosen] / v, scene.curvature[chosen].astype(float) ** 2 / v, light**2 / v], axis=1
    )
    brightness = np.minimum(np.log10(snr / _MIN_SNR) * 3.0, 8.0).astype(int)
    sharpness = causes[:, 1] / causes[:, 2]
    # Where few sources say anything, they are not told apart.
    n_sharp = int(np.clip(chosen.sum() / repeated / _MIN_GROUP / 8.0, 1.0, 4.0))
    group = brightness * n_sharp + np.digitize(sharpness, np.quantile(sharpness, np.arange(1, n_sharp) / n_sharp))
    rows, excess = [], []
    for one in np.unique(group):
        members = group == one
        if members.sum() < _MIN_GROUP:
            continue
        level = float(np.median(chi2[members])) / _CHI2_MEDIAN
        # The error of the median of n squares of normal deviates is 2.33 medians over sqrt(n).
        doubt = 2.33 * max(1.0, level) * np.sqrt(repeated / members.sum())
        rows.append(np.median(causes[members], axis=0) / doubt)
        # Causes cannot be negative, so they would fit every upward fluctuation: only what exceeds the doubt counts.
        excess.append((level - 1.0) / doubt - 1.0)
    if not rows:
        return ResidualNoise()
    design = np.array(rows)
    size = np.maximum(np.abs(design).max(axis=0), 1e-30)
    solution, _ = nnls(design / size, np.array(excess))
    astrometric2, psf2, scale2 = solution / size
    return ResidualNoise(
        astrometric_pix=min(float(np.sqrt(astrometric2)), _MAX_ASTROMETRIC_PIX),
        psf=min(float(np.sqrt(psf2)), _MAX_PSF_ERROR * (fwhm_pix / 2.3548) ** 2),
        flux_scale=min(float(np.sqrt(scale2)), _MAX_SCALE_ERROR),
    )


def add_psf_model_noise(
    variance: FloatImage, light: FloatImage, *, per_light2: float, quiet: float, reach_pix: int
) -> None:
    """Add to ``variance`` of S, in place, what errors of the PSF models add around bright point sources.

    A PSF is known no better than its stars are bright: a star that outshines them leaves its flux times the error of
    the model, over the whole stamp. ``light`` is the reference's share of S, ``per_light2`` the variance that a peak of
    unit light leaves, ``quiet`` the variance of S on the sky, below a tenth of which stars are passed over.
    """
    if per_light2 <= 0.0:
        return
    margin = 2
    ny, nx = light.shape
    y, x = np.nonzero(light[margin : ny - margin, margin : nx - margin] > np.sqrt(0.1 * quiet / per_light2))
    y, x = y + margin, x + margin
    at, near = around(light, y, x), range(-margin, margin + 1)
    own = at(0, 0)
    peak = np.all([own >= at(dy, dx) for dy in near for dx in near], axis=0)
    side = np.arange(-reach_pix, reach_pix + 1)
    disc = (np.hypot(side[:, None], side[None, :]) <= reach_pix).astype(np.float32)
    for row, column, height in zip(y[peak], x[peak], own[peak], strict=True):
        top, left = max(0, row - reach_pix), max(0, column - reach_pix)
        part = variance[top : row + reach_pix + 1, left : column + reach_pix + 1]
        down, across = top - row + reach_pix, left - column + reach_pix
        part += np.float32(height**2 * per_light2) * disc[down:, across:][: part.shape[0], : part.shape[1]]


def robust_sigma(values: NDArray[np.floating]) -> float:
    """Return half the distance between the 16th and the 84th percentile: the standard deviation of normal deviates."""
    low, high = np.percentile(values, [15.8655, 84.1345])
    return float(high - low) / 2.0


def _thinned(values: FloatImage) -> FloatImage:
    return values[:: max(1, len(values) // 500_000)]


def measure_noise(score: FloatImage, planes: Planes, usable: NDArray[np.bool_]) -> tuple[float, FloatImage]:
    """Return the standard deviation of a score where its pixels hold no light, and its map on cells of 256 pixels.

    Resampling, coadding and drizzling correlate noise, and a per-pixel variance cannot know it; the score itself does.
    Cells differ by chance, too: of the map's departure from the whole as much is kept as exceeds that. Where sources
    leave no sky, all usable pixels count. A stamp of fewer than ten thousand usable pixels is too small to say, its
    sources being most of it: there the variance of the pixels is taken at its word, and 1 returned.
    """
    if usable.sum() < _STAMP_PIX:
        return 1.0, np.ones((1, 1), dtype=np.float32)
    step = min(_MAX_STRIDE, max(1, round(float(np.sqrt(score.size / _ENOUGH_PIX)))))
    part = np.s_[::step, ::step]
    score, usable = score[part], usable[part]
    # The mean of both images, so that exchanging them changes nothing.
    light = planes.reference_score[part] + np.float32(0.5) * planes.score[part]
    sky = usable & (light < 2.0 * np.sqrt(planes.score_variance[part]))
    if sky.sum() < _MIN_SAMPLE:
        sky = usable
    # What stands out is no noise; nor is what lies around it.
    strong = np.abs(score) > _STRONG_SIGMA * robust_sigma(_thinned(score[sky]))
    sky &= ~ndimage.binary_dilation(strong, iterations=2) if (sky & ~strong).sum() >= _MIN_SAMPLE else sky
    whole = robust_sigma(_thinned(score[sky]))
    n = [max(1, round(step * side / _CELL_PIX)) for side in score.shape]
    edges = [np.linspace(0, side, count + 1).round().astype(int) for side, count in zip(score.shape, n, strict=True)]
    ratio, spread2 = np.ones(n, dtype=np.float64), np.zeros(n)
    for i in range(n[0]):
        for j in range(n[1]):
            cell = np.s_[edges[0][i] : edges[0][i + 1], edges[1][j] : edges[1][j + 1]]
            inside = score[cell][sky[cell]]
            if len(inside) >= _MIN_CELL_SAMPLE:
                ratio[i, j] = robust_sigma(inside) / whole
                spread2[i, j] = 1.0 / len(inside)
    ratio = ndimage.median_filter(ratio, 3, mode="nearest") if ratio.size > 1 else np.ones_like(ratio)
    # The percentiles of n correlated values scatter by about sigma / sqrt(n); the filter halves that.
    by_chance = float(spread2.mean())
    real = max(0.0, 1.0 - by_chance / max(float(np.var(ratio)), 1e-30)) if ratio.size > 1 else 0.0
    return whole, (whole * (1.0 + real * (ratio - 1.0))).astype(np.float32)
