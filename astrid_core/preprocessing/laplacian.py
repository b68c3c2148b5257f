"""Cosmic rays by Laplacian edge detection, computed only where there may be one."""

import astroscrappy
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.shared.images import FloatImage

BoolImage = NDArray[np.bool_]

_ROUNDS = 2
_REACH_PIX = 7
"""Hits lie this near to a pixel that stands out: neighbours are taken by 2, and what cleaning makes stand out in the
second round lies within 3 (the median of the noise) of them and is grown by 2 again.
"""
_MARGIN_PIX = 18
"""Whether a pixel is a hit depends on others this near: medians of 5 and 9 pixels and growth reach 8, cleaning 2 more,
and the second round 8 again.
"""
_CELL_PIX = 4
_NOISE_CELL_PIX = 16
_WORTH_IT = 0.6
"""Of the frame: beyond that windows are no cheaper than the whole."""
_ROUNDING = 0.999


def laplacian_hits(
    pixels: FloatImage, unusable: BoolImage, variance: FloatImage, *, sigma: float, contrast: float
) -> BoolImage:
    """Return the pixels that van Dokkum's method (2001, PASP 113, 1420; astroscrappy) takes for cosmic rays.

    ``pixels`` are background-subtracted counts without NaN, ``variance`` theirs in counts squared. A hit needs a
    Laplacian of ``sigma``, which is cheap to compute; the rest of the method, medians mostly, runs in windows around
    those pixels, wide enough that the result is that of the whole frame.
    """
    standing_out = _may_be_hits(pixels, unusable, variance, sigma)
    windows = _windows(standing_out)
    if sum((w[0].stop - w[0].start) * (w[1].stop - w[1].start) for w, _ in windows) > _WORTH_IT * pixels.size:
        return _detect(pixels, unusable, variance, sigma, contrast)
    hits = np.zeros(pixels.shape, dtype=bool)
    for window, inner in windows:
        found = _detect(pixels[window].copy(), unusable[window].copy(), variance[window].copy(), sigma, contrast)
        rows, columns = (slice(i.start - w.start, i.stop - w.start) for i, w in zip(inner, window, strict=True))
        hits[inner] |= found[rows, columns]
    return hits


def _may_be_hits(pixels: FloatImage, unusable: BoolImage, variance: FloatImage, sigma: float) -> BoolImage:
    """Return the pixels whose Laplacian reaches ``sigma`` against the least noise around them.

    The Laplacian of the image with every pixel split in four is, for the quarter next to the neighbours a and b of a
    pixel p, 2 p - a - b; its positive part is averaged over the quarters and divided by twice the noise.
    """
    padded = np.pad(pixels, 1, mode="edge")
    for rim in (padded[0], padded[-1], padded[:, 0], padded[:, -1]):
        np.minimum(rim, np.float32(0.0), out=rim)
    up, down, left, right = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    twice = 2.0 * pixels
    total = np.zeros_like(pixels)
    for vertical in (twice - up, twice - down):
        for horizontal in (left, right):
            total += np.maximum(vertical - horizontal, np.float32(0.0))
    # The mean of four over twice the noise.
    limit = np.float32(8.0 * sigma * _ROUNDING)
    return np.asarray((total > limit * _least_noise(variance)) & ~unusable)


def _least_noise(variance: FloatImage) -> FloatImage:
    """Return a lower bound to the noise within three pixels of every pixel; a median is no less than that."""
    ny, nx = variance.shape
    cell = _NOISE_CELL_PIX
    padded = np.pad(variance, ((0, -ny % cell), (0, -nx % cell)), mode="edge")
    cells = padded.reshape(padded.shape[0] // cell, cell, -1, cell).min(axis=(1, 3))
    least = np.sqrt(np.maximum(ndimage.minimum_filter(cells, 3), 0.0))
    return np.asarray(np.repeat(np.repeat(least, cell, axis=0), cell, axis=1)[:ny, :nx])


def _windows(where: BoolImage) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Return for each group of pixels the window to compute in, and the part of it that the result is right for."""
    ny, nx = where.shape
    padded = np.pad(where, ((0, -ny % _CELL_PIX), (0, -nx % _CELL_PIX)))
    cells = padded.reshape(padded.shape[0] // _CELL_PIX, _CELL_PIX, -1, _CELL_PIX).any(axis=(1, 3))
    labels, _ = ndimage.label(cells, structure=np.ones((3, 3)))
    return [
        (_grown(box, where.shape, _REACH_PIX + _MARGIN_PIX), _grown(box, where.shape, _REACH_PIX))
        for box in ndimage.find_objects(labels)
    ]


def _grown(box: tuple[slice, slice], shape: tuple[int, ...], by: int) -> tuple[slice, slice]:
    rows, columns = (
        slice(max(0, one.start * _CELL_PIX - by), min(side, one.stop * _CELL_PIX + by))
        for one, side in zip(box, shape, strict=True)
    )
    return rows, columns


def _detect(pixels: FloatImage, unusable: BoolImage, variance: FloatImage, sigma: float, contrast: float) -> BoolImage:
    hits, _ = astroscrappy.detect_cosmics(
        pixels,
        inmask=unusable,
        inbkg=np.zeros_like(pixels),
        invar=variance,
        gain=1.0,
        readnoise=0.0,
        satlevel=np.inf,
        sigclip=sigma,
        sigfrac=0.3,
        objlim=contrast,
        niter=_ROUNDS,
        sepmed=True,
        fsmode="median",
        cleantype="medmask",
    )
    return np.asarray(hits)
