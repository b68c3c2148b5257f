"""Average registered exposures, leaving out what only one of them shows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.config import ReferenceConfig
from astrid_core.shared.images import FloatImage, MaskPlane, SkyImage

_CLIP_FROM = 3
_LIGHT_SIGMA = 5.0
_MIN_SAMPLE = 200
_OWN_LIGHT, _OWN_SHAPE = 0.15, 0.5
"""Parts of a star's light, and of the model of its other shape, by which an honest exposure may differ."""
_GROW_PIX = 2
_OF_STARS = np.uint16(MaskPlane.SATURATED | MaskPlane.BRIGHT)


def combine(stack: Sequence[SkyImage], weights: NDArray[np.float64], config: ReferenceConfig) -> SkyImage:
    """Return the weighted mean of images on one grid and flux scale, on the WCS of the first.

    From three images on, pixels that depart from the median by more than ``clip_sigma``, and by more than seeing and
    registration explain, are left out, with what hangs on to them; where fewer than ``min_inputs`` images have data
    there is no result. Masked pixels do not count; where all are masked the reasons of all are kept. A star that
    saturates in one image stays masked: the others alone would show it with a PSF that no other star has.
    """
    pixels = np.stack([image.pixels for image in stack])
    variance = np.stack([image.variance for image in stack])
    good = np.stack([image.usable for image in stack])
    lost = np.zeros(stack[0].shape, dtype=bool)
    if len(stack) >= _CLIP_FROM:
        covered_by = sum((image.mask & np.uint16(MaskPlane.NO_DATA)) == 0 for image in stack)
        lost = np.asarray(covered_by < config.min_inputs)
        middle = _middle(pixels, good)
        noise = _middle(variance, good)
        for index in range(len(stack)):
            good[index] &= ~_outliers(pixels[index], variance[index], middle, noise, good[index], config)
    share = np.where(good & ~lost, weights[:, None, None], 0.0)
    total = share.sum(axis=0)
    covered = total > 0.0
    divisor = np.where(covered, total, 1.0)
    mean = (share * np.where(good, pixels, 0.0)).sum(axis=0) / divisor
    spread = (share**2 * np.where(good, variance, 0.0)).sum(axis=0) / divisor**2
    reasons = np.bitwise_or.reduce(np.stack([image.mask for image in stack]), axis=0)
    return SkyImage(
        pixels=np.where(covered, mean, np.nan).astype(np.float32),
        variance=np.where(covered, spread, np.nan).astype(np.float32),
        mask=np.where(covered, reasons & _OF_STARS, reasons | np.uint16(MaskPlane.NO_DATA)).astype(np.uint16),
        wcs=stack[0].wcs,
    )


def _middle(planes: NDArray[np.float32], good: NDArray[np.bool_]) -> FloatImage:
    """Return the median over the good values of each pixel, of two the lower (what strikes a detector adds light).

    0 where no value is good.
    """
    ordered = np.sort(np.where(good, planes, np.float32(np.inf)), axis=0)
    n_good = good.sum(axis=0)
    low = np.maximum(n_good - 1, 0) // 2
    high = np.where(n_good > 2, n_good // 2, low)
    middle = sum(np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high)) / np.float32(2.0)
    return np.where(n_good > 0, middle, np.float32(0.0)).astype(np.float32)


def _outliers(
    pixels: FloatImage,
    variance: FloatImage,
    middle: FloatImage,
    middle_variance: FloatImage,
    good: NDArray[np.bool_],
    config: ReferenceConfig,
) -> NDArray[np.bool_]:
    """Return the pixels of one image that the others do not confirm."""
    lit = (middle > _LIGHT_SIGMA * np.sqrt(middle_variance)) & good
    shape = _other_shape(pixels, middle, lit)
    rest = np.where(good, np.abs(pixels - middle - shape), np.float32(0.0))
    near = ndimage.maximum_filter(np.where(lit, middle, np.float32(0.0)), 3)
    tolerance = config.clip_sigma * np.sqrt(np.where(good, variance, np.float32(1.0)))
    tolerance += _OWN_LIGHT * near + _OWN_SHAPE * np.abs(shape)
    seeds = rest > tolerance
    if not seeds.any():
        return np.asarray(seeds)
    # The edges of a hit or a trail are fainter than its middle, and as wrong.
    around = ndimage.binary_dilation(seeds, iterations=_GROW_PIX)
    return np.asarray(seeds | (around & (rest > 0.5 * tolerance)))


def _other_shape(pixels: FloatImage, middle: FloatImage, lit: NDArray[np.bool_]) -> FloatImage:
    """Return what another seeing, a shift and another flux scale of this image change in ``middle``, to first order.

    A wider PSF adds a multiple of the Laplacian, a shift adds gradients; the multiples are fitted to all lit pixels,
    robustly, so that what is on one star only has no say.
    """
    gy, gx = np.gradient(middle)
    design = np.stack([ndimage.laplace(middle), gx, gy, middle], axis=-1)
    rows, target = design[lit].astype(float), (pixels - middle)[lit].astype(float)
    if len(rows) < _MIN_SAMPLE:
        return np.zeros_like(middle)
    scale = np.abs(middle[lit]).astype(float)
    weight = 1.0 / scale
    factors = np.zeros(rows.shape[1], dtype=np.float32)
    for _ in range(5):
        factors = np.linalg.lstsq(rows * weight[:, None], target * weight, rcond=None)[0].astype(np.float32)
        rest = np.abs(target - rows @ factors) / scale
        typical = max(1.4826 * float(np.median(rest)), 1e-6)
        weight = 1.0 / scale / np.maximum(1.0, rest / (2.0 * typical))
    return np.where(lit, design @ factors, np.float32(0.0)).astype(np.float32)
