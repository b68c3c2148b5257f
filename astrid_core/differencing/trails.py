"""Satellites and aircraft: long straight lines of light."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.shared.images import FloatImage

_THRESHOLD_SIGMA = 5.0
_MIN_LENGTH_FWHM = 12.0
_MAX_WIDTH_FWHM = 4.0
_BEYOND_FWHM = 10.0
"""How far past its visible end a trail is taken to go on."""


def find_trails(score: FloatImage, usable: NDArray[np.bool_], *, fwhm_pix: float) -> NDArray[np.bool_]:
    """Return the pixels along connected straight stretches of significant score, some way past their ends.

    Twelve FWHM long and under four wide: longer than any asteroid's trail in a short exposure.
    """
    found = np.zeros(score.shape, dtype=bool)
    labels, _ = ndimage.label(usable & (np.abs(score) > _THRESHOLD_SIGMA), structure=np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if np.hypot(box[0].stop - box[0].start, box[1].stop - box[1].start) < _MIN_LENGTH_FWHM * fwhm_pix:
            continue
        places = np.argwhere(labels[box] == number) + np.array([box[0].start, box[1].start])
        found |= _along(places.astype(float), score.shape, fwhm_pix)
    return found


def _along(places: NDArray[np.float64], shape: tuple[int, ...], fwhm_pix: float) -> NDArray[np.bool_]:
    """Return the band around the line through ``places`` (n, 2: rows, columns); nothing where they form no line."""
    centre = places.mean(axis=0)
    _, _, (direction, _) = np.linalg.svd(places - centre, full_matrices=False)
    along = (places - centre) @ direction
    across = (places - centre) @ np.array([-direction[1], direction[0]])
    if np.ptp(along) < _MIN_LENGTH_FWHM * fwhm_pix or 2.3548 * across.std() > _MAX_WIDTH_FWHM * fwhm_pix:
        return np.zeros(shape, dtype=bool)
    rows, columns = np.indices(shape)
    rows, columns = rows - centre[0], columns - centre[1]
    far = _BEYOND_FWHM * fwhm_pix
    length = rows * direction[0] + columns * direction[1]
    width = np.abs(columns * direction[0] - rows * direction[1])
    inside = (length > along.min() - far) & (length < along.max() + far)
    return np.asarray(inside & (width < np.percentile(np.abs(across), 95.0) + fwhm_pix))
