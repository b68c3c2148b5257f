"""A difference as FITS bytes: the file that ``astrid difference`` writes and that later stages read."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from astropy.table import Column, Table
from astropy.wcs import WCS

from astrid_core.differencing.pair import PairDifference
from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.fits_format import wcs_header
from astrid_core.shared.images import FloatImage, MaskImage


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceProduct:
    """What a stored difference holds; images (ny, nx) on the science grid, science counts."""

    difference: FloatImage
    score: FloatImage
    variance: FloatImage
    mask: MaskImage
    psf: FloatImage
    science: FloatImage
    reference: FloatImage
    """Registered, flux-scaled, background-subtracted."""
    flux_err: FloatImage
    """Standard deviation of the PSF flux of a source at each pixel; NaN in files from before it was kept."""
    wcs: WCS | None
    science_fwhm_pix: float

    @property
    def flux(self) -> FloatImage:
        """PSF flux of a source at each pixel."""
        return self.score * self.flux_err


def write_difference(pair: PairDifference) -> bytes:
    """Return the FITS file of a pair; equal pairs give equal bytes."""
    result = pair.difference
    primary = fits.PrimaryHDU()
    for key, value, comment in (
        ("ORIGIN", "AstrID", ""),
        ("FLXRATIO", pair.flux_ratio, "science counts per reference count"),
        ("SCIFWHM", pair.science_fwhm_pix, "[pix] FWHM of the science PSF"),
        ("REFFWHM", pair.reference_fwhm_pix, "[pix] FWHM of the registered reference PSF"),
        ("REGDX", _card(pair.registration.offset_x_pix), "[pix] error of the science WCS, x"),
        ("REGDY", _card(pair.registration.offset_y_pix), "[pix] error of the science WCS, y"),
        ("REGRMS", pair.registration.rms_pix, "[pix] scatter per axis of the matched stars"),
        ("REGSTARS", pair.registration.n_matched, "matched stars"),
        ("SCORESIG", result.score_noise, "noise of the score before it was divided by it"),
        ("SRCSIG", result.source_noise, "the same on sources, in units of the sky's"),
        ("QUALITY", pair.quality.level.value, "green, yellow, orange or red"),
        ("METHOD", result.method, "PSFs of stars (zogy) or matched ones (kernel)"),
        ("ASTRNOIS", result.residual.astrometric_pix, "[pix] misregistration allowed for in the score"),
        ("PSFNOIS", result.residual.psf, "[pix^2] PSF width error allowed for"),
        ("FLUXNOIS", result.residual.flux_scale, "relative flux-scale error allowed for"),
        ("OVERLAP", result.overlap, "usable science pixels that the reference covers"),
    ):
        primary.header[key] = (value, comment)
    header = wcs_header(pair.science.wcs)
    hdus = [
        primary,
        _image("DIFFERENCE", result.difference, header),
        _image("SCORE", result.score, header),
        _image("VARIANCE", result.variance, header),
        fits.ImageHDU(data=result.mask.astype(np.int32), header=header, name="MASK"),
        _image("PSF", result.psf, fits.Header()),
        _image("SCIENCE", pair.science.pixels, header),
        _image("REFERENCE", pair.reference.pixels, header),
        _image("FLUXERR", result.flux_err, header),
    ]
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return buffer.getvalue()


def read_difference(content: bytes) -> DifferenceProduct:
    """Read what ``write_difference`` wrote; raise CorruptArtifact if it is something else."""
    try:
        # We wrote these bytes: whatever astropy has to say about them means that they are not what we wrote.
        with warnings.catch_warnings(action="error"), fits.open(io.BytesIO(content), memmap=False) as hdus:
            header = hdus["DIFFERENCE"].header
            planes = {
                name.lower(): np.asarray(hdus[name].data, dtype=np.float32)
                for name in ("DIFFERENCE", "SCORE", "VARIANCE", "PSF", "SCIENCE", "REFERENCE")
            }
            unknown = np.full_like(planes["score"], np.nan)
            kept = np.asarray(hdus["FLUXERR"].data, dtype=np.float32) if "FLUXERR" in hdus else unknown
            return DifferenceProduct(
                **planes,
                flux_err=kept,
                mask=np.asarray(hdus["MASK"].data, dtype=np.uint16),
                wcs=WCS(header) if "CTYPE1" in header else None,
                science_fwhm_pix=float(hdus[0].header["SCIFWHM"]),
            )
    except (OSError, LookupError, ValueError, TypeError, Warning) as error:
        raise CorruptArtifact("bytes are not a difference image", cause=str(error), n_bytes=len(content)) from error


def _image(name: str, plane: FloatImage, header: fits.Header) -> fits.ImageHDU:
    return fits.ImageHDU(data=np.asarray(plane, dtype=">f4"), header=header, name=name)


def _card(value: float) -> float | str:
    """FITS cards cannot hold NaN."""
    return value if np.isfinite(value) else "unknown"


def candidate_table(pair: PairDifference) -> bytes:
    """Return the candidates of a pair as ECSV, strongest first; equal pairs give equal bytes."""
    peaks = pair.peaks
    table = Table()
    x_pix, y_pix = np.array([peak.x_pix for peak in peaks]), np.array([peak.y_pix for peak in peaks])
    ra, dec = np.full(len(peaks), np.nan), np.full(len(peaks), np.nan)
    if pair.science.wcs is not None and peaks:
        sky = pair.science.wcs.pixel_to_world(x_pix, y_pix).icrs
        ra, dec = np.asarray(sky.ra.deg) % 360.0, np.asarray(sky.dec.deg)
    for name, values, unit, text in (
        ("ra_deg", ra, "deg", "right ascension, ICRS; NaN where neither image has sky coordinates"),
        ("dec_deg", dec, "deg", "declination, ICRS"),
        ("x_pix", x_pix, "pix", "0-based column on the science frame"),
        ("y_pix", y_pix, "pix", "0-based row on the science frame"),
        ("x_err_pix", [peak.x_err_pix for peak in peaks], "pix", "standard deviation of x_pix"),
        ("y_err_pix", [peak.y_err_pix for peak in peaks], "pix", "standard deviation of y_pix"),
        ("score", [peak.score for peak in peaks], "", "signed S_corr at the peak, sigma"),
        ("flux", [peak.flux for peak in peaks], "ct", "PSF flux of the difference, science counts"),
        ("flux_err", [peak.flux_err for peak in peaks], "ct", "its standard deviation"),
        ("chi2", [peak.chi2 for peak in peaks], "", "reduced chi-square against a point source"),
        ("fwhm_pix", [peak.fwhm_pix for peak in peaks], "pix", "full width at half maximum on the difference"),
        ("ellipticity", [peak.ellipticity for peak in peaks], "", "1 - minor / major axis"),
    ):
        table[name] = Column(np.asarray(values, dtype=float), unit=unit or None, description=text)
    table["flags"] = Column(
        np.array([peak.flags for peak in peaks], dtype=np.int64),
        description="mask planes within one FWHM, dipole and streak, as bits",
    )
    buffer = io.StringIO()
    table.write(buffer, format="ascii.ecsv")
    return buffer.getvalue().encode()
