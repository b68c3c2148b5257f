"""A network that nobody trained."""

import numpy as np

from astrid_core.adapters.models.content import Description, Network
from astrid_core.adapters.models.unet import HIDDEN, build_network

SMALL = Description(stamp_pix=32, channels=4)


def untrained(description: Description = SMALL, *, seed: int = 0) -> Network:
    trunk, head = build_network(description, seed=seed)
    return Network(
        description=description,
        weights=[*trunk.get_weights(), *head.get_weights()],
        centre=np.zeros(HIDDEN),
        precision=np.eye(HIDDEN),
    )
