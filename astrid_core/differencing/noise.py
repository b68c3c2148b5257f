"""What is left over after the subtraction, and how much noise it stands for."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import nnls

from astrid_core.differencing.zogy import Tile
from astrid_core.shared.images import FloatImage

_MAX_SAMPLE = 200_000
_MIN_SAMPLE = 200
_MAX_ASTROMETRIC_PIX = 0.3
_MAX_PSF_ERROR = 0.04
_MAX_SCALE_ERROR = 0.03
_CHI2_MEDIAN = 0.4549364
"""Median of the square of a standard normal deviate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCorrection:
    """How one tile of the reference must still be moved and scaled, to first order."""

    dx_pix: float
    dy_pix: float
    scale: float

    def apply(self, tile: Tile) -> Tile:
        """Return the tile with the correction taken out of D and S."""
        if self.dx_pix == 0.0 and self.dy_pix == 0.0 and self.scale == 0.0:
            return tile
        return replace(
            tile,
            difference=tile.difference - self._of(tile.reference_difference),
            score=tile.score - self._of(tile.reference_score),
        )

    def _of(self, plane: FloatImage) -> FloatImage:
        gy, gx = np.gradient(plane)
        return (self.dx_pix * gx + self.dy_pix * gy + self.scale * plane).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Scene:
    """What both images show, as the score sees it: planes (ny, nx) in units of S."""

    light: FloatImage
    """The smaller of k_n * N and k_r * R."""
    gradient2: FloatImage
    """Squared gradient of the light, per pixel^2."""
    curvature: FloatImage
    """Absolute Laplacian of the light, per pixel^2."""


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
    """Residual relative error of the flux scale, which includes colour differences."""

    def variance(self, scene: Scene) -> FloatImage:
        """Return the variance that these add to V(S)."""
        extra = np.float32(self.astrometric_pix**2) * scene.gradient2
        extra = extra + np.float32(self.psf**2) * scene.curvature**2
        return np.asarray(extra + np.float32(self.flux_scale**2) * scene.light**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedScore:
    """A score of unit variance, and the factor that made it so."""

    score: FloatImage
    noise: float


def local_correction(tile: Tile, holes: NDArray[np.bool_]) -> LocalCorrection:
    """Fit shift and flux scale of the reference on the score image, robustly, where it holds significant sources.

    To first order a reference displaced by (dx, dy) and scaled by 1 + a leaves dx dS_r/dx + dy dS_r/dy + a S_r in S.
    A weak prior (0.3 px, 10 %) keeps tiles without sources at zero.
    """
    gy, gx = np.gradient(tile.reference_score)
    planes = (gx, gy, tile.reference_score)
    limit = 3.0 * np.sqrt(tile.score_variance)
    use = np.flatnonzero(~holes & (np.maximum(np.maximum(np.abs(gx), np.abs(gy)), tile.reference_score) > limit))
    if len(use) < _MIN_SAMPLE:
        return LocalCorrection(dx_pix=0.0, dy_pix=0.0, scale=0.0)
    sigma = np.sqrt(tile.score_variance.ravel()[use]).astype(float)
    design = np.stack([plane.ravel()[use] / sigma for plane in planes], axis=-1)
    target = tile.score.ravel()[use] / sigma
    # Score pixels are correlated over a PSF, so a tile has far fewer independent rows than pixels.
    prior = 10.0 * np.diag([1 / 0.3**2, 1 / 0.3**2, 1 / 0.1**2])
    weight = np.ones(len(target))
    solution = np.zeros(3)
    for _ in range(8):
        weighted = design * weight[:, None]
        solution = np.linalg.solve(weighted.T @ design + prior, weighted.T @ target)
        rest = np.abs(target - design @ solution)
        scale = max(1.0, 1.4826 * float(np.median(rest)))
        # Transients, variables and PSF errors of the brightest stars must not steer the fit.
        weight = 1.0 / np.maximum(1.0, rest / (2.0 * scale)) ** 2 / (1.0 + (np.abs(design[:, 2]) / 100.0) ** 2)
    dx, dy, scale = (float(value) for value in solution)
    if max(abs(dx), abs(dy)) > 1.0 or abs(scale) > 0.3:
        return LocalCorrection(dx_pix=0.0, dy_pix=0.0, scale=0.0)
    return LocalCorrection(dx_pix=dx, dy_pix=dy, scale=scale)


def fit_residual_noise(
    score: FloatImage, variance: FloatImage, scene: Scene, usable: NDArray[np.bool_], *, fwhm_pix: float
) -> ResidualNoise:
    """Measure what explains S^2 - V where the reference holds bright sources.

    Pixels are grouped by brightness and by how sharp the light is there; the median of S^2 / V of each group, against
    the 0.4549 of pure noise, gives its excess, so that transients, variables and single bad stars have no say. The
    excess is then shared among three non-negative causes (see ResidualNoise).
    """
    snr = np.abs(scene.light) / np.sqrt(variance)
    index = np.flatnonzero(usable & (snr > 10.0))
    if len(index) < _MIN_SAMPLE:
        return ResidualNoise()
    index = index[:: max(1, len(index) // _MAX_SAMPLE)]
    v = variance.ravel()[index].astype(float)
    s2 = score.ravel()[index].astype(float) ** 2 / v
    light = scene.light.ravel()[index].astype(float)
    causes = np.stack(
        [
            scene.gradient2.ravel()[index] / v,
            scene.curvature.ravel()[index].astype(float) ** 2 / v,
            light**2 / v,
        ],
        axis=1,
    )
    brightness = np.minimum(np.log10(snr.ravel()[index] / 10.0) * 3.0, 8.0).astype(int)
    sharpness = causes[:, 1] / causes[:, 2]
    group = brightness * 4 + np.digitize(sharpness, np.quantile(sharpness, [0.25, 0.5, 0.75]))
    rows, excess = [], []
    for one in np.unique(group):
        chosen = group == one
        if chosen.sum() < 30:
            continue
        level = float(np.median(s2[chosen])) / _CHI2_MEDIAN
        # Neighbouring pixels share a PSF; the error of the median of n squares of normal deviates is 2.33 medians.
        doubt = 2.33 * max(1.0, level) * fwhm_pix / np.sqrt(chosen.sum())
        rows.append(np.median(causes[chosen], axis=0) / doubt)
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


def psf_model_noise(flux: FloatImage, *, per_flux2: float, quiet: float, reach_pix: int) -> FloatImage:
    """Return the variance that errors of the PSF models add to S around bright point sources.

    A PSF is known no better than its stars are bright: a star that outshines them leaves its flux times the error of
    the model, over the whole stamp. ``flux`` is the PSF flux of the reference at each pixel, ``per_flux2`` the variance
    that unit flux leaves in S, ``quiet`` the variance of S on the sky, below a tenth of which stars are passed over.
    """
    variance = np.zeros_like(flux)
    bright = (flux == ndimage.maximum_filter(flux, 5)) & (np.maximum(flux, 0.0) ** 2 * per_flux2 > 0.1 * quiet)
    side = np.arange(-reach_pix, reach_pix + 1)
    disc = (np.hypot(side[:, None], side[None, :]) <= reach_pix).astype(np.float32)
    ny, nx = flux.shape
    for y, x in zip(*np.nonzero(bright), strict=True):
        top, left = max(0, y - reach_pix), max(0, x - reach_pix)
        part = np.s_[top : min(ny, y + reach_pix + 1), left : min(nx, x + reach_pix + 1)]
        of_disc = np.s_[
            top - y + reach_pix : part[0].stop - y + reach_pix, left - x + reach_pix : part[1].stop - x + reach_pix
        ]
        variance[part] += np.float32(flux[y, x] ** 2 * per_flux2) * disc[of_disc]
    return variance


def calibrate_score(score: FloatImage, usable: NDArray[np.bool_]) -> CalibratedScore:
    """Divide the score by its own robust standard deviation on usable pixels.

    Resampling, coadding and drizzling correlate noise, and a per-pixel variance cannot know it; the score itself does.
    """
    values = score[usable]
    values = values[:: max(1, len(values) // 2_000_000)]
    low, high = np.percentile(values, [15.8655, 84.1345])
    noise = float(high - low) / 2.0
    return CalibratedScore(score=(score / np.float32(max(noise, 1e-12))).astype(np.float32), noise=noise)
