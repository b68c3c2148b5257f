"""Which pixels of an exposure must not be trusted."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.laplacian import laplacian_hits
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane

BoolImage = NDArray[np.bool_]

_FLAT_BOX_PIX = 7
_MIN_CLIPPED_PIX = 20


def mask_empty(pixels: FloatImage) -> BoolImage:
    """Return pixels without data: not a number, or in patches of one constant value at or below the sky.

    Warped and rotated frames are padded with a constant; noise never repeats a value over 7 x 7 pixels.
    """
    finite = np.isfinite(pixels)
    if not finite.any():
        return ~finite
    filled = np.where(finite, pixels, np.float32(np.nanmin(pixels)))
    if not _holds_constant_squares(filled):
        return ~finite
    flat = ndimage.maximum_filter(filled, _FLAT_BOX_PIX) == ndimage.minimum_filter(filled, _FLAT_BOX_PIX)
    flat &= finite & (filled <= np.median(filled[finite]))
    if flat.mean() < 1e-3:
        return ~finite
    return np.asarray(~finite | ndimage.binary_dilation(flat, iterations=_FLAT_BOX_PIX // 2 + 1))


def _holds_constant_squares(pixels: FloatImage) -> bool:
    """Tell whether 4 x 4 pixels have one value anywhere: a constant box of 7 holds such, also one cut by the edge."""
    same = pixels[:, 1:] == pixels[:, :-1]
    four = same[:, 2:] & same[:, 1:-1] & same[:, :-2]
    return bool((four[3:] & four[2:-1] & four[1:-2] & four[:-3]).any())


def find_saturation(pixels: FloatImage, header_level: float | None) -> float | None:
    """Return the level in counts at which the detector clips, or None.

    It is the header's, or the top of the histogram where pixels pile up: starlight thins out towards its peaks, so
    four times more pixels in the last twentieth than in the one before it were stopped there.
    """
    finite = pixels[np.isfinite(pixels)]
    if not len(finite):
        return header_level
    top = float(finite.max())
    if header_level is not None and header_level > np.median(finite):
        return header_level
    last, before = int((finite >= 0.95 * top).sum()), int(((finite >= 0.9 * top) & (finite < 0.95 * top)).sum())
    return top if last >= _MIN_CLIPPED_PIX and last > 4 * before else None


def mask_saturated(pixels: FloatImage, level: float | None, *, fraction: float, grow_pix: int) -> BoolImage:
    """Return pixels at or above ``fraction`` of ``level`` and their neighbours within ``grow_pix``."""
    if level is None:
        return np.zeros(pixels.shape, dtype=bool)
    bright = np.nan_to_num(pixels, nan=-np.inf) >= level * fraction
    return ndimage.binary_dilation(bright, iterations=grow_pix) if grow_pix and bright.any() else bright


def mask_cosmic_rays(
    pixels: FloatImage, variance: FloatImage, bad: BoolImage, *, sigma: float, contrast: float
) -> BoolImage:
    """Return cosmic-ray hits, found by Laplacian edge detection (van Dokkum 2001; astroscrappy).

    ``pixels`` are background-subtracted counts, ``variance`` their variance in counts squared.
    """
    hits = laplacian_hits(
        np.where(bad, np.float32(0.0), pixels),
        bad,
        np.where(bad, np.float32(np.median(variance)), variance),
        sigma=sigma,
        contrast=contrast,
    )
    return np.asarray(ndimage.binary_dilation(hits, iterations=1)) if hits.any() else np.asarray(hits)


def mask_bright(pixels: FloatImage, lost: BoolImage, *, noise: float) -> BoolImage:
    """Return what is left of stars that lost their cores: all light that touches a saturated or missing pixel.

    Their wings reach beyond every PSF stamp, and what bleeds, blooms and scatters there follows no PSF at all.
    """
    if not lost.any():
        return lost
    smooth = ndimage.gaussian_filter(np.nan_to_num(pixels), 1.5)
    seeds = ndimage.binary_dilation(lost, iterations=3)
    light = smooth > 5.0 * noise
    reached = ndimage.binary_propagation(seeds & (smooth > 50.0 * noise), mask=light)
    return np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(reached, iterations=2)))


def mask_bad_columns(pixels: FloatImage, noise: float) -> BoolImage:
    """Return columns and rows whose level departs from their neighbours' by more than 10 sigma of a mean.

    Shifts of a whole line come from the detector, never from the sky. Structured light raises the limit, so that no
    more than one line in twenty is taken. ``pixels`` may hold NaN.
    """
    bad = np.zeros(pixels.shape, dtype=bool)
    for axis in (0, 1):
        level = _clipped_level(pixels if axis == 0 else pixels.T, noise)
        step = np.abs(level - ndimage.median_filter(level, 31))
        usual = 1.4826 * float(np.median(step))
        limit = max(10.0 * noise / np.sqrt(pixels.shape[axis]), 10.0 * usual, float(np.quantile(step, 0.95)))
        lines = step > limit
        if axis == 0:
            bad[:, lines] = True
        else:
            bad[lines, :] = True
    return bad


def _clipped_level(pixels: FloatImage, noise: float) -> NDArray[np.float64]:
    """Return the mean of each column within 2.5 sigma of its median; 0 for columns without data.

    Medians of integers come in steps; means do not.
    """
    usable = np.isfinite(pixels)
    # A tenth of the rows tells the median well enough to clip around it.
    sparse = np.where(usable, pixels, np.nan)[:: max(1, pixels.shape[0] // 100)]
    empty = ~np.isfinite(sparse).any(axis=0)
    middle = np.nanmedian(np.where(empty, np.float32(0.0), sparse), axis=0)
    near = usable & (np.abs(np.where(usable, pixels, np.float32(0.0)) - middle) < 2.5 * noise)
    count = near.sum(axis=0)
    total = np.where(near, pixels, 0.0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def compose(planes: dict[MaskPlane, BoolImage], start: MaskImage) -> MaskImage:
    """Return ``start`` with every plane set where its image is true."""
    mask = start.astype(np.uint16)
    for plane, where in planes.items():
        mask = mask | np.where(where, np.uint16(plane), np.uint16(0))
    return mask
