"""What may be subtracted from what: the matrix of missions, bands, pixel scales and PSFs."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from astrid_core.observations.registry import Pairing, Registry

_ANY = "*"
_OWN_SCALE_RATIO = 4.0
_OWN_FWHM_RATIO = 4.0
"""Within a mission; beyond it one image is a few pixels of the other."""


class ReferenceClass(StrEnum):
    """How near a reference is to the images that are compared with it."""

    A = "A"
    """The same mission: filter, optics and detector are of one family."""
    B = "B"
    """Another survey: colours and PSFs differ, and the difference is flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What decides whether an image suits another."""

    mission: str
    """By the registry, else the name of the survey: a stranger is its own family."""
    band: str
    pixel_scale_arcsec: float | None = None
    fwhm_arcsec: float | None = None
    """Measured, else as the registry says; None is not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatibility:
    """The answer for one pair."""

    reference_class: ReferenceClass | None
    """None: refused."""
    reason: str = ""
    """Empty for class A."""


def compatibility(
    science: Traits, reference: Traits, registry: Registry, *, bands: Collection[tuple[str, str]] = ()
) -> Compatibility:
    """Tell whether ``reference`` may be subtracted from ``science``; ``bands`` pass for each other besides.

    The first pairing that fits two missions decides; images of one mission need none.
    """
    also = {frozenset(pair) for pair in bands}
    if science.mission == reference.mission:
        refusal = _band_refusal(science, reference, also) or _ratio_refusal(
            science, reference, _OWN_SCALE_RATIO, _OWN_FWHM_RATIO
        )
        return _refused(refusal) if refusal else Compatibility(reference_class=ReferenceClass.A)
    pairing = next((one for one in registry.pairings if _covers(one, science, reference)), None)
    if pairing is None:
        return _refused(f"nobody says that {reference.mission} may be subtracted from {science.mission}")
    if not pairing.allowed:
        return _refused(pairing.reason)
    also |= {frozenset(pair) for pair in pairing.bands if pair == (science.band, reference.band)}
    refusal = _band_refusal(science, reference, also) or _ratio_refusal(
        science, reference, pairing.max_scale_ratio, pairing.max_fwhm_ratio
    )
    if refusal:
        return _refused(refusal)
    reason = f"reference of {reference.mission}, another survey: {pairing.reason}"
    return Compatibility(reference_class=ReferenceClass.B, reason=reason)


def refusal_of_mission(mission: str, registry: Registry) -> str:
    """Return why images of a mission may never be subtracted from others; empty if some may."""
    pairing = next((one for one in registry.pairings if one.science == _ANY and one.reference in (_ANY, mission)), None)
    return "" if pairing is None or pairing.allowed else pairing.reason


def _refused(reason: str) -> Compatibility:
    return Compatibility(reference_class=None, reason=reason)


def _covers(pairing: Pairing, science: Traits, reference: Traits) -> bool:
    return pairing.science in (_ANY, science.mission) and pairing.reference in (_ANY, reference.mission)


def _band_refusal(science: Traits, reference: Traits, also: Collection[frozenset[str]]) -> str:
    if science.band == reference.band or frozenset((science.band, reference.band)) in also:
        return ""
    return f"band {reference.band} of {reference.mission} does not pass for {science.band} of {science.mission}"


def _ratio_refusal(science: Traits, reference: Traits, max_scale: float, max_fwhm: float) -> str:
    for what, one, other, allowed in (
        ("pixels", science.pixel_scale_arcsec, reference.pixel_scale_arcsec, max_scale),
        ("PSFs", science.fwhm_arcsec, reference.fwhm_arcsec, max_fwhm),
    ):
        if one is None or other is None:
            continue
        ratio = max(one / other, other / one)
        if ratio > allowed:
            return f"{what} of {one:.3g} and {other:.3g} arcsec differ by {ratio:.1f}, allowed is {allowed:g}"
    return ""
