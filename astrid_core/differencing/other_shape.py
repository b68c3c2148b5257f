"""What another seeing, a shift and another flux scale change in an image, to first order."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.shared.images import FloatImage
from astrid_core.shared.robust import sigma_of

_MIN_SAMPLE = 200
_ROUNDS = 5


def other_shape(pixels: FloatImage, middle: FloatImage, lit: NDArray[np.bool_]) -> FloatImage:
    """Return what is to be added to ``middle`` for the seeing, place and flux scale of ``pixels``; 0 where not lit.

    A wider PSF adds a multiple of the Laplacian, a shift adds gradients; the multiples are fitted to all lit pixels,
    robustly, so that what is on one star only has no say.
    """
    gy, gx = np.gradient(middle)
    design = np.stack([ndimage.laplace(middle), gx, gy, middle], axis=-1)
    rows, target = design[lit].astype(float), (pixels - middle)[lit].astype(float)
    if len(rows) < _MIN_SAMPLE:
        return np.zeros_like(middle)
    scale = np.abs(middle[lit]).astype(float)
    weight = 1.0 / scale
    factors = np.zeros(rows.shape[1], dtype=np.float32)
    for _ in range(_ROUNDS):
        factors = np.linalg.lstsq(rows * weight[:, None], target * weight, rcond=None)[0].astype(np.float32)
        rest = np.abs(target - rows @ factors) / scale
        typical = max(sigma_of(rest), 1e-6)
        weight = 1.0 / scale / np.maximum(1.0, rest / (2.0 * typical))
    return np.where(lit, design @ factors, np.float32(0.0)).astype(np.float32)
