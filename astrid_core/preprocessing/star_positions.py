"""Where the stars of a frame are, to a few hundredths of a pixel, and how well that is known."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray

from astrid_core.preprocessing.background import fit_background
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.mask import mask_empty
from astrid_core.preprocessing.sources import FloatArray, SourceList, detect_sources
from astrid_core.shared.images import FloatImage, MaskImage

_SIGMA_FWHM = 2.3548
_ENOUGH = 30
"""Fewer clean sources than this are joined by those that are blended or cut."""
_LEAST_ERR_PIX = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class StarPositions:
    """Brightest first: 0-based pixels (n, 2), flux (n,) in counts, standard errors per axis (n, 2) in pixels."""

    xy: FloatArray
    flux: FloatArray
    err_pix: FloatArray

    def __len__(self) -> int:
        return len(self.xy)


def detect_stars(pixels: FloatImage, mask: MaskImage | None, config: PreprocessConfig) -> StarPositions:
    """Find the sources of a raw frame (ny, nx) and return their positions; no PSF is needed."""
    bad = mask_empty(pixels) if mask is None else mask_empty(pixels) | (mask != 0)
    background = fit_background(pixels, bad, box_pix=config.background_box_pix)
    flat = np.where(bad, np.float32(0.0), pixels - background.level).astype(np.float32)
    sources = detect_sources(flat, background.rms, bad, threshold_sigma=config.detect_sigma)
    return measure_positions(flat, bad, sources)


def measure_positions(flat: FloatImage, bad: NDArray[np.bool_], sources: SourceList) -> StarPositions:
    """Return windowed centroids of sources in an image (ny, nx) without background.

    The window is as wide as the stars (Bertin & Arnouts, SExtractor manual, sect. 10.3), which makes them nearly as
    good as a PSF fit. The error is that of a background-limited Gaussian, sigma over S/N.
    """
    chosen = sources.take(sources.clean) if int(sources.clean.sum()) >= _ENOUGH else sources
    if not len(chosen):
        return StarPositions(xy=np.empty((0, 2)), flux=np.empty(0), err_pix=np.empty((0, 2)))
    sigma = max(2.0 * float(np.nanmedian(chosen.half_light_pix)) / _SIGMA_FWHM, 0.5)
    clean = np.ascontiguousarray(np.where(bad, np.float32(0.0), np.nan_to_num(flat)), dtype=np.float32)
    x, y, flag = sep.winpos(clean, chosen.x_pix, chosen.y_pix, sigma, subpix=11)
    lost = (flag != 0) | ~(np.hypot(x - chosen.x_pix, y - chosen.y_pix) < 2.0 * sigma)
    xy = np.column_stack([np.where(lost, chosen.x_pix, x), np.where(lost, chosen.y_pix, y)])
    err = np.maximum(sigma / np.maximum(chosen.snr, 1.0), _LEAST_ERR_PIX)
    return StarPositions(xy=xy, flux=chosen.flux, err_pix=np.column_stack([err, err]))
