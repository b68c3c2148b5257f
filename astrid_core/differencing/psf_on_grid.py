"""The PSF of an image in the pixels of another grid."""

from dataclasses import replace

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.register import resample
from astrid_core.shared.images import PsfModel, SkyImage


def resampled(image: SkyImage, wcs: WCS, shape: tuple[int, int]) -> SkyImage:
    """Return an image with its PSF on another grid (see ``resample``)."""
    if image.psf is None or image.wcs is None:
        raise ValueError("an image needs sky coordinates and a PSF to be placed")
    stamp = _turned(image.psf.middle.astype(float), _matrix(image.wcs, image.shape, wcs))
    psf = PsfModel(coefficients=stamp[None], degree=0, frame_shape=shape, pixel_error=image.psf.pixel_error)
    return replace(resample(image, wcs, shape), psf=psf)


def _matrix(source: WCS, source_shape: tuple[int, int], grid: WCS) -> NDArray[np.float64]:
    """Return how (y, x) of the source change with (y, x) of the grid, in the middle of the source."""
    ny, nx = source_shape
    x, y = (np.array([(side - 1) / 2] * 3) for side in (nx, ny))
    x[1] += 1.0
    y[2] += 1.0
    there = grid.world_to_pixel(source.pixel_to_world(x, y))
    forward = np.array([[axis[2] - axis[0], axis[1] - axis[0]] for axis in (there[1], there[0])])
    return np.asarray(np.linalg.inv(forward))


def _turned(stamp: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a PSF in other pixels, about its middle, sum 1."""
    half = stamp.shape[0] // 2
    reach = max(1, round(half / float(np.sqrt(abs(np.linalg.det(matrix))))))
    side = 2 * reach + 1
    middle = np.array([half, half]) - matrix @ np.array([reach, reach])
    turned = ndimage.affine_transform(stamp, matrix, offset=middle, output_shape=(side, side), order=3)
    return np.asarray(turned / turned.sum())
