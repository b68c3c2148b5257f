"""Pictures that travel with an alert: FITS under gzip, as brokers take them."""

import gzip
import io

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from astrid_core.alerts.entities import AlertStamps
from astrid_core.catalog.cutouts import cut
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import DifferenceProduct

SIDE_PIX = 63


def take_stamps(product: DifferenceProduct, candidate: Candidate) -> AlertStamps:
    """Return what is around a candidate; the same bytes each time. Pixels without data are NaN."""
    masked = product.mask != 0
    planes = {"science": product.science, "reference": product.reference, "difference": product.difference}
    return AlertStamps(
        **{name: _fits(np.where(masked, np.nan, plane), candidate, name) for name, plane in planes.items()}
    )


def _fits(plane: NDArray[np.floating], candidate: Candidate, name: str) -> bytes:
    pixels = cut(plane, x_pix=candidate.x_pix, y_pix=candidate.y_pix, size=SIDE_PIX)
    hdu = fits.PrimaryHDU(pixels)
    hdu.header["OBJECT"] = (name, "which image")
    hdu.header["FRAME_X"] = (float(candidate.x_pix), "[pix] where it is in its frame, from 0")
    hdu.header["FRAME_Y"] = (float(candidate.y_pix), "[pix] where it is in its frame, from 0")
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    # Without the time, so that a packet that is sent again is the same packet.
    return gzip.compress(buffer.getvalue(), mtime=0)
