"""An image whose pixels, variance, mask planes, sky coordinates and PSF travel together."""

from dataclasses import dataclass
from enum import IntFlag
from typing import TypeAlias

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

FloatImage: TypeAlias = NDArray[np.float32]
MaskImage: TypeAlias = NDArray[np.uint16]


class MaskPlane(IntFlag):
    """Why a pixel must not be trusted; bits may be combined."""

    NO_DATA = 1
    """Not observed: off the detector, outside a warped frame, not a number."""
    BAD = 2
    """Known bad pixel or column."""
    SATURATED = 4
    """At or above the level where the detector stops counting, or next to such a pixel."""
    COSMIC_RAY = 8
    TRAIL = 16
    """Crossed by a satellite or an aircraft."""
    EDGE = 32
    """Too near the edge of the frame for the kernels to fit."""
    REFERENCE = 64
    """Unusable because of the reference image."""
    FILLED = 128
    """Value replaced before a Fourier transform; the score next to it is not trusted."""
    BRIGHT = 256
    """The core of a very bright star, where PSF errors exceed the photon noise."""
    DIPOLE = 512
    """Set on candidates only, never on pixels: one of two poles of opposite sign that belong together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PsfModel:
    """A point-spread function that varies over the frame as a polynomial in position.

    ``coefficients`` has shape (n_terms, size, size), size odd; the terms are x^i y^j with i + j <= degree, ordered by
    total degree and then by the power of y, where x and y run from -1 to 1 over the frame of ``frame_shape`` (ny, nx).
    """

    coefficients: NDArray[np.float64]
    degree: int
    frame_shape: tuple[int, int]
    pixel_error: float = 0.0
    """Standard deviation that the noise of its stars leaves in a pixel of the PSF (sum 1); 0 for one that is known."""

    def at(self, x_pix: float, y_pix: float) -> FloatImage:
        """Return the PSF at a 0-based pixel position: (size, size), sum 1, centred on the middle pixel."""
        terms = terms_at(x_pix, y_pix, self.degree, self.frame_shape)
        stamp = np.tensordot(terms, self.coefficients, axes=1)
        return np.asarray(stamp / stamp.sum(), dtype=np.float32)

    @property
    def size(self) -> int:
        """Side of the stamp in pixels."""
        return int(self.coefficients.shape[-1])

    @property
    def middle(self) -> FloatImage:
        """The PSF at the centre of the frame."""
        ny, nx = self.frame_shape
        return self.at((nx - 1) / 2, (ny - 1) / 2)

    @property
    def fwhm_pix(self) -> float:
        """Full width at half maximum at the centre of the frame, from the area above half of the peak."""
        return stamp_fwhm_pix(self.middle)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyImage:
    """Pixels with all that is needed to use them; arrays are (ny, nx), read-only, and share one grid.

    Pixels are counts (ADU as the archive gives them, background already removed where a stage says so) and may be NaN
    where ``mask`` holds NO_DATA; variance is in counts squared.
    """

    pixels: FloatImage
    variance: FloatImage
    mask: MaskImage
    wcs: WCS | None = None
    psf: PsfModel | None = None

    def __post_init__(self) -> None:
        for name, kind in (("pixels", np.float32), ("variance", np.float32), ("mask", np.uint16)):
            plane = np.asarray(getattr(self, name), dtype=kind)
            if plane.ndim != 2 or plane.shape != np.shape(self.pixels):
                message = f"{name} has shape {plane.shape}, pixels have {np.shape(self.pixels)}"
                raise ValueError(message)
            plane = plane.view()
            plane.flags.writeable = False
            object.__setattr__(self, name, plane)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (int(self.pixels.shape[0]), int(self.pixels.shape[1]))

    @property
    def usable(self) -> NDArray[np.bool_]:
        """True where no mask plane is set and pixel and variance are finite numbers, the variance positive."""
        known = np.isfinite(self.pixels) & np.isfinite(self.variance)
        return np.asarray((self.mask == 0) & known & (self.variance > 0))


def polynomial_terms(x: float, y: float, degree: int) -> NDArray[np.float64]:
    """Return x^i y^j for i + j <= degree, ordered by total degree, then by the power of y."""
    return np.array([x ** (total - j) * y**j for total in range(degree + 1) for j in range(total + 1)])


def terms_at(x_pix: float, y_pix: float, degree: int, frame_shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the polynomial terms at a 0-based pixel position: x and y run from -1 to 1 over the frame (ny, nx)."""
    ny, nx = frame_shape
    return polynomial_terms(2 * x_pix / max(nx - 1, 1) - 1, 2 * y_pix / max(ny - 1, 1) - 1, degree)


def stamp_fwhm_pix(stamp: NDArray[np.floating]) -> float:
    """Return the diameter of the disc that has the area above half of the peak, resolved by five-fold upsampling."""
    from scipy.ndimage import zoom  # noqa: PLC0415 - scipy.ndimage costs 0.2 s, and most users of this module never call

    fine = zoom(np.asarray(stamp, dtype=np.float64), 5, order=3)
    return float(2.0 * np.sqrt((fine > 0.5 * fine.max()).sum() / np.pi) / 5.0)
