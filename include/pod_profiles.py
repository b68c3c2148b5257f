"""What pods ask for: read from compute.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from astrid_core.shared.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Resources of one pod; request and limit are equal, so that a pod is never pushed out for using more."""

    up_to_mpix: float
    """Of the largest frame."""
    cpu: float
    memory_gib: float
    scratch_gib: float
    gpu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRules:
    """How long pods may take to start and to end, and what becomes of failed ones."""

    start_timeout_s: int
    schedule_timeout_s: int
    deadline_s: int
    keep_failed: bool
    startup_s: float
    max_startup_fraction: float

    def least_items(self, seconds_each: float) -> int:
        """Return how many items of ``seconds_each`` a pod must get for its start to cost no more than it may."""
        worth_s = self.startup_s * (1.0 / self.max_startup_fraction - 1.0)
        return max(1, round(worth_s / seconds_each)) if seconds_each > 0.0 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlan:
    """compute.toml."""

    rules: PodRules
    profiles: Mapping[str, Sequence[Profile]]
    """Of each stage, smallest first."""

    def choose(self, stage: str, mpix: float, *, above_gib: float = 0.0) -> Profile:
        """Return the smallest profile for a frame with more memory than ``above_gib``; else BadConfiguration."""
        fitting = [one for one in self.profiles[stage] if one.up_to_mpix >= mpix and one.memory_gib > above_gib]
        if fitting:
            return fitting[0]
        raise BadConfiguration(
            "no profile is large enough; add one to compute.toml", stage=stage, frame_mpix=mpix, more_than_gib=above_gib
        )


def read_pod_plan(path: Path) -> PodPlan:
    """Read compute.toml; BadConfiguration names what is wrong."""
    try:
        tables = tomllib.loads(path.read_text())
        rules = PodRules(**tables.pop("pod"))
        profiles = {
            stage: sorted((Profile(**one) for one in some), key=lambda one: (one.up_to_mpix, one.memory_gib))
            for stage, some in tables.items()
        }
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadConfiguration("settings of pods cannot be read", path=path, cause=str(error)) from error
    _require_positive(path, [rules, *(one for some in profiles.values() for one in some)])
    return PodPlan(rules=rules, profiles=profiles)


def _require_positive(path: Path, settings: Sequence[Any]) -> None:
    for one in settings:
        for part in fields(one):
            value = getattr(one, part.name)
            if value < 0 or (value == 0 and part.name not in {"gpu", "keep_failed"}):
                raise BadConfiguration("a number must be positive", path=path, key=part.name, value=value)
