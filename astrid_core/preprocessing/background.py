"""The smooth light of the sky, and the noise around it."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray

from astrid_core.shared.images import FloatImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """A background model on the grid of its image, counts."""

    level: FloatImage
    rms: FloatImage
    median_level: float
    median_rms: float


def fit_background(pixels: FloatImage, bad: NDArray[np.bool_], *, box_pix: int) -> Background:
    """Return the background in boxes of ``box_pix``, sources clipped, boxes median-filtered and joined by splines
    (Bertin & Arnouts 1996, section 3).
    """
    ny, nx = pixels.shape
    box = max(8, min(box_pix, ny // 4, nx // 4))
    data = np.ascontiguousarray(np.where(bad, 0.0, pixels), dtype=np.float32)
    model = sep.Background(data, mask=np.ascontiguousarray(bad), bw=box, bh=box, fw=3, fh=3)
    return Background(
        level=model.back(dtype=np.float32),
        rms=model.rms(dtype=np.float32),
        median_level=float(model.globalback),
        median_rms=float(model.globalrms),
    )
