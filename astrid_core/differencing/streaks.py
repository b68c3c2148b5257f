"""Candidates that are lines: a satellite's glint or a fast asteroid, too short to be masked as a trail."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.differencing.stamps import FloatArray, IntArray, cut
from astrid_core.shared.images import FloatImage

_REACH_FWHM = 4.0
_LEVEL = 0.4
_MIN_LENGTH_FWHM = 4.0
_MAX_WIDTH_FWHM = 2.5
_IN_PLANE = np.zeros((3, 3, 3), dtype=int)
_IN_PLANE[1] = 1


def are_streaks(
    score: FloatImage, rows: IntArray, columns: IntArray, sign: FloatArray, *, fwhm_pix: float
) -> NDArray[np.bool_]:
    """Tell of n peaks whether what is connected with each above 40 % of its score is long and straight.

    At least four FWHM long and under two and a half wide; a point source is 1.6 FWHM wide there, in the score.
    """
    half = int(np.ceil(_REACH_FWHM * fwhm_pix))
    squares = np.nan_to_num(cut(score, rows, columns, half, fill=0.0)) * sign[:, None, None]
    labels, _ = ndimage.label(squares > _LEVEL * squares[:, half, half][:, None, None], structure=_IN_PLANE)
    own = (labels == labels[:, half, half][:, None, None]).astype(float)
    near = np.arange(-half, half + 1)
    n_pix = np.maximum(own.sum(axis=(1, 2)), 1.0)
    along_x, along_y = own.sum(axis=1), own.sum(axis=2)
    mx, my = along_x @ near / n_pix, along_y @ near / n_pix
    xx, yy = along_x @ near**2 / n_pix - mx**2, along_y @ near**2 / n_pix - my**2
    xy = np.einsum("nij,i,j->n", own, near, near) / n_pix - mx * my
    root = np.hypot(xx - yy, 2.0 * xy)
    # A line of length l has the variance l^2 / 12.
    length, width = (np.sqrt(12.0 * np.maximum((xx + yy + one) / 2.0, 0.0)) for one in (root, -root))
    return np.asarray((length >= _MIN_LENGTH_FWHM * fwhm_pix) & (width <= _MAX_WIDTH_FWHM * fwhm_pix))
