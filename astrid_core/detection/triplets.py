"""Stamps made of three small images of which nothing else is known: science, reference and difference.

There is no PSF and no noise map in a triplet: noise is the scatter of the difference itself, and the score image is a
matched filter with the Gaussian that suits the middle of the difference best. Triplets are read many at a time: images
are (n, ny, nx), and numbers of a triplet (n, 1, 1).
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import OUTSIDE, Made, Stamps, exchanged, gather, refusal, stack_planes
from astrid_core.shared.robust import SIGMA_OF_MAD

SIDES_PIX = (31, 127)
"""Smallest and largest side."""

_AT_ONCE = 64
"""Of 63 x 63 pixels so many fit into the cache of a processor."""
_FWHM_PIX = (1.6, 2.2, 3.0, 4.2, 5.8)
SIGMA_OF_FWHM = 0.42466
_FAR_BELOW = 20.0
"""No sky is so many sigma darker than its median: such pixels are fill values or dead."""
_LEAST_NOISE = 1e-30
_MOST_SIGMA = 1e30
"""Fill values of a difference may be more sigma than a float32 holds."""
_BRIGHT = 5.0
_MIDDLE_PIX = 2
_MIN_USABLE_PIX = 50
_MIN_BRIGHT_PIX = 10

Flags: TypeAlias = NDArray[np.bool_]
"""(n, ny, nx)."""
Numbers: TypeAlias = NDArray[np.float64]
"""(n, 1, 1), or several such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TripletPlanes:
    """Triplets on the planes of a stamp, before they are cut or padded to the size of the network."""

    planes: NDArray[np.float32]
    """(n, ny, nx, channels), the difference positive in the middle."""
    fwhm_pix: NDArray[np.float64]
    """Of the best filter of each."""
    sign: NDArray[np.intp]
    """-1 where the difference is negative in the middle."""
    index: NDArray[np.intp]
    """For each the number of its triplet."""
    refused: dict[int, str]
    """Number of a triplet to the reason why it has no planes."""


