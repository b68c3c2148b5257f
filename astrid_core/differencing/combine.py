"""Average registered exposures, leaving out what only some of them show."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.artefacts import find_artefacts
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.shared.images import FloatImage, MaskPlane, SkyImage

_CLIP_FROM = 3
_OF_STARS = np.uint16(MaskPlane.SATURATED | MaskPlane.BRIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """A mean of images, and how many of them each pixel is made of."""

    image: SkyImage
    coverage: NDArray[np.uint16]


def combine(
    stack: Sequence[SkyImage], weights: NDArray[np.float64], fwhm_pix: Sequence[float], config: ReferenceConfig
) -> Combined:
    """Return the weighted mean of images on one grid and flux scale, on the WCS of the first.

    From three images on, what the others do not confirm is left out (see ``artefacts``), and where fewer than
    ``min_coverage`` images have data there is no result. Masked pixels do not count; where all are masked the reasons
    of all are kept. A star that saturates in one image stays masked: the others alone would show it with a PSF that no
    other star has. So do those that are left where bad pixels of one cross a star; by how much its light may be off
    for that is part of the variance there.
    """
    good = [image.usable for image in stack]
    lost = np.zeros(stack[0].shape, dtype=bool)
    if len(stack) >= _CLIP_FROM:
        covered_by = sum((image.mask & np.uint16(MaskPlane.NO_DATA)) == 0 for image in stack)
        lost = np.asarray(covered_by < config.min_coverage)
        flagged = find_artefacts(stack, fwhm_pix, config)
        good = [one & ~artefact for one, artefact in zip(good, flagged, strict=True)]
    total, light, spread = (np.zeros(stack[0].shape) for _ in range(3))
    coverage = np.zeros(stack[0].shape, dtype=np.uint16)
    reasons = np.zeros(stack[0].shape, dtype=np.uint16)
    for image, usable, weight in zip(stack, good, weights, strict=True):
        share = np.where(usable & ~lost, weight, 0.0)
        total += share
        light += share * np.where(usable, image.pixels, 0.0)
        spread += share**2 * np.where(usable, image.variance, 0.0)
        coverage += usable & ~lost
        reasons |= image.mask
    covered = total > 0.0
    divisor = np.where(covered, total, 1.0)
    off = _sharpness_lost(stack, good, weights, fwhm_pix) * np.maximum(light / divisor, 0.0)
    image = SkyImage(
        pixels=_or_nan(light / divisor, covered),
        variance=_or_nan(spread / divisor**2 + off**2, covered),
        mask=np.where(covered, reasons & _OF_STARS, reasons | np.uint16(MaskPlane.NO_DATA)).astype(np.uint16),
        wcs=stack[0].wcs,
    )
    return Combined(image=image, coverage=coverage)


def _sharpness_lost(
    stack: Sequence[SkyImage],
    good: Sequence[NDArray[np.bool_]],
    weights: NDArray[np.float64],
    fwhm_pix: Sequence[float],
) -> NDArray[np.float64]:
    """Return by which part the peak of a star differs between the images used at a pixel and all that have data there.

    The height of a star of known flux goes with 1 / FWHM^2.
    """
    used, used_height, there, height = (np.zeros(stack[0].shape) for _ in range(4))
    for image, usable, weight, fwhm in zip(stack, good, weights, fwhm_pix, strict=True):
        has_data = (image.mask & np.uint16(MaskPlane.NO_DATA)) == 0
        used += weight * usable
        used_height += weight / fwhm**2 * usable
        there += weight * has_data
        height += weight / fwhm**2 * has_data
    known = (used > 0.0) & (height > 0.0)
    ratio = np.divide(used_height * there, used * height, out=np.ones(stack[0].shape), where=known)
    return np.abs(ratio - 1.0)


def _or_nan(plane: NDArray[np.float64], known: NDArray[np.bool_]) -> FloatImage:
    return np.where(known, plane, np.nan).astype(np.float32)
