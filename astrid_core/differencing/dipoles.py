"""Two poles of opposite sign that belong together: what a source leaves that is not where it was.

Like Translient (Springer, Ofek, Zackay et al. 2024, AJ 167, 281) this asks whether a source has moved rather than
changed. Both are nested here: one point source of flux f_1 at the peak, or a second one of opposite sign beside it.
With s_1 and s_2 the PSF fluxes at the two places and a the autocorrelation of P_D at their distance, normalised to 1,
least squares gives

    f_2 = (s_2 - a s_1) / (1 - a^2),   f_1 = s_1 - a f_2,   gain in chi^2 = (s_2 - a s_1)^2 / ((1 - a^2) sigma^2)

because the score is the matched filter of D, whose noise is white. A star that varies in its place leaves s_2 = a s_1
everywhere around it, so it has no second pole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid_core.differencing.point_source import Places
from astrid_core.differencing.stamps import FloatArray, IntArray, Shifted, cut
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage

_REACH_FWHM = 2.0
_MIN_SIGMA = 5.0
_MIN_SHARE = 0.5
"""The weaker pole has at least this part of the flux of the stronger one."""
_MAX_OVERLAP = 0.5
"""Poles nearer than where the autocorrelation is this high are not told apart: a small shift of a source leaves two
extrema of the score where it is 0.14.
"""


_ONE_SOURCE_SHARE = 0.8
_ONE_SOURCE_OVERLAP = 0.18
"""Poles of a source that moved by less than its width have equal flux and stay this near to each other: in simulated
moves of 0.2 to 3 pixels the overlap is 0.20 to 0.33. Chance pairs of cosmic-ray tracks have 0.04 and less.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPoles:
    """What a second pole of opposite sign beside each of n peaks explains."""

    gain_chi2: FloatArray
    """How much it lowers chi-square, for the noise of single pixels of D."""
    paired: NDArray[np.bool_]
    """True where it is significant and has half to twice the flux of the peak: together they are a dipole."""
    one_source: NDArray[np.bool_]
    """True where the two are so near and so equal that one source, slightly displaced, leaves both."""


def second_poles(
    difference: Difference, rows: IntArray, columns: IntArray, places: Places, *, fwhm_pix: float
) -> SecondPoles:
    """Return the best second pole on unmasked pixels within two FWHM of each of n peaks; it counts from 5 sigma on."""
    half = max(2, int(np.ceil(_REACH_FWHM * fwhm_pix)))
    sign = np.sign(places.flux)[:, None, None]
    first = np.abs(places.flux)
    overlap = Shifted(autocorrelation(difference.psf), half=half).by(places.x_pix - columns, places.y_pix - rows)
    seen = cut(difference.flux, rows, columns, half, fill=0.0).astype(float) * sign
    free = cut(difference.mask, rows, columns, half, fill=1) == 0
    near = np.arange(-half, half + 1)
    near_enough = np.hypot(near[:, None], near) <= _REACH_FWHM * fwhm_pix
    rest = seen - overlap * first[:, None, None]
    usable = free & near_enough & (overlap < _MAX_OVERLAP) & (rest < 0.0)
    apart = np.where(usable, 1.0 - overlap**2, 1.0)
    gain = np.where(usable, rest**2 / apart, 0.0).reshape(len(rows), -1)
    best = np.argmax(gain, axis=1)[:, None]
    flux2, second, near_first = (
        np.take_along_axis(one.reshape(len(rows), -1), best, axis=1)[:, 0] for one in (gain, -rest / apart, overlap)
    )
    main = first + near_first * second
    share = np.minimum(main, second) / np.maximum(np.maximum(main, second), 1e-30)
    power = float((difference.psf.astype(float) ** 2).sum())
    paired = (share >= _MIN_SHARE) & (flux2 > (_MIN_SIGMA * difference.flux_err[rows, columns]) ** 2)
    return SecondPoles(
        gain_chi2=flux2 * power / difference.variance[rows, columns],
        paired=paired,
        one_source=paired & (share >= _ONE_SOURCE_SHARE) & (near_first >= _ONE_SOURCE_OVERLAP),
    )


def autocorrelation(psf: FloatImage) -> FloatArray:
    """Return the autocorrelation of a centred stamp of odd side, on a stamp of odd side twice as large, peak 1."""
    side = 2 * int(psf.shape[0]) + 1
    power = fft.irfft2(np.abs(fft.rfft2(psf, s=(side, side))) ** 2, s=(side, side))
    return np.asarray(np.roll(power, (side // 2, side // 2), (0, 1)) / power[0, 0])
