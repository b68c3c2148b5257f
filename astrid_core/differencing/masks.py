"""The mask of a difference: why a pixel of the score must not be trusted."""

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.planes import Planes
from astrid_core.shared.images import MaskImage, MaskPlane, SkyImage

_LIT_SIGMA = 5.0
_SHARE_OF_STAMP = 10


def union_mask(
    science: SkyImage,
    reference: SkyImage,
    bad: NDArray[np.bool_] | None,
    planes: Planes,
    *,
    max_mask_weight: float,
    fwhm_pix: float,
) -> MaskImage:
    """Return the science planes, the reference's under their own bit, the margin of the frame, and the pixels of whose
    filter more than ``max_mask_weight`` lies on the ``bad`` ones (None where there are none).

    The margin is one FWHM wide, and two where it shows the light of the reference: a star that the edge cuts is
    subtracted badly as far as its light reaches. No margin takes more than a tenth of a stamp at each side.
    """
    mask = science.mask.copy()
    edge = _margin(mask.shape, fwhm_pix)
    wide = _margin(mask.shape, 2.0 * fwhm_pix) & ~edge
    light = planes.reference_score[wide]
    edge[wide] = light > _LIT_SIGMA * np.sqrt(planes.score_variance[wide])
    if bad is not None:
        mask |= (~np.isfinite(science.pixels)).astype(np.uint16) * np.uint16(MaskPlane.NO_DATA)
        mask |= (~reference.usable).astype(np.uint16) * np.uint16(MaskPlane.REFERENCE)
        leaning = planes.mask_weight > max_mask_weight
        mask |= (leaning & ~bad & ~edge).astype(np.uint16) * np.uint16(MaskPlane.FILLED)
    mask[edge] |= np.uint16(MaskPlane.EDGE)
    return mask


def _margin(shape: tuple[int, ...], width_pix: float) -> NDArray[np.bool_]:
    width = max(2, min(int(np.ceil(width_pix)), min(shape) // _SHARE_OF_STAMP))
    edge = np.ones(shape, dtype=bool)
    edge[width:-width, width:-width] = False
    return edge
