"""A run is named by what went into it, so doing it twice is the same as doing it once."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import NewType, Protocol

from astrid_core.shared.errors import Unprocessable

RunKey = NewType("RunKey", str)
"""``<stage>-<32 hexadecimal digits>``."""


class RunStatus(StrEnum):
    """How a recorded run ended."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"


class SettledRun(Protocol):
    """What every recorded run can tell."""

    @property
    def key(self) -> RunKey:
        """Its name."""
        ...

    @property
    def status(self) -> RunStatus:
        """How it ended."""
        ...

    @property
    def reason(self) -> str:
        """Why it was skipped; empty if it succeeded."""
        ...


def run_key(stage: str, version: int, config: object, inputs: Sequence[str]) -> RunKey:
    """Return the key of ``stage`` at ``version`` with ``config`` (a frozen dataclass) on ``inputs`` (digests, ids)."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        message = f"config must be a dataclass instance, not {config!r}"
        raise TypeError(message)
    recipe = {
        "stage": stage,
        "version": version,
        "config": {type(config).__name__: dataclasses.asdict(config)},
        "inputs": list(inputs),
    }
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"))
    return RunKey(f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:32]}")


def settled(run: SettledRun) -> RunKey:
    """Return the key of a run that succeeded earlier; skip again if it was skipped."""
    if run.status is RunStatus.SKIPPED:
        raise Unprocessable(run.reason)
    return run.key
