"""Whether a new reference takes the place of the one in use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astrid_core.differencing.config import ActivationConfig
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.placed import find_stars, fwhm_of, place_on, sky_noise
from astrid_core.shared.images import SkyImage
from astrid_core.shared.sky import HPX_ORDER, SkyPosition, separation_arcsec

_FAMILY_ORDER = 12


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


def measure_gain(new: SkyImage, old: SkyImage) -> Gain | None:
    """Return the gain of ``new`` over ``old`` by the stars both show; None where the two do not match.

    A point source is seen at sigma * FWHM on one flux scale, the measure by which inputs are ranked, too.
    """
    placed = place_on(old, new, find_stars(new), trust=True)
    if placed is None:
        return None
    ratio = fwhm_of(new) / fwhm_of(old)
    return Gain(depth_mag=float(2.5 * np.log10(sky_noise(placed) / (sky_noise(new) * ratio))), fwhm_ratio=ratio)


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


def family_of(position: SkyPosition, radius_deg: float, known: Sequence[ReferenceImage]) -> ReferenceImage | str:
    """Return the reference of the same pointing among ``known``, the newest, or the name of a new pointing.

    ``known`` are of one survey, instrument and band. Centres within half a field are one pointing, as for the exposures
    that are coadded.
    """
    near = [
        one
        for one in known
        if separation_arcsec(one.position, position) / 3600.0 < 0.5 * min(one.radius_deg, radius_deg)
    ]
    if near:
        return min(near, key=lambda one: (separation_arcsec(one.position, position), -one.version))
    return f"pointing-{_FAMILY_ORDER}/{position.hpx29 >> 2 * (HPX_ORDER - _FAMILY_ORDER)}"
