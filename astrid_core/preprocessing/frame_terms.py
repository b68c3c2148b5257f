"""Polynomials over a frame that leave its mean alone."""

import numpy as np
from numpy.typing import NDArray

from astrid_core.shared.images import terms_at


def terms_of_no_mean(x_pix: float, y_pix: float, degree: int, frame_shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the terms of ``terms_at`` but the constant one, each minus its mean over the frame.

    With them the constant of a fit is the mean over the frame, whatever the degree: without, curvature would make it
    the value at the centre, and a richer fit of the same stars another number.
    """
    powers = [(total - j, j) for total in range(degree + 1) for j in range(total + 1)]
    means = [0.0 if i % 2 or j % 2 else 1.0 / ((i + 1) * (j + 1)) for i, j in powers]
    return np.asarray((terms_at(x_pix, y_pix, degree, frame_shape) - np.array(means))[1:])
