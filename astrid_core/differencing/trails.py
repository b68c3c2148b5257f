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
    lit = (score > _THRESHOLD_SIGMA) | (score < -_THRESHOLD_SIGMA)
    lit &= usable
    labels, _ = ndimage.label(lit, structure=np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if np.hypot(box[0].stop - box[0].start, box[1].stop - box[1].start) < _MIN_LENGTH_FWHM * fwhm_pix:
            continue
        places = np.argwhere(labels[box] == number) + np.array([box[0].start, box[1].start])
        _add_band(found, places.astype(float), fwhm_pix)
    return found


def _add_band(found: NDArray[np.bool_], places: NDArray[np.float64], fwhm_pix: float) -> None:
    """Set the band around the line through ``places`` (n, 2: rows, columns); nothing where they form no line."""
    centre = places.mean(axis=0)
    _, _, (direction, _) = np.linalg.svd(places - centre, full_matrices=False)
    along = (places - centre) @ direction
    across = (places - centre) @ np.array([-direction[1], direction[0]])
    if np.ptp(along) < _MIN_LENGTH_FWHM * fwhm_pix or 2.3548 * across.std() > _MAX_WIDTH_FWHM * fwhm_pix:
        return
    far, half_width = _BEYOND_FWHM * fwhm_pix, np.percentile(np.abs(across), 95.0) + fwhm_pix
    columns = np.arange(found.shape[1]) - centre[1]
    # Row by row: a trail crosses the frame, and numbers for all of its pixels would fill the memory of a large one.
    for row in range(len(found)):
        length = (row - centre[0]) * direction[0] + columns * direction[1]
        width = np.abs(columns * direction[0] - (row - centre[0]) * direction[1])
        found[row] |= (length > along.min() - far) & (length < along.max() + far) & (width < half_width)
