"""The two ways to record something under its identity."""

from typing import TypeVar

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
