"""Tell whether a new master is like the one before it."""

import numpy as np

from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.masters import Master
from astrid_core.shared.errors import RejectedMaster


def deviating_fraction(new: Master, previous: Master, *, sigma: float) -> float:
    """Return the part of the pixels that differ by more than ``sigma`` times the error of their difference.

    Pixels that only one of them knows count as different; a bad-pixel mask has no error, every changed pixel counts.
    """
    if new.pixels.shape != previous.pixels.shape:
        return 1.0
    known = np.isfinite(new.pixels) & np.isfinite(previous.pixels)
    differs = np.isfinite(new.pixels) != np.isfinite(previous.pixels)
    error = np.sqrt(new.variance.astype(np.float64) + previous.variance)
    step = np.abs(np.where(known, new.pixels.astype(np.float64) - previous.pixels, 0.0))
    differs |= known & (step > sigma * error)
    return float(differs.mean())


def require_alike(new: Master, previous: Master, config: CalibrateConfig, *, kind: str, digest: str) -> float:
    """Return the deviating part of a new master, or raise RejectedMaster where it is too large.

    ``digest`` names the master before it.
    """
    fraction = deviating_fraction(new, previous, sigma=config.deviation_sigma)
    if fraction > config.max_deviating_fraction:
        raise RejectedMaster(
            f"too many pixels of the new master {kind} deviate from the one before it",
            fraction=fraction,
            allowed=config.max_deviating_fraction,
            sigma=config.deviation_sigma,
            level=new.level,
            level_before=previous.level,
            previous=digest[:12],
        )
    return fraction