def triplet_stamps(triplets: NDArray[np.floating], *, size_pix: int, config: DetectConfig) -> Stamps:
    """Return stamps of triplets (n, 3, ny, nx), each with its middle pixel as the candidate."""

    def made() -> Iterator[Made]:
        for found in read_in_parts(triplets):
            boxes = centred(found.planes, size_pix)
            ones: dict[int, Made] = dict(found.refused)
            for at, number in enumerate(found.index.tolist()):
                # Sky that was never cut out is no flaw of the candidate: only what the triplet shows can be masked.
                masked, radius_pix = found.planes[at, ..., 4] > 0.0, float(found.fwhm_pix[at])
                middle = (masked.shape[0] // 2, masked.shape[1] // 2)
                reason = refusal(masked, middle, radius_pix=radius_pix, config=config)
                ones[number] = reason or (boxes[at], (size_pix // 2, size_pix // 2))
            yield from (ones[number] for number in sorted(ones))

    return gather(made(), len(triplets), size_pix, origin="triplet")


def read_in_parts(triplets: NDArray[np.floating]) -> Iterator[TripletPlanes]:
    """Give the planes of triplets (n, 3, ny, nx), some at a time on every processor."""

    def read(first: int) -> TripletPlanes:
        return read_planes(triplets[first : first + _AT_ONCE], first=first)

    n_threads = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(n_threads) as pool:
        # Not all at once: planes take more memory than what they are read from.
        for first in range(0, len(triplets), n_threads * _AT_ONCE):
            yield from pool.map(read, range(first, min(first + n_threads * _AT_ONCE, len(triplets)), _AT_ONCE))


def read_planes(triplets: NDArray[np.floating], *, first: int = 0) -> TripletPlanes:
    """Return the planes of triplets (n, 3, ny, nx), or why there are none; ``first`` is the number of the first."""
    images = np.moveaxis(np.asarray(triplets, dtype=np.float32), 1, 0)
    usable = np.asarray(np.isfinite(images).all(axis=0))
    refused = {at: _few("a number", n) for at, n in enumerate(_count(usable).tolist()) if n < _MIN_USABLE_PIX}
    index = np.setdiff1d(np.arange(len(usable)), list(refused))
    images, usable = images[:, index], usable[index]
    usable, levels, noises = _without_fill(images, usable)
    for at, n, noise in zip(index.tolist(), _count(usable).tolist(), noises[2].ravel().tolist(), strict=True):
        if n < _MIN_USABLE_PIX or noise <= 0.0:
            refused[at] = _few("usable", n) if n < _MIN_USABLE_PIX else "the difference has no noise"
    told = ~np.isin(index, list(refused))
    usable, noises = usable[told], noises[:, told]
    new, old, changed = np.where(usable, _above(images[:, told], levels[:, told]), np.float32(0.0))
    difference = np.clip(changed / noises[2], -_MOST_SIGMA, _MOST_SIGMA).astype(np.float32)
    score, fwhm_pix = _matched(difference, usable)
    planes = stack_planes(
        score,
        difference,
        new,
        (old * _flux_ratio(new, old, noises, usable)).astype(np.float32),
        ~usable,
        sky_sigma=noises[2],
    )
    part = score[_around_middle(score, _MIDDLE_PIX)]
    is_negative = -part.min(axis=(1, 2)) > part.max(axis=(1, 2))
    planes[is_negative] = exchanged(planes[is_negative])
    return TripletPlanes(
        planes=planes,
        fwhm_pix=fwhm_pix,
        sign=np.where(is_negative, -1, 1),
        index=first + index[told],
        refused={first + at: reason for at, reason in refused.items()},
    )


def centred(planes: NDArray[np.float32], size_pix: int) -> NDArray[np.float32]:
    """Return planes (..., ny, nx, channels) cut or padded to ``size_pix``, their middle on (size / 2, size / 2)."""
    box = np.empty((*planes.shape[:-3], size_pix, size_pix, planes.shape[-1]), dtype=np.float32)
    box[:] = np.asarray(OUTSIDE, dtype=np.float32)
    into: list[slice] = []
    out_of: list[slice] = []
    for side in planes.shape[-3:-1]:
        first = size_pix // 2 - side // 2
        into.append(slice(max(first, 0), min(first + side, size_pix)))
        out_of.append(slice(max(-first, 0), max(-first, 0) + into[-1].stop - into[-1].start))
    box[..., into[0], into[1], :] = planes[..., out_of[0], out_of[1], :]
    return box


def _few(what: str, n: int) -> str:
    return f"hardly a pixel of it is {what} (usable={n}, required={_MIN_USABLE_PIX})"


def _count(pixels: Flags) -> NDArray[np.intp]:
    return np.asarray(pixels.sum(axis=(1, 2)))


def _without_fill(images: NDArray[np.float32], usable: Flags) -> tuple[Flags, Numbers, Numbers]:
    """Return what is usable of triplets (3, n, ny, nx) but for fill values; levels and noises (3, n, 1, 1)."""
    levels, noises = np.zeros((2, *images.shape[:2], 1, 1))
    seen = [usable]
    for number, image in enumerate(images):
        levels[number], noises[number] = _level_and_noise(image, seen[-1])
        if number < 2:
            floor = levels[number] - _FAR_BELOW * np.maximum(noises[number], _LEAST_NOISE)
            seen.append(seen[-1] & (image >= floor))
    for number in range(2):
        again = (seen[number] != seen[-1]).any(axis=(1, 2))
        levels[number, again], noises[number, again] = _level_and_noise(images[number, again], seen[-1][again])
    return seen[-1], levels, noises


def _level_and_noise(images: NDArray[np.float32], usable: Flags) -> tuple[Numbers, Numbers]:
    level = _median(images, usable)
    return level, SIGMA_OF_MAD * _median(np.abs(_above(images, level)), usable)


def _above(images: NDArray[np.float32], level: Numbers) -> NDArray[np.float32]:
    """Return images less their level: computed in double precision, kept in single, which is much less to move."""
    return np.subtract(images, level, out=np.empty_like(images), casting="same_kind")


def _median(images: NDArray[np.float32], usable: Flags) -> Numbers:
    """Return the median of the usable pixels of each image."""
    counts = _count(usable)
    pixels = np.where(usable, images, np.inf).reshape(len(images), images.shape[1] * images.shape[2])
    found = np.empty(len(images))
    # Rows are parted together where the middle of all is at the same place.
    for n in np.unique(counts).tolist():
        rows, half = counts == n, n // 2
        parted = pixels[rows]
        parted.partition(half, axis=1)
        upper = parted[:, half].astype(float)
        found[rows] = upper if n % 2 else (parted[:, :half].max(axis=1) + upper) / 2.0
    return found[:, None, None]


def _matched(difference: NDArray[np.float32], usable: Flags) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the filtered differences in units of their own scatter, by the width that makes most of the middle."""
    best = difference.copy()
    best_fwhm = np.full(len(difference), _FWHM_PIX[0])
    highest = np.full((len(difference), 1, 1), -1.0)
    for fwhm in _FWHM_PIX:
        smooth = ndimage.gaussian_filter(difference, fwhm * SIGMA_OF_FWHM, mode="constant", axes=(1, 2))
        # Neighbouring pixels of a resampled difference are not independent: its own scatter is the unit.
        noise = _level_and_noise(smooth, usable)[1]
        peak = np.abs(smooth[_around_middle(smooth, _MIDDLE_PIX)]).max(axis=(1, 2), keepdims=True)
        peak = np.divide(peak, noise, out=np.full_like(noise, -1.0), where=noise > 0.0)
        better = (peak > highest).ravel()
        best[better] = smooth[better] / noise[better]
        best_fwhm[better] = fwhm
        highest = np.maximum(highest, peak)
    return best, best_fwhm


def _flux_ratio(new: NDArray[np.float32], old: NDArray[np.float32], noises: Numbers, usable: Flags) -> Numbers:
    """Return science counts per reference count: from what both show, else from their noise."""
    bright = usable & (new > _BRIGHT * noises[0]) & (old > _BRIGHT * noises[1])
    bright[_around_middle(bright, 2 * _MIDDLE_PIX)] = False
    enough = _count(bright) >= _MIN_BRIGHT_PIX
    ratio: Numbers = np.divide(noises[0], noises[1], out=np.ones_like(noises[0]), where=noises[1] > 0.0)
    ratios = np.divide(new, old, out=np.zeros_like(new), where=bright)
    ratio[enough] = _median(ratios[enough], bright[enough])
    return ratio


def _around_middle(images: NDArray[np.generic], half: int) -> tuple[EllipsisType, slice, slice]:
    row, column = (side // 2 for side in images.shape[-2:])
    return ..., slice(row - half, row + half + 1), slice(column - half, column + half + 1)
