"""Random numbers that belong to a purpose: what one part draws never changes what another part draws."""

import zlib

import numpy as np


def sequence(seed: int, *purpose: str | int) -> np.random.SeedSequence:
    """Return the seed of one purpose, for example ``sequence(1, "field", 2, "stars")``.

    Adding an exposure, an object or a kind of defect asks for a new purpose and leaves all others as they were.
    """
    return np.random.SeedSequence(seed, spawn_key=tuple(zlib.crc32(str(part).encode()) for part in purpose))


def generator(seed: int | np.random.SeedSequence, *purpose: str | int) -> np.random.Generator:
    """Return the generator of one purpose; equal purposes start alike."""
    own = sequence(seed, *purpose) if isinstance(seed, int) else seed
    return np.random.Generator(np.random.PCG64(own))
