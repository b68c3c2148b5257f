"""A difference as the stage before stores it."""

import io

from astropy.io import fits

from astrid_core.differencing.products import DifferenceProduct


def stored(product: DifferenceProduct) -> bytes:
    """Return the FITS file that holds ``product``."""
    primary = fits.PrimaryHDU()
    primary.header["SCIFWHM"] = product.science_fwhm_pix
    planes = ("difference", "score", "variance", "psf", "science", "reference")
    images = [fits.ImageHDU(data=getattr(product, name).astype(">f4"), name=name.upper()) for name in planes]
    mask = fits.ImageHDU(data=product.mask.astype("int32"), name="MASK")
    buffer = io.BytesIO()
    fits.HDUList([primary, *images, mask]).writeto(buffer)
    return buffer.getvalue()
