"""What only some exposures of a field show: cosmic rays, trails, transients.

Two tests, both against the median of all exposures. One looks at single pixels, for what is sharper than any star. The
other looks at the exposures blurred to one PSF, where a source as faint as a single exposure can show stands out and
the cores of stars agree whatever the seeing (the idea of CompareWarp: AlSayyad 2019, LSST DMTN-080).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.noise import robust_sigma
from astrid_core.differencing.other_shape import other_shape
from astrid_core.shared.images import FloatImage, SkyImage

Flags = NDArray[np.bool_]

_LIGHT_SIGMA = 5.0
_OWN_LIGHT, _OWN_SHAPE = 0.15, 0.5
"""Parts of a star's light, and of the model of its other shape, by which an honest exposure may differ."""
_OWN_BLURRED_LIGHT = 0.08
"""The first of these where all exposures have one PSF."""
_GROW_PIX = 2
_NEAR_FWHM, _REACH_FWHM, _WEAKER = 1.0, 2.0, 0.3
"""All that is so near to what stands out goes with it; further out what is above this part of the tolerance: a tenth of
the light of a star lies beyond 1.5 FWHM.
"""
_BLUR = 2.0**0.5
"""The common PSF is wider than the widest by this: blurring is then a matched filter for the widest."""
_SIGMA_OF_FWHM = 1.0 / 2.3548
_ALONE = 3.0
"""On a star that varies an image is left out only where it is this many times as far off as any other."""
_STRIP_ROWS = 256


def find_artefacts(stack: Sequence[SkyImage], fwhm_pix: Sequence[float], config: ReferenceConfig) -> list[Flags]:
    """Return for each of three or more images on one grid and flux scale which pixels the others do not confirm.

    Where a source shines in the median and two or more images disagree with it, it varies: only an image that is alone
    far off is flagged there. A third of the images or fewer that all show more light may show a transient on a galaxy.
    """
    pixels = [image.pixels for image in stack]
    good = [image.usable for image in stack]
    middle, noise = median_of(pixels, good), median_of([image.variance for image in stack], good)
    lit = middle > _LIGHT_SIGMA * np.sqrt(noise)
    flagged = [_sharp(image, middle, lit & usable, usable, config) for image, usable in zip(stack, good, strict=True)]
    # What is sharp stays in: a bright transient is that, too, and must be found with its wings.
    blurred = [
        _blurred(np.where(usable, image.pixels, middle), _kernel_sigma(fwhm, fwhm_pix))
        for image, usable, fwhm in zip(stack, good, fwhm_pix, strict=True)
    ]
    sigma = [
        _blurred_sigma(np.where(usable, image.variance, noise), _kernel_sigma(fwhm, fwhm_pix))
        for image, usable, fwhm in zip(stack, good, fwhm_pix, strict=True)
    ]
    scale = _noise_scale(blurred, sigma, good, lit)
    common, widest = median_of(blurred, good), max(fwhm_pix)
    for index, one in enumerate(blurred):
        flagged[index] |= _wide(one, common, scale * sigma[index], good[index], config, fwhm_pix=widest)
    shines = lit | (common > _LIGHT_SIGMA * scale * np.max(sigma, axis=0))
    return _spare_variables(flagged, [one - common for one in blurred], shines)


