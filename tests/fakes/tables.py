"""The two ways to record something under its identity, and what runs typically cost."""

import statistics
from collections.abc import Iterable
from typing import Any, TypeVar

from astrid_core.shared.runs import RunStatus

K = TypeVar("K")
E = TypeVar("E")


def add_new(rows: dict[K, E], key: K, entity: E) -> bool:
    """Record it and tell whether the key is new; a known key changes nothing."""
    is_new = key not in rows
    rows.setdefault(key, entity)
    return is_new


def add_or_replace(rows: dict[K, E], key: K, entity: E) -> bool:
    """Record it and tell whether anything changed."""
    changed = rows.get(key) != entity
    rows[key] = entity
    return changed


def typical(runs: Iterable[Any]) -> float | None:
    """Return the median seconds of those that succeeded; None without any."""
    seconds = [run.elapsed_s for run in runs if run.status is RunStatus.SUCCEEDED]
    return statistics.median(seconds) if seconds else None
