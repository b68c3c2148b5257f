"""Coadds of exposures that no survey has listed, on the grid that an exposure of their scale has."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from astropy.wcs import WCS

from astrid_core.differencing.coadd import Coadd, Input, coadd
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.grids import GridFamily, Plane
from astrid_core.differencing.pixel_grid import Box, wcs_of
from astrid_core.differencing.placed import box_on
from astrid_core.shared.images import SkyImage
from astrid_core.shared.sky import SkyCell, SkyPosition


def coadd_on_grid(
    images: Sequence[SkyImage],
    config: ReferenceConfig,
    *,
    finer: float = 1.0,
    sky_known: Sequence[bool] = (),
    zero_points: Sequence[float | None] = (),
) -> Coadd:
    """Coadd images on a plane of their own scale (over ``finer``), as large as all that know the sky."""
    known = [image for image in images if image.wcs is not None]
    inputs = [
        Input(
            image=image,
            sky_known=sky_known[number] if sky_known else image.wcs is not None,
            zero_point_mag=zero_points[number] if zero_points else None,
        )
        for number, image in enumerate(images)
    ]
    if not known:
        return coadd(inputs, WCS(naxis=2), (8, 8), config)
    plane = _plane(known[0], finer)
    boxes = [found for image in known if (found := box_on(image, plane.wcs)) is not None]
    box = reduce(Box.around, boxes)
    return coadd(inputs, wcs_of(plane.wcs, box), box.shape, config)


def _plane(image: SkyImage, finer: float) -> Plane:
    ny, nx = image.shape
    assert image.wcs is not None
    middle = image.wcs.pixel_to_world((nx - 1) / 2, (ny - 1) / 2).icrs
    position = SkyPosition(ra_deg=float(middle.ra.deg) % 360.0, dec_deg=float(middle.dec.deg))
    scale = float(np.sqrt(abs(np.linalg.det(image.wcs.pixel_scale_matrix)))) * 3600.0 / finer
    family = GridFamily(name="test", scale_arcsec=scale, order=8, margin_pix=64)
    return family.plane_of(SkyCell.containing(position, order=family.order))
