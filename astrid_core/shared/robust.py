"""How much values scatter, whatever a few of them do."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIGMA_OF_MAD = 1.4826
"""Standard deviation of a Gaussian, over the median of what its values are away from their middle."""


def sigma_of(deviations: NDArray[np.floating] | Sequence[float]) -> float:
    """Return the standard deviation of Gaussian ``deviations`` from a middle, by their median absolute value."""
    return SIGMA_OF_MAD * float(np.median(np.abs(deviations)))