def _spare_variables(flagged: Sequence[Flags], away: Sequence[FloatImage], shines: Flags) -> list[Flags]:
    """Return the flags without those of stars that vary; ``away`` is each image minus the median."""
    n_off = np.sum(flagged, axis=0)
    # Neither a hit nor a transient takes light away.
    fades = np.any([one & (rest < 0.0) for one, rest in zip(flagged, away, strict=True)], axis=0)
    disputed = (n_off > 1) & (fades | (n_off > len(flagged) // 3)) & shines
    varies = ndimage.binary_dilation(disputed, iterations=_GROW_PIX) & shines
    there = np.stack([np.abs(one[varies]) for one in away])
    farthest, ordered = there.argmax(axis=0), np.sort(there, axis=0)
    is_alone = ordered[-1] > _ALONE * ordered[-2]
    spared = []
    for index, one in enumerate(flagged):
        kept = one.copy()
        kept[varies] &= is_alone & (farthest == index)
        spared.append(kept)
    return spared


def median_of(planes: Sequence[FloatImage], good: Sequence[Flags]) -> FloatImage:
    """Return the median over the good values of each pixel, of two the lower (what strikes a detector adds light).

    0 where no value is good.
    """
    result = np.empty_like(planes[0])
    for first in range(0, len(result), _STRIP_ROWS):
        rows = np.s_[first : first + _STRIP_ROWS]
        known = np.stack([one[rows] for one in good])
        ordered = np.sort(np.where(known, np.stack([one[rows] for one in planes]), np.float32(np.inf)), axis=0)
        n_good = known.sum(axis=0)
        low = np.maximum(n_good - 1, 0) // 2
        high = np.where(n_good > 2, n_good // 2, low)
        both = sum(np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high))
        result[rows] = np.where(n_good > 0, both / np.float32(2.0), np.float32(0.0))
    return result


def _sharp(image: SkyImage, middle: FloatImage, lit: Flags, good: Flags, config: ReferenceConfig) -> Flags:
    """Return single pixels that depart from the median by more than noise, seeing and registration explain."""
    shape = other_shape(image.pixels, middle, lit)
    rest = np.where(good, np.abs(image.pixels - middle - shape), np.float32(0.0))
    near = ndimage.maximum_filter(np.where(lit, middle, np.float32(0.0)), 3)
    tolerance = config.clip_sigma * np.sqrt(np.where(good, image.variance, np.float32(1.0)))
    tolerance += _OWN_LIGHT * near + _OWN_SHAPE * np.abs(shape)
    return _grown(rest > tolerance, rest > 0.5 * tolerance, _GROW_PIX)


def _wide(
    blurred: FloatImage, common: FloatImage, sigma: FloatImage, good: Flags, config: ReferenceConfig, *, fwhm_pix: float
) -> Flags:
    """Return the pixels of a source that only this image shows; ``sigma`` is that of its difference to the median."""
    lit = (common > _LIGHT_SIGMA * sigma) & good
    shape = other_shape(blurred, common, lit)
    rest = np.where(good, np.abs(blurred - common - shape), np.float32(0.0))
    near = ndimage.maximum_filter(np.where(lit, common, np.float32(0.0)), 3)
    tolerance = config.clip_sigma * sigma + _OWN_BLURRED_LIGHT * near + _OWN_SHAPE * np.abs(shape)
    wings = rest > _WEAKER * tolerance
    return _grown(rest > tolerance, wings, _REACH_FWHM * fwhm_pix, surely_pix=_NEAR_FWHM * fwhm_pix)


def _noise_scale(
    blurred: Sequence[FloatImage], sigma: Sequence[FloatImage], good: Sequence[Flags], lit: Flags
) -> float:
    """Return the factor from the predicted noise of blurred images to that of one against the median of all.

    Measured on differences of two images, since resampled pixels are correlated and the sky is never empty; the median
    of n images has noise of its own, pi/2 / n of theirs.
    """
    found = []
    for index, one in enumerate(blurred):
        other = (index + 1) % len(blurred)
        dark = good[index] & good[other] & ~lit
        if dark.any():
            both = np.hypot(sigma[index][dark], sigma[other][dark])
            found.append(robust_sigma((one[dark] - blurred[other][dark]) / both))
    typical = float(np.median(found)) if found else 1.0
    return typical * float(np.sqrt(1.0 + 0.5 * np.pi / (len(blurred) - 1)))


def _grown(seeds: Flags, weaker: Flags, reach_pix: float, *, surely_pix: float = 0.0) -> Flags:
    """Return the seeds with what hangs on to them: the edges of a hit are fainter than its middle, and as wrong."""
    if not seeds.any():
        return seeds
    away = ndimage.distance_transform_edt(~seeds)
    return np.asarray((away <= surely_pix) | (weaker & (away <= reach_pix)))


def _kernel_sigma(fwhm_pix: float, every_fwhm_pix: Sequence[float]) -> float:
    target = _BLUR * max(every_fwhm_pix)
    return float(np.sqrt(target**2 - fwhm_pix**2)) * _SIGMA_OF_FWHM


def _blurred_sigma(variance: FloatImage, sigma_pix: float) -> FloatImage:
    """Return the noise of uncorrelated pixels after blurring: the square of a Gaussian is one, narrower by sqrt 2."""
    spread = _blurred(variance, sigma_pix / 2.0**0.5) / np.float32(4.0 * np.pi * sigma_pix**2)
    return np.asarray(np.sqrt(spread), dtype=np.float32)


def _blurred(plane: FloatImage, sigma_pix: float) -> FloatImage:
    return np.asarray(ndimage.gaussian_filter(plane, sigma_pix, mode="nearest", truncate=3.0))
