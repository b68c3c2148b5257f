"""Where a camera points: tangent-plane coordinates of a frame."""

import numpy as np
from astropy.wcs import WCS

from astrid_core.shared.sky import SkyPosition


def tangent_wcs(
    centre: SkyPosition,
    frame_shape: tuple[int, int],
    scale_arcsec: float,
    *,
    offset_pix: tuple[float, float] = (0.0, 0.0),
    rotation_deg: float = 0.0,
    stretch: float = 1.0,
) -> WCS:
    """Return the WCS of a frame (ny, nx) whose middle shows what lies ``offset_pix`` (x, y) off ``centre``.

    North is up and east to the left, turned by ``rotation_deg``; pixels are ``stretch`` times their nominal size.
    """
    ny, nx = frame_shape
    turn, size = np.radians(rotation_deg), scale_arcsec * stretch / 3600.0
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.crpix = [(nx + 1) / 2, (ny + 1) / 2]
    wcs.wcs.cd = size * np.array([[-np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    wcs.wcs.crval = [centre.ra_deg, centre.dec_deg]
    wcs.wcs.set()
    moved = wcs.wcs_pix2world([[(nx - 1) / 2 + offset_pix[0], (ny - 1) / 2 + offset_pix[1]]], 0)[0]
    wcs.wcs.crval = [moved[0] % 360.0, moved[1]]
    wcs.wcs.set()
    return wcs
