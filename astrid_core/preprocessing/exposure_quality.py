"""How deep, sharp and dark an exposure is: the numbers that its quality is judged by."""

import numpy as np
from numpy.typing import NDArray

from astrid_core.preprocessing.entities import ExposureQuality, ImageQuality, PhotometricSolution
from astrid_core.preprocessing.psf_shape import measure_psf_shape
from astrid_core.shared.errors import BadPixels
from astrid_core.shared.images import SkyImage

LIMIT_SIGMA = 5.0
_GRID = 24
"""The depth is the median over so many places along either axis."""


def measure_exposure(
    image: SkyImage,
    quality: ImageQuality,
    *,
    photometry: PhotometricSolution | None,
    airmass: float | None,
) -> ExposureQuality:
    """Return the quality of a prepared image with a PSF; what needs a zero point or a WCS is None without it.

    Raises BadPixels where no place of the frame can be measured, ValueError without a PSF.
    """
    if image.psf is None:
        raise ValueError("the quality of an exposure needs its PSF")
    shape = measure_psf_shape(image.psf, image.wcs)
    flux = limiting_flux(image, gain_e_count=quality.gain_e_count)
    zero_point = None if photometry is None else photometry.zero_point_mag
    per_arcsec2 = None if shape.pixel_area_arcsec2 is None else quality.sky / shape.pixel_area_arcsec2
    return ExposureQuality(
        limiting_flux=flux,
        limiting_mag=_magnitude(flux, zero_point),
        fwhm_pix=shape.fwhm_pix,
        seeing_arcsec=shape.seeing_arcsec,
        ellipticity=shape.ellipticity,
        position_angle_deg=shape.position_angle_deg,
        sky=quality.sky,
        sky_mag_arcsec2=_magnitude(per_arcsec2, zero_point),
        airmass=airmass,
        zero_point_scatter_mag=None if photometry is None else photometry.scatter_mag,
        masked_fraction=float((image.mask != 0).mean()),
    )


def limiting_flux(image: SkyImage, *, gain_e_count: float | None) -> float:
    """Return the PSF flux in counts of a point source of 5 sigma, in the median over the frame.

    The variance of a PSF flux is sum(P^2 V) / sum(P^2)^2: that of the pixels times the noise-equivalent area
    1 / sum(P^2) (King 1983, PASP 95, 163). The source's own photons add flux times sum(P^3) / sum(P^2)^2 / gain.
    Raises BadPixels where no place of the frame can be measured.
    """
    if image.psf is None:
        raise ValueError("the depth of an image needs its PSF")
    half = image.psf.size // 2
    ny, nx = image.shape
    usable = image.usable
    limits = []
    for row in _places(ny, half):
        for column in _places(nx, half):
            box = np.s_[row - half : row + half + 1, column - half : column + half + 1]
            if not usable[box].all():
                continue
            psf = image.psf.at(float(column), float(row)).astype(float)
            power = float((psf**2).sum())
            variance = float((psf**2 * image.variance[box]).sum()) / power**2
            own = 0.0 if gain_e_count is None else float((psf**3).sum()) / power**2 / gain_e_count
            # F / sqrt(variance + F own) = LIMIT_SIGMA
            linear = LIMIT_SIGMA**2 * own
            limits.append(0.5 * (linear + np.sqrt(linear**2 + 4.0 * LIMIT_SIGMA**2 * variance)))
    if not limits:
        raise BadPixels("no place of the frame is clear enough to tell its depth", stamp_pix=image.psf.size)
    return float(np.median(limits))


def _places(side: int, half: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(half, max(side - 1 - half, half), _GRID).astype(int))


def _magnitude(counts: float | None, zero_point_mag: float | None) -> float | None:
    if counts is None or zero_point_mag is None or counts <= 0.0:
        return None
    return zero_point_mag - 2.5 * float(np.log10(counts))
