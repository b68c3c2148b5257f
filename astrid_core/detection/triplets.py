"""Stamps made of three small images of which nothing else is known: science, reference and difference.

There is no PSF and no noise map in a triplet: noise is the scatter of the difference itself, and the score image is a
matched filter with the Gaussian that suits the middle of the difference best.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import OUTSIDE, Made, Stamps, exchanged, gather, refusal, stack_planes
from astrid_core.shared.images import FloatImage

SIDES_PIX = (31, 127)
"""Smallest and largest side."""

_FWHM_PIX = (1.6, 2.2, 3.0, 4.2, 5.8)
_SIGMA_OF_FWHM = 0.42466
_SIGMA_OF_MAD = 1.4826
_FAR_BELOW = 20.0
"""No sky is so many sigma darker than its median: such pixels are fill values or dead."""
_BRIGHT = 5.0
_MIDDLE_PIX = 2
_MIN_USABLE_PIX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Triplet:
    """One triplet on the planes of a stamp, before it is cut or padded to the size of the network."""

    planes: NDArray[np.float32]
    """(ny, nx, channels), the difference positive in the middle."""
    fwhm_pix: float
    """Of the best filter."""
    sign: int
    """-1 where the difference is negative in the middle."""


def triplet_stamps(triplets: NDArray[np.floating], *, size_pix: int, config: DetectConfig) -> Stamps:
    """Return stamps of triplets (n, 3, ny, nx), each with its middle pixel as the candidate."""

    def made(science: FloatImage, reference: FloatImage, difference: FloatImage) -> Made:
        found = read_triplet(science, reference, difference)
        if isinstance(found, str):
            return found
        # Sky that was never cut out is no flaw of the candidate: only what the triplet shows can be masked.
        reason = refusal(found.planes[..., 4] > 0.0, _middle(science.shape), radius_pix=found.fwhm_pix, config=config)
        return reason or (centred(found.planes, size_pix), (size_pix // 2, size_pix // 2))

    return gather((made(*one) for one in np.asarray(triplets)), len(triplets), size_pix, origin="triplet")


def read_triplet(science: FloatImage, reference: FloatImage, difference: FloatImage) -> Triplet | str:
    """Return the planes of a triplet, or why there are none."""
    images = [np.asarray(one, dtype=np.float64) for one in (science, reference, difference)]
    masked = ~np.all([np.isfinite(one) for one in images], axis=0)
    if (~masked).sum() < _MIN_USABLE_PIX:
        return f"hardly a pixel of it is a number (usable={int((~masked).sum())}, required={_MIN_USABLE_PIX})"
    for image in images[:2]:
        level, noise = _level_and_noise(image[~masked])
        masked = masked | (np.where(masked, level, image) < level - _FAR_BELOW * max(noise, 1e-30))
    usable = ~masked
    if usable.sum() < _MIN_USABLE_PIX:
        return f"hardly a pixel of it is usable (usable={int(usable.sum())}, required={_MIN_USABLE_PIX})"
    new, old, changed = (np.where(usable, one - np.median(one[usable]), 0.0) for one in images)
    noise = _level_and_noise(changed[usable])[1]
    if noise <= 0.0:
        return "the difference has no noise"
    score, fwhm_pix = _matched(changed / noise, usable)
    sign = _sign_in_the_middle(score)
    planes = stack_planes(
        score.astype(np.float32),
        (changed / noise).astype(np.float32),
        new.astype(np.float32),
        (old * _flux_ratio(new, old, usable)).astype(np.float32),
        masked,
        sky_sigma=noise,
    )
    return Triplet(planes=planes if sign > 0 else exchanged(planes), fwhm_pix=fwhm_pix, sign=sign)


def centred(planes: NDArray[np.float32], size_pix: int) -> NDArray[np.float32]:
    """Return planes cut or padded to ``size_pix``, their middle pixel on (size / 2, size / 2)."""
    box = np.empty((size_pix, size_pix, planes.shape[2]), dtype=np.float32)
    box[:] = np.asarray(OUTSIDE, dtype=np.float32)
    into: list[slice] = []
    out_of: list[slice] = []
    for side, at in zip(planes.shape[:2], _middle(planes.shape[:2]), strict=True):
        first = size_pix // 2 - at
        into.append(slice(max(first, 0), min(first + side, size_pix)))
        out_of.append(slice(max(-first, 0), max(-first, 0) + into[-1].stop - into[-1].start))
    box[into[0], into[1]] = planes[out_of[0], out_of[1]]
    return box


def _middle(shape: Sequence[int]) -> tuple[int, int]:
    return shape[0] // 2, shape[1] // 2


def _level_and_noise(values: NDArray[np.float64]) -> tuple[float, float]:
    level = float(np.median(values))
    return level, float(_SIGMA_OF_MAD * np.median(np.abs(values - level)))


def _matched(difference: NDArray[np.float64], usable: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Return the filtered difference in units of its own scatter, by the width that makes most of the middle."""
    row, column = _middle(difference.shape)
    rows, columns = (slice(at - _MIDDLE_PIX, at + _MIDDLE_PIX + 1) for at in (row, column))
    best, best_fwhm = difference, _FWHM_PIX[0]
    highest = -1.0
    for fwhm in _FWHM_PIX:
        smooth = ndimage.gaussian_filter(difference, fwhm * _SIGMA_OF_FWHM, mode="constant")
        # Neighbouring pixels of a resampled difference are not independent: its own scatter is the unit.
        noise = _level_and_noise(smooth[usable])[1]
        if noise <= 0.0:
            continue
        peak = float(np.abs(smooth[rows, columns]).max()) / noise
        if peak > highest:
            best, best_fwhm, highest = smooth / noise, fwhm, peak
    return best, best_fwhm


def _sign_in_the_middle(score: NDArray[np.float64]) -> int:
    row, column = _middle(score.shape)
    part = score[row - _MIDDLE_PIX : row + _MIDDLE_PIX + 1, column - _MIDDLE_PIX : column + _MIDDLE_PIX + 1]
    return -1 if -part.min() > part.max() else 1


def _flux_ratio(new: NDArray[np.float64], old: NDArray[np.float64], usable: NDArray[np.bool_]) -> float:
    """Return science counts per reference count: from what both show, else from their noise."""
    noises = [_level_and_noise(one[usable])[1] for one in (new, old)]
    bright = usable & (new > _BRIGHT * noises[0]) & (old > _BRIGHT * noises[1])
    row, column = _middle(new.shape)
    bright[
        row - 2 * _MIDDLE_PIX : row + 2 * _MIDDLE_PIX + 1, column - 2 * _MIDDLE_PIX : column + 2 * _MIDDLE_PIX + 1
    ] = False
    if bright.sum() >= 2 * len(_FWHM_PIX):
        return float(np.median(new[bright] / old[bright]))
    return noises[0] / noises[1] if noises[1] > 0.0 else 1.0
