"""Our subtraction behind the plug-in interface of the differencing benchmark."""

import time
from typing import Any

import numpy as np

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.subtract import subtract as subtract_pair
from astrid_core.shared.images import FloatImage, PsfModel, SkyImage, polynomial_terms


def subtract(
    new: FloatImage, ref: FloatImage, info: Any, psf_new: FloatImage, psf_ref: FloatImage  # noqa: ARG001 - the interface's
) -> dict[str, Any]:  # fmt: skip
    """Return what the benchmark measures: both images share a grid, ``info`` knows variances, flux ratio and PSFs."""
    started = time.perf_counter()
    result = subtract_pair(*prepared_pair(new, ref, info), DifferenceConfig(), workers=info.workers)
    return {
        "D": result.difference,
        "psf_D": result.psf,
        "var_D": result.variance,
        "Scorr": result.score,
        "flux": result.flux,
        "flux_err": result.flux_err,
        "timings": {"subtract": time.perf_counter() - started},
    }


def prepared_pair(new: FloatImage, ref: FloatImage, info: Any) -> tuple[SkyImage, SkyImage]:
    """Return both images with their variances and PSFs, the reference on the flux scale of the other."""
    ratio = np.float32(info.flux_ratio)
    return (
        _image(new, info.new_var, _psf_model(new, info, "new")),
        _image(ref * ratio, info.ref_var * ratio**2, _psf_model(ref, info, "ref")),
    )


def _psf_model(pixels: FloatImage, info: Any, which: str) -> PsfModel:
    """Return what the pair is known to have, read at three by three places, as a polynomial in position."""
    ny, nx = pixels.shape
    places = [(x * (nx - 1) / 2, y * (ny - 1) / 2) for y in range(3) for x in range(3)]
    stamps = np.array([info.psf_at(which, x, y) for x, y in places], dtype=np.float64)
    if np.ptp(stamps, axis=0).max() == 0.0:
        return PsfModel(coefficients=stamps[:1], degree=0, frame_shape=(ny, nx))
    terms = np.array([polynomial_terms(2 * x / (nx - 1) - 1, 2 * y / (ny - 1) - 1, 2) for x, y in places])
    coefficients = np.linalg.lstsq(terms, stamps.reshape(len(places), -1), rcond=None)[0]
    return PsfModel(coefficients=coefficients.reshape(-1, *stamps.shape[1:]), degree=2, frame_shape=(ny, nx))


def _image(pixels: FloatImage, variance: FloatImage, psf: PsfModel) -> SkyImage:
    return SkyImage(
        pixels=pixels,
        variance=variance.astype(np.float32, copy=False),
        mask=np.zeros(pixels.shape, dtype=np.uint16),
        psf=psf,
    )
