"""Which of the detections that a curator gets are seeds: their answer is known."""

import hashlib
from enum import StrEnum

SEED_FRACTION = 0.05
"""Of what a curator gets, in the long run."""
BY_CONSENSUS = "consensus"
"""Origin of a seed whose answer other curators have found."""


class Slot(StrEnum):
    """What a place in what a curator is given holds, if there is any; an ordinary detection where this is empty."""

    ORDINARY = ""
    INJECTED = "injected"
    """An injected source, or else a known one."""
    KNOWN = "known"
    """What somebody knows or others have decided, or else an injected one."""


def seed_slots(login: str, *, first: int, n: int, fraction: float) -> tuple[Slot, ...]:
    """Tell of each of the ``n`` detections that a curator gets after ``first`` earlier ones whether it is a seed.

    Half of the seeds are injected sources. The same for the same arguments, and not to be foreseen by looking at the
    ones before.
    """
    return tuple(_slot(_uniform(f"{login}\n{number}"), fraction) for number in range(first, first + n))


def _slot(place: float, fraction: float) -> Slot:
    if place >= fraction:
        return Slot.ORDINARY
    return Slot.INJECTED if place < 0.5 * fraction else Slot.KNOWN


def _uniform(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64
