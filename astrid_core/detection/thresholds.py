"""From which score on detections count, where a density of false alarms is asked for."""

from collections.abc import Mapping
from typing import Any

from astrid_core.shared.errors import BadConfiguration, CorruptArtifact

STORED = "thresholds_per_deg2"
"""Where a manifest holds them: thresholds by false alarms per square degree, or such tables by instrument."""
_ANY_OTHER = ("*", "")


def threshold_of(manifest: Mapping[str, object], *, model: str, instrument: str, max_false_per_deg2: float) -> float:
    """Return the score from which on a model raises so many false alarms per square degree of empty sky.

    ``manifest`` is what the version ``model`` was registered with. Where it tells instruments apart, ``*`` stands for
    those that it does not name. Raises BadConfiguration where it holds no threshold for this density: none is guessed
    from those of others.
    """
    asked = {"model": model, "max_false_per_deg2": max_false_per_deg2}
    stored = manifest.get(STORED)
    if not isinstance(stored, Mapping) or not stored:
        raise BadConfiguration("no threshold was measured on empty sky for this model", **asked)
    if any(isinstance(one, Mapping) for one in stored.values()):
        named = [name for name in (instrument, *_ANY_OTHER) if name in stored]
        if not named:
            known = ", ".join(sorted(stored))
            raise BadConfiguration(
                "model has no thresholds for this instrument", **asked, instrument=instrument, known=known
            )
        stored = stored[named[0]]
    thresholds = _numbers(stored, model)
    if max_false_per_deg2 not in thresholds:
        known = ", ".join(f"{density:g}" for density in sorted(thresholds))
        raise BadConfiguration("model has no threshold for this density of false alarms", **asked, known=known)
    return thresholds[max_false_per_deg2]


def _numbers(stored: object, model: str) -> dict[float, float]:
    table: Mapping[Any, Any] = stored if isinstance(stored, Mapping) else {"": stored}
    try:
        numbers = {float(density): float(score) for density, score in table.items()}
    except (TypeError, ValueError) as error:
        raise CorruptArtifact("thresholds of a model cannot be read", model=model, cause=str(error)) from error
    if not all(0.0 <= score <= 1.0 for score in numbers.values()):
        raise CorruptArtifact("thresholds of a model are no scores", model=model, thresholds=numbers)
    return numbers
