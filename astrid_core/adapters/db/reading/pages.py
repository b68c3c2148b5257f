"""Long lists in pages: each begins behind the key that the one before ended with, however the list grows meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

Facts: TypeAlias = Mapping[str, Any]
"""One record as names and plain values; None for numbers that are none."""
Key: TypeAlias = Sequence[Any]
Keep: TypeAlias = Callable[[Sequence[Facts]], Sequence[bool]]
"""Tells which records are wanted of those that look like it."""
Column: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any]
Statement: TypeAlias = "Select[*tuple[Any, ...]]"
_LARGEST = 2**63
_MOST_ROUNDS = 20
_MOST_DROPPED = 5
"""One in so many rows is dropped at most of shapes as searches know them: more rounds are for others."""


class BadKey(ValueError):
    """A key that no page can have ended with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of a list, and where the next page begins; None behind the last."""

    items: Sequence[Facts]
    next: Key | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Which page is wanted."""

    after: Key | None = None
    limit: int = 50


async def read_page(
    connection: AsyncConnection,
    statement: Statement,
    keys: Sequence[Column],
    ask: Ask,
    *,
    falling: bool = False,
    keep: Keep | None = None,
) -> Page:
    """Return the rows of ``statement`` behind a key, ordered by ``keys``, which together are unique and never null.

    ``keep`` drops rows that only looked like wanted ones. After some rounds a page may therefore be short, or even
    empty, and still name a next one.
    """
    n_rows = ask.limit + 1 if keep is None else ask.limit + 1 + ask.limit // _MOST_DROPPED
    labels = [f"key_{number}" for number in range(len(keys))]
    wanted = statement.add_columns(*(key.label(label) for key, label in zip(keys, labels, strict=True)))
    wanted = wanted.order_by(*(key.desc() if falling else key.asc() for key in keys)).limit(n_rows)
    after = None if ask.after is None else _checked(ask.after, keys)
    items: list[Facts] = []
    for _ in range(_MOST_ROUNDS):
        found = await connection.execute(wanted if after is None else wanted.where(_behind(keys, after, falling)))
        rows = found.mappings().all()
        told = [{name: value for name, value in plain(row).items() if name not in labels} for row in rows]
        for row, facts, kept in zip(rows, told, [True] * len(told) if keep is None else keep(told), strict=True):
            if len(items) == ask.limit:
                return Page(items=items, next=after)
            after = [row[label] for label in labels]
            if kept:
                items.append(facts)
        if len(rows) < n_rows:
            return Page(items=items, next=None)
    return Page(items=items, next=after)


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row with None for what JSON cannot tell."""
    facts = dict(row)
    for name, value in row.items():
        if value.__class__ is float and not isfinite(value):
            facts[name] = None
    return facts


def _behind(keys: Sequence[Column], after: Key, falling: bool) -> ColumnElement[bool]:  # noqa: FBT001 - of this module only
    here = tuple_(*keys)
    there = tuple_(*(literal(value, key.type) for key, value in zip(keys, after, strict=True)))
    return here < there if falling else here > there


def _checked(after: Key, keys: Sequence[Column]) -> Key:
    if len(after) != len(keys):
        raise BadKey("not a key of this list")
    return [_as(key.type.python_type, value) for key, value in zip(keys, after, strict=True)]


def _as(kind: type, value: Any) -> Any:
    if kind is UUID and isinstance(value, str | UUID):
        try:
            return UUID(str(value))
        except ValueError as error:
            raise BadKey("not a key of this list") from error
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST:
        return value
    if kind is str and isinstance(value, str) and "\0" not in value:
        return value
    raise BadKey("not a key of this list")
