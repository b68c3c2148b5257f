"""The mask of a difference: why a pixel of the score must not be trusted."""

import numpy as np
from numpy.typing import NDArray

from astrid_core.shared.images import MaskImage, MaskPlane, SkyImage


def union_mask(
    science: SkyImage,
    reference: SkyImage,
    bad: NDArray[np.bool_] | None,
    leaning: NDArray[np.bool_],
    *,
    margin_pix: int,
) -> MaskImage:
    """Return the science planes, the reference's under their own bit, the margin of the frame, and the pixels whose
    filter is ``leaning`` on the ``bad`` ones (None where there are none).
    """
    mask = science.mask.copy()
    edge = np.ones(mask.shape, dtype=bool)
    edge[margin_pix:-margin_pix, margin_pix:-margin_pix] = False
    if bad is not None:
        mask |= (~np.isfinite(science.pixels)).astype(np.uint16) * np.uint16(MaskPlane.NO_DATA)
        mask |= (~reference.usable).astype(np.uint16) * np.uint16(MaskPlane.REFERENCE)
        mask |= (leaning & ~bad & ~edge).astype(np.uint16) * np.uint16(MaskPlane.FILLED)
    mask[edge] |= np.uint16(MaskPlane.EDGE)
    return mask
