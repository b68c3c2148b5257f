"""Whether a new reference takes the place of the one in use."""

from dataclasses import dataclass

import numpy as np

from astrid_core.differencing.config import ActivationConfig
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.placed import find_stars, fwhm_of, place_on, sky_noise
from astrid_core.shared.images import SkyImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What a new reference has over an old one."""

    depth_mag: float
    """How much fainter a point source may be; negative where the new one is shallower."""
    fwhm_ratio: float
    """New over old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whether a reference is to be used at once, and why."""

    is_activated: bool
    reason: str


def measure_gain(
    new: SkyImage, old: SkyImage, *, new_zero_point_mag: float | None, old_zero_point_mag: float | None
) -> Gain | None:
    """Return the gain of ``new`` over ``old``, their flux scales compared by the stars that both show.

    Where these are too few the zero points tell; None where one of them is not known. A point source is seen at
    sigma * FWHM on one flux scale, the measure by which inputs are ranked, too.
    """
    placed = place_on(old, new, find_stars(new), trust=True)
    if placed is not None:
        old_noise = sky_noise(placed)
    elif new_zero_point_mag is not None and old_zero_point_mag is not None:
        old_noise = sky_noise(old) * 10.0 ** (0.4 * (new_zero_point_mag - old_zero_point_mag))
    else:
        return None
    ratio = fwhm_of(new) / fwhm_of(old)
    return Gain(depth_mag=float(2.5 * np.log10(old_noise / (sky_noise(new) * ratio))), fwhm_ratio=ratio)


def rule_on(new: ReferenceImage, old: ReferenceImage | None, gain: Gain | None, config: ActivationConfig) -> Ruling:
    """Return whether ``new`` is used instead of ``old`` (None: nothing is in use) by the rule of the settings."""
    if config.decision == "by people":
        return Ruling(is_activated=False, reason="the settings leave it to people")
    if old is None:
        return Ruling(is_activated=True, reason="the first of its key")
    if new.is_thin and not old.is_thin:
        return Ruling(is_activated=False, reason=f"thin: made of {len(new.inputs)} exposures")
    if gain is None:
        return Ruling(is_activated=False, reason="it could not be compared with the one in use")
    told = f"{gain.depth_mag:+.3f} mag deeper, {gain.fwhm_ratio:.3f} times as wide as the one in use"
    is_better = gain.depth_mag >= -config.max_depth_loss_mag and gain.fwhm_ratio <= 1.0 + config.max_seeing_loss
    return Ruling(is_activated=is_better, reason=told)
