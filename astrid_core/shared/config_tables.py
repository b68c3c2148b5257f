"""From tables of a settings file to frozen dataclasses; nothing unknown passes."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from astrid_core.shared.errors import BadConfiguration


def read_table(name: str, table: Mapping[str, Any], kind: Any) -> Any:
    """Return the dataclass that a table stands for; BadConfiguration names an unknown key."""
    known = {one.name for one in dataclasses.fields(kind)}
    if unknown := sorted(set(table) - known):
        raise BadConfiguration("unknown key", table=name, key=unknown[0], known=", ".join(sorted(known)))
    parts = {one.name: one for one in dataclasses.fields(kind)}
    return kind(**{key: _read_value(f"{name}.{key}", value, parts[key]) for key, value in table.items()})


def _read_value(name: str, value: Any, part: "dataclasses.Field[Any]") -> Any:
    if isinstance(value, Mapping):
        return read_table(name, value, part.default_factory)
    each = part.metadata.get("each")
    if each is not None:
        return tuple(read_table(name, one, each) for one in value)
    return _frozen(value)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
