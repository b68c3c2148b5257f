"""Random numbers that belong to a purpose: what one part draws never changes what another part draws."""

import zlib

import numpy as np


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator of one purpose, for example ``generator(1, "field", 2, "stars")``.

    Adding an exposure, an object or a kind of defect asks for a new purpose and leaves all others as they were.
    """
    key = tuple(zlib.crc32(str(part).encode()) for part in purpose)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
