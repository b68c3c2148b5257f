"""Bring one image onto the grid of another."""

import numpy as np
from astropy.wcs import WCS
from reproject import reproject_interp
from scipy import ndimage

from astrid_core.shared.images import MaskImage, MaskPlane, SkyImage


def resample(image: SkyImage, wcs: WCS, shape: tuple[int, int]) -> SkyImage:
    """Return ``image`` (which must have a WCS) on the grid of ``wcs`` and ``shape`` (ny, nx), surface brightness kept.

    Pixels by cubic splines, variance and masks by the nearest pixel, masks grown by the reach of the spline. The
    result has no PSF: resampling changes it, so it is measured anew. Its noise is correlated; whoever needs the scale
    of it must measure it.
    """
    if image.wcs is None:
        raise ValueError("an image needs sky coordinates to be resampled")
    empty = ~np.isfinite(image.pixels)
    filled = np.where(empty, np.float32(0.0), image.pixels).astype(np.float64)
    noise = np.where(np.isfinite(image.variance), image.variance, np.float32(0.0)).astype(np.float64)
    # Fields of a few degrees need no check that a position comes back to itself; it would take half of the time.
    pixels, footprint = reproject_interp(
        (filled, image.wcs), wcs, shape_out=shape, order="bicubic", roundtrip_coords=False
    )
    planes = np.stack([noise, _grown(image.mask).astype(np.float64)])
    variance, bits = reproject_interp(
        (planes, image.wcs),
        wcs,
        shape_out=(2, *shape),
        order="nearest-neighbor",
        return_footprint=False,
        roundtrip_coords=False,
    )
    mask = np.nan_to_num(bits).astype(np.uint16)
    gone = (footprint < 1.0) | ~np.isfinite(pixels) | ((mask & np.uint16(MaskPlane.NO_DATA)) != 0)
    return SkyImage(
        pixels=np.where(gone, np.nan, pixels).astype(np.float32),
        variance=np.where(gone, np.nan, variance).astype(np.float32),
        mask=mask | np.where(gone, np.uint16(MaskPlane.NO_DATA), np.uint16(0)),
        wcs=wcs,
    )


def _grown(mask: MaskImage) -> MaskImage:
    """Grow every plane by two pixels: a hole spoils each output pixel that a cubic spline reaches from it."""
    grown = np.zeros_like(mask)
    for plane in MaskPlane:
        bits = (mask & np.uint16(plane)) != 0
        if bits.any():
            grown |= np.where(ndimage.binary_dilation(bits, iterations=2), np.uint16(plane), np.uint16(0))
    return grown
