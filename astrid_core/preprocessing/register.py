"""Bring one image onto the grid of another."""

import numpy as np
from astropy.wcs import WCS
from scipy import interpolate, ndimage

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.images import MaskImage, MaskPlane, SkyImage

_MESH_PIX = 32


def resample(image: SkyImage, wcs: WCS, shape: tuple[int, int]) -> SkyImage:
    """Return ``image`` (which must have a WCS) on the grid of ``wcs`` and ``shape`` (ny, nx), surface brightness kept.

    Pixels by cubic splines, variance and masks by the nearest pixel, masks grown by the reach of the spline. The
    result has no PSF: resampling changes it, so it is measured anew. Its noise is correlated; whoever needs the scale
    of it must measure it.
    """
    if image.wcs is None:
        raise ValueError("an image needs sky coordinates to be resampled")
    rows, columns = _positions(image.wcs, wcs, shape)
    ny, nx = image.shape
    # Positions on the very first or last pixel may miss it by rounding.
    inside = (rows > -1e-3) & (rows < ny - 1 + 1e-3) & (columns > -1e-3) & (columns < nx - 1 + 1e-3)
    filled = np.where(np.isfinite(image.pixels), image.pixels, np.float32(0.0))
    pixels = ndimage.map_coordinates(filled, (rows, columns), output=np.float32, order=3, mode="nearest")
    near = (np.clip(np.rint(rows), 0, ny - 1).astype(int), np.clip(np.rint(columns), 0, nx - 1).astype(int))
    mask: MaskImage = np.where(inside, _grown(image.mask)[near], np.uint16(0)).astype(np.uint16)
    variance = image.variance[near]
    gone = ~inside | ~np.isfinite(variance) | ((mask & np.uint16(MaskPlane.NO_DATA)) != 0)
    return SkyImage(
        pixels=np.where(gone, np.float32(np.nan), pixels),
        variance=np.where(gone, np.float32(np.nan), variance),
        mask=np.where(gone, mask | np.uint16(MaskPlane.NO_DATA), mask).astype(np.uint16),
        wcs=wcs,
    )


def _positions(source: WCS, target: WCS, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Return rows and columns in ``source`` of every pixel of ``target``; NaN off the sky.

    A WCS is smooth: it is asked on a mesh, and bicubic splines (errors below 1e-4 pixels) give the rest.
    """
    ny, nx = shape
    mesh_y = np.linspace(0, ny - 1, max(4, ny // _MESH_PIX + 2))
    mesh_x = np.linspace(0, nx - 1, max(4, nx // _MESH_PIX + 2))
    grid_x, grid_y = np.meshgrid(mesh_x, mesh_y)
    columns, rows = (
        np.asarray(axis, dtype=float) for axis in source.world_to_pixel(target.pixel_to_world(grid_x, grid_y))
    )
    if not (np.isfinite(columns).all() and np.isfinite(rows).all()):
        x, y = np.meshgrid(np.arange(nx), np.arange(ny))
        columns, rows = (np.asarray(axis, dtype=float) for axis in source.world_to_pixel(target.pixel_to_world(x, y)))
        return np.nan_to_num(rows, nan=-1e6), np.nan_to_num(columns, nan=-1e6)
    fine_y, fine_x = np.arange(ny), np.arange(nx)
    return (
        interpolate.RectBivariateSpline(mesh_y, mesh_x, rows)(fine_y, fine_x),
        interpolate.RectBivariateSpline(mesh_y, mesh_x, columns)(fine_y, fine_x),
    )


def _grown(mask: MaskImage) -> MaskImage:
    """Grow every plane by two pixels: a hole spoils each output pixel that a cubic spline reaches from it."""
    grown = np.zeros_like(mask)
    for plane in MaskPlane:
        bits = (mask & np.uint16(plane)) != 0
        if bits.any():
            grown |= np.where(ndimage.binary_dilation(bits, iterations=2), np.uint16(plane), np.uint16(0))
    return grown
