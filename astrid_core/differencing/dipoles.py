"""Two poles of opposite sign that belong together: what a source leaves that is not where it was.

Like Translient (Springer, Ofek, Zackay et al. 2024, AJ 167, 281) this asks whether a source has moved rather than
changed. Both are nested here: one point source of flux f_1 at the peak, or a second one of opposite sign beside it.
With s_1 and s_2 the PSF fluxes at the two places and a the autocorrelation of P_D at their distance, normalised to 1,
least squares gives

    f_2 = (s_2 - a s_1) / (1 - a^2),   f_1 = s_1 - a f_2,   gain in chi^2 = (s_2 - a s_1)^2 / ((1 - a^2) sigma^2)

because the score is the matched filter of D, whose noise is white. A star that varies in its place leaves s_2 = a s_1
everywhere around it, so it has no second pole.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid_core.differencing.point_source import Places
from astrid_core.differencing.stamps import FloatArray, IntArray, Shifted, cut
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import FloatImage

_REACH_FWHM = 2.0
_MIN_SIGMA = 4.0
_MIN_SHARE = 0.5
"""The weaker pole has at least this part of the flux of the stronger one."""
_MAX_OVERLAP = 0.9
"""Nearer than where the autocorrelation is this high, two poles are one measurement."""


def are_dipoles(
    difference: Difference, rows: IntArray, columns: IntArray, places: Places, *, fwhm_pix: float
) -> NDArray[np.bool_]:
    """Tell of n peaks whether each is one pole of a pair: a second one, of opposite sign and of half to twice the flux,
    lies within two FWHM and gains at least ``4^2`` in chi-square.
    """
    half = max(2, int(np.ceil(_REACH_FWHM * fwhm_pix)))
    sign = np.sign(places.flux)[:, None, None]
    first = np.abs(places.flux)[:, None, None]
    overlap = Shifted(autocorrelation(difference.psf), half=half).by(places.x_pix - columns, places.y_pix - rows)
    seen = cut(difference.flux, rows, columns, half, fill=0.0).astype(float) * sign
    free = cut(difference.mask, rows, columns, half, fill=1) == 0
    near = np.arange(-half, half + 1)
    near_enough = np.hypot(near[:, None], near) <= _REACH_FWHM * fwhm_pix
    apart = np.maximum(1.0 - overlap**2, 1.0 - _MAX_OVERLAP**2)
    rest = seen - overlap * first
    usable = free & near_enough & (overlap < _MAX_OVERLAP) & (rest < 0.0) & np.isfinite(rest)
    gain = np.where(usable, rest**2 / apart, 0.0).reshape(len(rows), -1)
    best = np.argmax(gain, axis=1)[:, None]
    sigma2 = difference.flux_err[rows, columns].astype(float) ** 2
    at = [np.take_along_axis(one.reshape(len(rows), -1), best, axis=1)[:, 0] for one in (gain, rest / apart, overlap)]
    second = np.abs(at[1])
    main = np.abs(places.flux) + at[2] * second
    alike = (second >= _MIN_SHARE * main) & (main >= _MIN_SHARE * second)
    return np.asarray((at[0] > _MIN_SIGMA**2 * sigma2) & alike)


def autocorrelation(psf: FloatImage) -> FloatArray:
    """Return the autocorrelation of a centred stamp of odd side, on a stamp of odd side twice as large, peak 1."""
    side = 2 * int(psf.shape[0]) + 1
    power = fft.irfft2(np.abs(fft.rfft2(psf, s=(side, side))) ** 2, s=(side, side))
    return np.asarray(np.roll(power, (side // 2, side // 2), (0, 1)) / power[0, 0])
