"""What the detection domain needs from outside."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.entities import Detection, Model, ModelRun
from astrid_core.shared.runs import RunKey


class Scorer(Protocol):
    """A loaded network."""

    @property
    def model(self) -> Model: ...

    def score(self, stamps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one probability per stamp; ``stamps`` has shape (n, size, size, channels)."""
        ...


class ModelRegistry(Protocol):
    """Trained network versions."""

    def champion(self, name: str) -> Model:
        """Return the version that production uses, or raise UnknownModel."""
        ...

    def load(self, model_id: str) -> Scorer:
        """Load ``name/version``, or raise UnknownModel."""
        ...


class ModelRuns(Protocol):
    """The record of model runs with their detections; identity RunKey."""

    def add(self, run: ModelRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        ...

    def get(self, key: RunKey) -> ModelRun:
        """Return it, or raise UnknownRecord."""
        ...

    def find(self, key: RunKey) -> ModelRun | None:
        """Return it, or None."""
        ...

    def of_observation(self, observation_id: str) -> Sequence[ModelRun]:
        """Return every model run on an observation, ordered by key."""
        ...

    def detection(self, detection_id: str) -> Detection:
        """Return one detection, or raise UnknownRecord."""
        ...
