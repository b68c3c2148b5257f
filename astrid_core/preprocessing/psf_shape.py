"""Size and shape of a PSF, in pixels and on the sky."""

from dataclasses import dataclass

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.images import PsfModel

_ROUNDS = 50
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class PsfShape:
    """The PSF in the middle of a frame; what is on the sky is None without a WCS."""

    fwhm_pix: float
    seeing_arcsec: float | None
    ellipticity: float
    """1 - minor / major axis, on the sky where there is a WCS."""
    position_angle_deg: float | None
    """Of the major axis, from north through east, 0 to 180."""
    pixel_area_arcsec2: float | None


def measure_psf_shape(psf: PsfModel, wcs: WCS | None) -> PsfShape:
    """Return the shape of the PSF at the centre of its frame.

    The FWHM is that of the area above half of the peak; the axes are those of adaptive moments (Bernstein & Jarvis
    2002, AJ 123, 583, section 3.1), which are right for every profile whose isophotes are similar ellipses.
    """
    ny, nx = psf.frame_shape
    x, y = (nx - 1) / 2.0, (ny - 1) / 2.0
    moments = adaptive_moments(psf.at(x, y))
    fwhm = psf.fwhm_pix
    if wcs is None:
        return PsfShape(
            fwhm_pix=fwhm,
            seeing_arcsec=None,
            ellipticity=_axes(moments)[0],
            position_angle_deg=None,
            pixel_area_arcsec2=None,
        )
    to_sky = local_scale_arcsec(wcs, x, y)
    ellipticity, (east, north) = _axes(to_sky @ moments @ to_sky.T)
    area = float(abs(np.linalg.det(to_sky)))
    return PsfShape(
        fwhm_pix=fwhm,
        seeing_arcsec=fwhm * float(np.sqrt(area)),
        ellipticity=ellipticity,
        position_angle_deg=float(np.degrees(np.arctan2(east, north))) % 180.0,
        pixel_area_arcsec2=area,
    )


def adaptive_moments(stamp: NDArray[np.floating]) -> FloatArray:
    """Return the second moments ((xx, xy), (xy, yy)) in pixels^2 of the elliptical Gaussian that fits a stamp best."""
    half = stamp.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    light = np.asarray(stamp, dtype=float)
    peak = light > 0.5 * light.max()
    moments: FloatArray = np.eye(2) * float(peak.sum()) / np.pi / np.log(4.0)
    middle = np.zeros(2)
    for _ in range(_ROUNDS):
        dx, dy = x - middle[0], y - middle[1]
        inverse = np.linalg.inv(moments)
        weight = light * np.exp(-0.5 * (inverse[0, 0] * dx**2 + 2.0 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy**2))
        total = weight.sum()
        # A Gaussian times itself has half of its moments.
        xx, xy, yy = (2.0 * (weight * one).sum() / total for one in (dx * dx, dx * dy, dy * dy))
        before, moments = moments, np.array([[xx, xy], [xy, yy]])
        middle = middle + 2.0 * np.array([(weight * dx).sum(), (weight * dy).sum()]) / total
        if np.abs(moments - before).max() < _CLOSE * moments.max():
            break
    return moments


def local_scale_arcsec(wcs: WCS, x_pix: float, y_pix: float) -> FloatArray:
    """Return the matrix ((east by x, east by y), (north by x, north by y)) in arcsec per pixel at a 0-based place."""
    x, y = x_pix + np.array([0.0, 0.5, -0.5, 0.0, 0.0]), y_pix + np.array([0.0, 0.0, 0.0, 0.5, -0.5])
    sky = SkyCoord(wcs.pixel_to_world(x, y)).icrs
    east, north = sky[0].spherical_offsets_to(sky)
    offsets = np.array([east.arcsec, north.arcsec])
    return np.asarray(np.column_stack([offsets[:, 1] - offsets[:, 2], offsets[:, 3] - offsets[:, 4]]))


def _axes(moments: FloatArray) -> tuple[float, FloatArray]:
    """Return the ellipticity and the direction of the major axis."""
    values, vectors = np.linalg.eigh(moments)
    return 1.0 - float(np.sqrt(values[0] / values[1])), vectors[:, 1]
