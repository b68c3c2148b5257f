"""Which of the detections that a curator gets are seeds: their answer is known."""

import hashlib

SEED_FRACTION = 0.05
"""Of what a curator gets, in the long run."""
BY_CONSENSUS = "consensus"
"""Origin of a seed whose answer other curators have found."""


def seed_slots(login: str, *, first: int, n: int, fraction: float) -> tuple[bool, ...]:
    """Tell of each of the ``n`` detections that a curator gets after ``first`` earlier ones whether it is a seed.

    The same for the same arguments, and not to be foreseen by looking at the ones before.
    """
    return tuple(_uniform(f"{login}\n{number}") < fraction for number in range(first, first + n))


def _uniform(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64
