"""What is kept of difference images, how long, and by what they are made again."""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.shared.config_tables import read_table
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.runs import RunKey

_DECIDING = ("numpy", "scipy", "astropy", "sep", "reproject")
"""Packages whose versions may decide the last bit of a difference."""
_MIN_GRACE_H = 12.0
"""Twice what a task may take between putting bytes and recording them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionConfig:
    """Settings of what is kept how long; no part of any result."""

    difference_image_days: int = 0
    """Difference images that are older, that nothing needs and that can be made again are dropped; 0: none is."""
    grace_h: float = 72.0
    """What no record names is deleted when nobody has put it for so long; 12 at least."""
    delete_unreferenced: bool = False
    """Whether ``housekeeping`` deletes what no record names, or only counts it."""
    scrub_days: int = 30
    """In so many days every stored artifact is read once."""

    def __post_init__(self) -> None:
        if self.difference_image_days < 0 or self.scrub_days < 1:
            raise BadConfiguration(
                "difference_image_days must not be negative and scrub_days at least 1",
                difference_image_days=self.difference_image_days,
                scrub_days=self.scrub_days,
            )
        if self.grace_h < _MIN_GRACE_H:
            raise BadConfiguration("grace_h is too short for tasks that run", grace_h=self.grace_h, least=_MIN_GRACE_H)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRecipe:
    """Settings that differences were made with. The key of a run proves which recipe it was made by."""

    version: int
    """Of the subtraction."""
    settings: Mapping[str, object]
    """JSON values, and infinities."""
    software: Mapping[str, object]
    """Versions of what may decide the last bit: told when an image comes out otherwise."""

    @property
    def digest(self) -> str:
        """Its identity."""
        text = json.dumps([self.version, dict(self.settings), dict(self.software)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def config(self) -> DifferenceConfig:
        """The settings as the subtraction takes them; BadConfiguration for keys that it does not know any more."""
        config: DifferenceConfig = read_table("difference", self.settings, DifferenceConfig)
        return config


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedImage:
    """A difference image that is not kept, because it can be made again."""

    digest: str
    n_bytes: int
    run: RunKey
    at: datetime
    """Aware UTC."""


def recipe_of(config: DifferenceConfig, *, version: int) -> DifferenceRecipe:
    """Return the recipe of today's code and settings."""
    # As they will be read again: lists for tuples.
    return DifferenceRecipe(version=version, settings=json.loads(json.dumps(asdict(config))), software=software())


def software() -> dict[str, object]:
    """Return the versions of what may decide the last bit of a difference."""
    return {
        "python": platform.python_version(), "machine": platform.machine(),
        **{name: metadata.version(name) for name in _DECIDING},
    }  # fmt: skip
