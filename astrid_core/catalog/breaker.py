"""Exposures that suddenly show far more than others of their instrument did."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from astrid_core.catalog.config import BreakerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Haul:
    """What one exposure brought."""

    observation_id: str
    instrument: str
    band: str
    usable_mpix: float
    n_candidates: int
    n_new: int
    """Detections that score well where the catalog knows no object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tripped:
    """What is to be set aside, each with its reason."""

    exposures: Mapping[str, str]
    """By observation."""
    instruments: Mapping[str, str]


def trip(tonight: Sequence[Haul], before: Sequence[Haul], config: BreakerConfig) -> Tripped:
    """Compare each haul of a night with those of the same instrument and band ``before`` it.

    An exposure trips where its candidates or its new objects exceed ``jump`` times the median rate of at least
    ``min_history`` others, by more than five times the root of what was expected, and a least number. Where most
    exposures of an instrument trip, the instrument does instead of them. Without enough history nothing is judged.
    """
    exposures = {haul.observation_id: reason for haul in tonight if (reason := _jump(haul, before, config))}
    instruments: dict[str, str] = {}
    for name in sorted({haul.instrument for haul in tonight if haul.instrument}):
        members = [haul.observation_id for haul in tonight if haul.instrument == name]
        struck = [one for one in members if one in exposures]
        if len(struck) >= config.min_tripped and len(struck) >= config.max_tripped_fraction * len(members):
            instruments[name] = (
                f"{len(struck)} of {len(members)} exposures of the night; the first: {exposures[struck[0]]}"
            )
            for one in struck:
                del exposures[one]
    return Tripped(exposures=exposures, instruments=instruments)


def _jump(haul: Haul, before: Sequence[Haul], config: BreakerConfig) -> str:
    peers = [
        one for one in before if (one.instrument, one.band) == (haul.instrument, haul.band) and one.usable_mpix > 0.0
    ]
    if len(peers) < config.min_history:
        return ""
    for word, count, least, rates in (
        ("candidates", haul.n_candidates, config.min_candidates, [one.n_candidates / one.usable_mpix for one in peers]),
        ("new objects", haul.n_new, config.min_new, [one.n_new / one.usable_mpix for one in peers]),
    ):
        expected = median(rates) * haul.usable_mpix
        if count > max(least, config.jump * expected + 5.0 * math.sqrt(expected)):
            return f"{count} {word} where {expected:.3g} are usual ({len(peers)} exposures before)"
    return ""
