"""Bring one image onto the grid of another."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from reproject import reproject_interp

from astrid_core.preprocessing.grid_map import GridMap, Places, map_grid
from astrid_core.preprocessing.pixel_world import PixelWorld
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane, SkyImage

_REACH_PIX = 2
"""The spline weighs two pixels to each side; what its prefilter adds beyond falls by a factor of four per pixel."""
_STRIP_ROWS = 256
_MARGIN_ROWS = 12
"""Rows beyond a strip that the prefilter is given: what lies further has a weight of 4^-12."""
_EDGE_PIX = 0.01
_COARSER = 1.2
"""Pixels larger than those of the source by more than this, along a side, are averages over several points."""


def resample(image: SkyImage, wcs: WCS, shape: tuple[int, int]) -> SkyImage:
    """Return ``image`` (which must have a WCS) on the grid of ``wcs`` and ``shape`` (ny, nx), counts kept.

    Pixels by interpolating cubic B-splines (reproject's ``bicubic``; Unser 1999, IEEE Signal Proc. Mag. 16, 22), the
    mean over several points where the new pixels are larger, times the source pixels that each of them covers: a star
    keeps its flux whatever the scales and distortions. Unusable pixels are replaced by their usable neighbours' mean
    first, so that they say nothing about others; what the spline reaches from them (2 pixels) carries their mask, and
    where they lie themselves their own value is shown. Variance is the nearest pixel's times the pixels covered: that
    of sums over many pixels is right, while single pixels scatter less and together; whoever needs that scatter must
    measure it. The result has no PSF: resampling changes it.
    """
    if image.wcs is None:
        raise ValueError("an image needs sky coordinates to be resampled")
    where = map_grid(image.wcs, wcs, shape)
    bad = ~image.usable
    empty = np.where(np.isfinite(image.pixels), 0, MaskPlane.NO_DATA).astype(np.uint16)
    side = _side_pix(where, shape)
    planes = _Planes(
        image=image,
        bad=bad,
        filled=_filled(image.pixels, bad),
        mask=_grown(image.mask | empty, side),
        n_points=int(np.ceil(side)) if side > _COARSER else 1,
    )
    pixels, variance = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    mask = np.empty(shape, dtype=np.uint16)
    for first in range(0, shape[0], _STRIP_ROWS):
        rows = np.s_[first : first + _STRIP_ROWS]
        pixels[rows], variance[rows], mask[rows] = _strip(planes, where.rows(first, min(first + _STRIP_ROWS, shape[0])))
    return SkyImage(pixels=pixels, variance=variance, mask=mask, wcs=wcs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planes:
    """The source as the strips need it: ``filled`` where it is bad, ``mask`` grown by the reach of the spline."""

    image: SkyImage
    bad: NDArray[np.bool_]
    filled: FloatImage
    mask: MaskImage
    n_points: int
    """Points along a side that a new pixel is the mean of."""


def _side_pix(where: GridMap, shape: tuple[int, int]) -> float:
    """Return the side of a pixel in the middle of the grid, in pixels of the source; 1 where there is no source."""
    area = where.rows(shape[0] // 2, shape[0] // 2 + 1).area
    known = area[np.isfinite(area)]
    return float(np.sqrt(np.median(known))) if len(known) else 1.0


def _strip(planes: _Planes, places: Places) -> tuple[FloatImage, FloatImage, MaskImage]:
    """Return pixels, variance and mask of some rows."""
    image = planes.image
    ny, nx = image.shape
    covered = _inside(places.x, nx) & _inside(places.y, ny) & np.isfinite(places.area)
    row, column = (np.rint(np.where(covered, one, 0.0)).astype(np.int32) for one in (places.y, places.x))
    mask: MaskImage = np.where(covered, planes.mask[row, column], np.uint16(MaskPlane.NO_DATA))
    pixels = np.where(planes.bad[row, column], image.pixels[row, column], _interpolated(planes, places))
    gone = ~covered | ~np.isfinite(pixels) | ((mask & np.uint16(MaskPlane.NO_DATA)) != 0)
    area = places.area.astype(np.float32)
    mask[gone] |= np.uint16(MaskPlane.NO_DATA)
    return (
        np.where(gone, np.float32(np.nan), pixels * area),
        np.where(gone, np.float32(np.nan), np.nan_to_num(image.variance[row, column]) * area),
        mask,
    )


def _inside(position: FloatArray, side: int) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray((position > -_EDGE_PIX) & (position < side - 1 + _EDGE_PIX))


def _interpolated(planes: _Planes, places: Places) -> FloatImage:
    """Return the spline at these places, each the mean of ``n_points`` squared points over its own pixel."""
    result = np.zeros(places.x.shape, dtype=np.float32)
    ny = len(planes.filled)
    near = places.y[(places.y > -1.0) & (places.y < ny)]
    if not len(near):
        return result
    first = max(0, int(near.min()) - _MARGIN_ROWS)
    source = planes.filled[first : int(near.max()) + 1 + _MARGIN_ROWS].astype(np.float64)
    steps = (np.arange(planes.n_points) + 0.5) / planes.n_points - 0.5
    for down in steps:
        for right in steps:
            x, y = (_moved(one, down, right) if planes.n_points > 1 else one for one in (places.x, places.y - first))
            result += reproject_interp(
                (source, PixelWorld()),
                PixelWorld(x, y),
                shape_out=x.shape,
                order="bicubic",
                roundtrip_coords=False,
                return_footprint=False,
            )
    return result / np.float32(planes.n_points**2)


def _moved(position: FloatArray, down: float, right: float) -> FloatArray:
    """Return the position a part of a new pixel further."""
    along_y, along_x = np.gradient(position) if len(position) > 1 else (0.0, np.gradient(position, axis=1))
    return np.asarray(position + down * along_y + right * along_x)


def _filled(pixels: FloatImage, bad: NDArray[np.bool_]) -> FloatImage:
    """Return the image with every bad pixel the mean of the good ones within two pixels, 0 where there are none."""
    filled = np.where(bad, np.float32(0.0), pixels)
    row, column = np.nonzero(bad & (_spread((~bad).astype(np.uint16), 2 * _REACH_PIX) != 0))
    total, n_good = np.zeros(len(row)), np.zeros(len(row))
    padded, good = np.pad(filled, _REACH_PIX), np.pad(~bad, _REACH_PIX)
    for dy in range(2 * _REACH_PIX + 1):
        for dx in range(2 * _REACH_PIX + 1):
            total += padded[row + dy, column + dx]
            n_good += good[row + dy, column + dx]
    filled[row, column] = total / np.maximum(n_good, 1)
    return filled


def _grown(mask: MaskImage, side: float) -> MaskImage:
    """Grow every plane by the reach of the spline, and by half a pixel of the new grid where that is coarser."""
    n = _REACH_PIX + max(0, int(np.ceil((side - 1.0) / 2.0)) if side > _COARSER else 0)
    return _spread(mask, n) if mask.any() else mask


def _spread(mask: MaskImage, n_pix: int) -> MaskImage:
    for _ in range(n_pix):
        grown = mask.copy()
        # All planes at once: a pixel has the bits of its four neighbours.
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask
