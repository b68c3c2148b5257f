"""How noisy each pixel of an exposure is."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.background import Background
from astrid_core.shared.images import FloatImage


def model_variance(
    flat: FloatImage,
    background: Background,
    *,
    gain: float | None,
    given: FloatImage | None = None,
    bad: NDArray[np.bool_],
) -> FloatImage:
    """Return the variance of each pixel in counts squared: sky noise as measured, plus source photons over the gain.

    Photon noise is counted only where the smoothed image stands 2 sigma above the sky: elsewhere the pixel's own noise
    would be mistaken for light.
    """
    sky = background.rms.astype(np.float32) ** 2
    if given is not None:
        usable = ~bad & np.isfinite(given) & (given > 0)
        quiet = usable & (np.abs(flat) < 3.0 * background.rms)
        if quiet.sum() > 100:
            # Resampling hides noise in correlations, and pipelines disagree about it: trust the shape, not the scale.
            scale = float(np.median(sky[quiet] / given[quiet]))
            return np.where(usable, given * np.float32(scale), sky).astype(np.float32)
    if gain is None:
        return sky
    light = ndimage.gaussian_filter(flat, 0.7)
    return (sky + np.where(light > 2.0 * background.rms, np.maximum(light, 0.0), 0.0) / gain).astype(np.float32)


def estimate_gain(background: Background, read_noise_e: float | None) -> float | None:
    """Return electrons per count from the sky itself: photon noise says rms^2 = sky / gain + (read noise / gain)^2.

    None where no sky pedestal is left, or where the answer is no detector's gain.
    """
    sky, variance = background.median_level, background.median_rms**2
    if sky <= 10.0 * background.median_rms:
        return None
    read = read_noise_e or 0.0
    gain = (sky + np.sqrt(sky * sky + 4.0 * variance * read * read)) / (2.0 * variance)
    return float(gain) if 0.05 < gain < 500.0 else None
