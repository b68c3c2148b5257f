"""From instruments.toml to a Registry; whatever is wrong is refused with file, table and key."""

import dataclasses
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar, cast

from astrid_core.observations.registry import (
    Band,
    BitTable,
    CatalogBand,
    Dialect,
    Instrument,
    Level,
    Mission,
    Pairing,
    Pattern,
    Registry,
)
from astrid_core.observations.registry_rules import require_sense
from astrid_core.shared.errors import BadConfiguration

T = TypeVar("T")

FILE = "instruments.toml"
_TABLES = ("missions", "instruments", "bands", "pairings")
_PARTS = (Dialect, BitTable, CatalogBand)
"""Classes that are tables inside a table."""


@cache
def known_instruments() -> Registry:
    """Return what the file that comes with the library says."""
    return read_registry(files(__package__).joinpath(FILE).read_text(), file=FILE)


def read_registry(content: str, *, file: str = FILE) -> Registry:
    """Return what the text of a file says, or raise BadConfiguration naming ``file``, table and key."""
    try:
        tables = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration("instruments cannot be read", file=file, cause=str(error)) from error
    try:
        registry = _registry(tables)
        require_sense(registry)
    except BadConfiguration as error:
        raise BadConfiguration(error.message, **{"file": file, **error.facts}) from error
    return registry


def _registry(tables: Mapping[str, Any]) -> Registry:
    if unknown := sorted(set(tables) - set(_TABLES)):
        raise BadConfiguration("unknown table", table=unknown[0], known=", ".join(_TABLES))
    return Registry(
        missions=_named(Mission, tables, "missions"),
        instruments=_named(Instrument, tables, "instruments"),
        bands=_named(Band, tables, "bands"),
        pairings=_pairings(tables.get("pairings", [])),
    )


def _named(kind: type[T], tables: Mapping[str, Any], name: str) -> dict[str, T]:
    group = _table(tables.get(name, {}), name)
    return {
        one: _built(kind, {"name": one, **_own(table, f"{name}.{one}")}, f"{name}.{one}")
        for one, table in group.items()
    }


def _own(value: Any, where: str) -> Mapping[str, Any]:
    table = _table(value, where)
    if "name" in table:
        raise BadConfiguration("unknown key: the table itself is the name", table=where, key="name")
    return table


def _pairings(tables: Any) -> tuple[Pairing, ...]:
    if not isinstance(tables, list):
        raise BadConfiguration("pairings are written as [[pairings]]", table="pairings")
    return tuple(_built(Pairing, _table(one, "pairings"), f"pairings[{index}]") for index, one in enumerate(tables, 1))


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadConfiguration("not a table", table=where, got=value)
    return cast("dict[str, Any]", value)


def _built(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    fields = {one.name: one for one in dataclasses.fields(cast("Any", kind))}
    if unknown := sorted(set(table) - set(fields)):
        known = ", ".join(sorted(set(fields) - {"name"}))
        raise BadConfiguration("unknown key", table=where, key=unknown[0], known=known)
    required = {
        name
        for name, one in fields.items()
        if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    }
    if missing := sorted(required - set(table)):
        raise BadConfiguration("a key is missing", table=where, key=missing[0])
    kinds = typing.get_type_hints(kind)
    return kind(**{key: _value(value, kinds[key], where, key) for key, value in table.items()})


def _value(value: Any, kind: Any, where: str, key: str) -> Any:
    """Return a value of TOML as the type of a field wants it."""
    if isinstance(kind, types.UnionType):
        kind = typing.get_args(kind)[0]
    if kind in _PARTS:
        return _built(kind, _table(value, f"{where}.{key}"), f"{where}.{key}")
    if typing.get_origin(kind) is tuple:
        return _listed(value, typing.get_args(kind), where, key)
    if typing.get_origin(kind) is Mapping:
        inside, where = typing.get_args(kind)[1], f"{where}.{key}"
        return {one: _value(part, inside, where, one) for one, part in _table(value, where).items()}
    return _plain(value, kind, where, key)


def _listed(value: Any, kinds: tuple[Any, ...], where: str, key: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or (kinds[-1] is not Ellipsis and len(value) != len(kinds)):
        raise BadConfiguration("a key needs a list", table=where, key=key, got=value)
    wanted = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
    return tuple(_value(one, part, where, key) for one, part in zip(value, wanted, strict=True))


def _plain(value: Any, kind: Any, where: str, key: str) -> Any:
    if kind is Level and value in tuple(Level):
        return Level(value)
    if kind is Pattern and isinstance(value, str):
        return _pattern(value, where, key)
    if kind is float and type(value) is int:
        return float(value)
    if kind not in (str, float, int, bool) or type(value) is not kind:
        raise BadConfiguration("a key has a value of another kind", table=where, key=key, got=value)
    return value


def _pattern(written: str, where: str, key: str) -> Pattern:
    try:
        return re.compile(written, re.IGNORECASE)
    except re.error as error:
        raise BadConfiguration(
            "not a regular expression", table=where, key=key, got=written, cause=str(error)
        ) from error
