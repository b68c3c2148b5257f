"""Our subtraction behind the plug-in interface of the differencing benchmark."""

import time
from typing import Any

import numpy as np

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.subtract import subtract as subtract_pair
from astrid_core.shared.images import FloatImage, PsfModel, SkyImage


def subtract(
    new: FloatImage, ref: FloatImage, info: Any, psf_new: FloatImage, psf_ref: FloatImage
) -> dict[str, Any]:  # fmt: skip
    """Return what the benchmark measures: both images share a grid, and ``info`` knows variances and the flux ratio."""
    started = time.perf_counter()
    ratio = np.float32(info.flux_ratio)
    science = _image(new, info.new_var, psf_new)
    reference = _image(ref * ratio, info.ref_var * ratio**2, psf_ref)
    result = subtract_pair(science, reference, DifferenceConfig())
    return {
        "D": result.difference,
        "psf_D": result.psf,
        "var_D": result.variance,
        "Scorr": result.score,
        "flux": result.flux,
        "flux_err": result.flux_err,
        "timings": {"subtract": time.perf_counter() - started},
    }


def _image(pixels: FloatImage, variance: FloatImage, psf: FloatImage) -> SkyImage:
    model = PsfModel(
        coefficients=psf.astype(np.float64)[None], degree=0, frame_shape=(pixels.shape[0], pixels.shape[1])
    )
    return SkyImage(
        pixels=pixels,
        variance=variance.astype(np.float32),
        mask=np.zeros(pixels.shape, dtype=np.uint16),
        psf=model,
    )
