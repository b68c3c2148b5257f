"""Exposures as plain FITS files, as a small observatory would write them."""

import io
import os
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.time import Time

from astrid_core.simulate.exposure import Exposed

TELESCOPE = "AstrID simulator"


def exposure_to_fits(exposed: Exposed, *, object_name: str, band: str) -> bytes:
    """Return an exposure as one image of unsigned 16-bit integers; equal exposures give equal bytes."""
    hdu = fits.PrimaryHDU(data=exposed.counts.astype(np.uint16))
    plan, camera = exposed.plan, exposed.plan.camera
    begin = Time(plan.begin_mjd, format="mjd", scale="utc", precision=3)
    for name, value, comment in (
        ("TELESCOP", TELESCOPE, "this sky does not exist"),
        ("INSTRUME", "simulated CCD", ""),
        ("OBJECT", object_name, "field"),
        ("FILTER", band, ""),
        ("IMAGETYP", "object", ""),
        ("BUNIT", "adu", "counts of the whole exposure"),
        ("DATE-OBS", begin.isot, "begin of the exposure, UTC"),
        ("MJD-OBS", round(plan.begin_mjd, 8), "[d] begin of the exposure, UTC"),
        ("TIMESYS", "UTC", ""),
        ("EXPTIME", camera.exposure_s, "[s]"),
        ("GAIN", camera.gain_e_adu, "[e-/ADU] electrons per count"),
        ("RDNOISE", camera.read_noise_e, "[e-] read noise"),
        ("SATURATE", camera.saturation_adu, "[ADU] counts are clipped there"),
        ("MAGZPT", round(plan.zero_point_mag, 4), "[mag] AB, of one count in the whole exposure"),
    ):
        hdu.header[name] = (value, comment)
    hdu.header.extend(_wcs_cards(exposed), end=True)
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return buffer.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(content)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _wcs_cards(exposed: Exposed) -> fits.Header:
    wcs = exposed.plan.header_wcs.wcs
    header = fits.Header()
    header["RADESYS"] = "ICRS"
    for axis in (1, 2):
        header[f"CTYPE{axis}"] = wcs.ctype[axis - 1]
        header[f"CUNIT{axis}"] = "deg"
        header[f"CRVAL{axis}"] = (float(wcs.crval[axis - 1]), "[deg]")
        header[f"CRPIX{axis}"] = (float(wcs.crpix[axis - 1]), "[pix] the first pixel is 1")
    for row in (1, 2):
        for column in (1, 2):
            header[f"CD{row}_{column}"] = float(wcs.cd[row - 1, column - 1])
    return header
