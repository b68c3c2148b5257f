"""What the preprocessing domain needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.runs import RunKey


class PreprocessRuns(Protocol):
    """The record of preparations; identity RunKey."""

    def add(self, run: PreprocessRun) -> bool:
        """Record it and tell whether it is new; an existing key changes nothing."""
        ...

    def get(self, key: RunKey) -> PreprocessRun:
        """Return it, or raise UnknownRecord."""
        ...

    def find(self, key: RunKey) -> PreprocessRun | None:
        """Return it, or None."""
        ...

    def of_observation(self, observation_id: str) -> Sequence[PreprocessRun]:
        """Return every preparation of an observation, ordered by key."""
        ...
