"""Masters as FITS bytes: the same master always gives the same bytes."""

import io
import warnings

import numpy as np
from astropy.io import fits

from astrid_core.preprocessing.masters import Master
from astrid_core.shared.errors import CorruptArtifact


def master_to_fits(master: Master, *, kind: str, recipe: str) -> bytes:
    """Return PIXELS, VARIANCE and N_USED as extensions of one file; equal pixels of two recipes stay two masters."""
    primary = fits.PrimaryHDU()
    primary.header["ORIGIN"] = "AstrID"
    primary.header["CALKIND"] = (kind, "kind of master")
    primary.header["RECIPE"] = recipe
    planes = (
        ("PIXELS", master.pixels.astype(">f4")),
        ("VARIANCE", master.variance.astype(">f4")),
        ("N_USED", master.n_used.astype(">i2")),
    )
    buffer = io.BytesIO()
    fits.HDUList([primary, *(fits.ImageHDU(plane, name=name) for name, plane in planes)]).writeto(buffer)
    return buffer.getvalue()


def fits_to_master(content: bytes) -> Master:
    """Read what ``master_to_fits`` wrote."""
    try:
        with warnings.catch_warnings(action="error"), fits.open(io.BytesIO(content), memmap=False) as hdus:
            return Master(
                pixels=np.asarray(hdus["PIXELS"].data, dtype=np.float32),
                variance=np.asarray(hdus["VARIANCE"].data, dtype=np.float32),
                n_used=np.asarray(hdus["N_USED"].data, dtype=np.uint16),
            )
    except (OSError, KeyError, ValueError, TypeError, Warning) as error:
        raise CorruptArtifact("bytes are not a master", cause=str(error), n_bytes=len(content)) from error
