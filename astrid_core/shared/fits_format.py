"""Images as FITS bytes: the same pixels always give the same bytes."""

import io
import warnings
from collections.abc import Mapping

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.images import PsfModel, SkyImage

MEDIA_TYPE = "image/fits"


def image_to_fits(
    image: SkyImage,
    *,
    header: Mapping[str, object] | None = None,
    quantize_level: float = 0.0,
    coverage: NDArray[np.uint16] | None = None,
) -> bytes:
    """Return PIXELS, VARIANCE, MASK and PSF extensions as one FITS file, and COVERAGE (inputs per pixel) if given.

    The mask is Rice-compressed without loss. Pixels and variance stay exact floats unless ``quantize_level`` is
    positive: then they are quantised to noise/level with a fixed dither (Pence et al. 2010, PASP 122, 1065).
    """
    primary = fits.PrimaryHDU(header=_header(image, header))
    hdus: list[fits.hdu.base.ExtensionHDU | fits.PrimaryHDU] = [primary]
    for name, plane in (("PIXELS", image.pixels), ("VARIANCE", image.variance)):
        hdus.append(_float_hdu(name, plane, image.wcs, quantize_level))
    hdus.append(fits.CompImageHDU(data=image.mask.astype(np.int32), name="MASK", compression_type="RICE_1"))
    if coverage is not None:
        hdus.append(fits.CompImageHDU(data=coverage.astype(np.int32), name="COVERAGE", compression_type="RICE_1"))
    if image.psf is not None:
        psf = fits.ImageHDU(data=image.psf.coefficients.astype(">f8"), name="PSF")
        psf.header["PSFDEG"] = (image.psf.degree, "degree of the polynomial in position")
        psf.header["PSFERR"] = (image.psf.pixel_error, "standard deviation of a pixel of the PSF")
        psf.header["FRAMENY"], psf.header["FRAMENX"] = image.psf.frame_shape
        hdus.append(psf)
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer, checksum=False)
    return _without_times(buffer.getvalue()) if quantize_level > 0 else buffer.getvalue()


def fits_to_image(content: bytes) -> SkyImage:
    """Read what ``image_to_fits`` wrote."""
    try:
        # We wrote these bytes: whatever astropy has to say about them means that they are not what we wrote.
        with warnings.catch_warnings(action="error"), fits.open(io.BytesIO(content), memmap=False) as hdus:
            names = {hdu.name for hdu in hdus}
            psf = None
            if "PSF" in names:
                header = hdus["PSF"].header
                psf = PsfModel(
                    coefficients=np.asarray(hdus["PSF"].data, dtype=np.float64),
                    degree=int(header["PSFDEG"]),
                    frame_shape=(int(header["FRAMENY"]), int(header["FRAMENX"])),
                    pixel_error=float(header["PSFERR"]),
                )
            header = hdus["PIXELS"].header
            return SkyImage(
                pixels=np.asarray(hdus["PIXELS"].data, dtype=np.float32),
                variance=np.asarray(hdus["VARIANCE"].data, dtype=np.float32),
                mask=np.asarray(hdus["MASK"].data, dtype=np.uint16),
                wcs=WCS(header) if "CTYPE1" in header else None,
                psf=psf,
            )
    except (OSError, KeyError, ValueError, TypeError, Warning) as error:
        raise CorruptArtifact("bytes are not an AstrID image", cause=str(error), n_bytes=len(content)) from error


def _header(image: SkyImage, extra: Mapping[str, object] | None) -> fits.Header:
    header = fits.Header()
    header["ORIGIN"] = "AstrID"
    header["NY"], header["NX"] = image.shape
    for name, value in (extra or {}).items():
        header[name] = value
    return header


def _float_hdu(
    name: str, plane: np.ndarray, wcs: WCS | None, quantize_level: float
) -> "fits.ImageHDU | fits.CompImageHDU":
    header = wcs_header(wcs)
    if quantize_level > 0:
        return fits.CompImageHDU(
            data=np.asarray(plane, dtype=np.float32),
            header=header,
            name=name,
            compression_type="RICE_1",
            quantize_level=quantize_level,
            quantize_method=2,  # SUBTRACTIVE_DITHER_2 keeps exact zeros
            dither_seed=1,
        )
    return fits.ImageHDU(data=np.asarray(plane, dtype=">f4"), header=header, name=name)


def _without_times(content: bytes) -> bytes:
    """Take the time of writing out of tiles that cannot be quantised: they are gzip members, which carry one."""
    clean = bytearray(content)
    with fits.open(io.BytesIO(content), memmap=False, disable_image_compression=True) as hdus:
        for hdu in hdus:
            if "GZIP_COMPRESSED_DATA" not in getattr(hdu, "columns", fits.ColDefs([])).names:
                continue
            heap = hdu.fileinfo()["datLoc"] + hdu.header.get("THEAP", hdu.header["NAXIS1"] * hdu.header["NAXIS2"])
            for length, offset in hdu.data.view(np.ndarray)["GZIP_COMPRESSED_DATA"]:
                if length:
                    clean[heap + offset + 4 : heap + offset + 8] = bytes(4)
    return bytes(clean)


def wcs_header(wcs: WCS | None) -> fits.Header:
    """Return the header cards of ``wcs``, distortions included; empty without one."""
    return fits.Header() if wcs is None else wcs.to_header(relax=True)
