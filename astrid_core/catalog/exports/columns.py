"""What a column of an extract is, and its values: of entities, and as text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any

import numpy as np

Cell = str | int | float | bool | None
"""One value of a table."""


class ColumnKind(StrEnum):
    """What the values of a column are."""

    CODE = "code"
    """ASCII text of our own making: identities, words of a fixed list."""
    TEXT = "text"
    """Text that somebody else chose."""
    INTEGER = "integer"
    """64 bits."""
    REAL = "real"
    """64 bits."""
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of one table."""

    name: str
    kind: ColumnKind
    unit: str = ""
    """As VOUnits and FITS both write it."""
    ucd: str
    """UCD1+ of the IVOA."""
    ucd1: str = ""
    """The UCD1 that Simple Cone Search asks for; only where it does."""
    description: str
    nullable: bool = False
    shown: str = ""
    """How numbers are rounded, in every format alike; empty: not at all."""
    of: str = ""
    """Where the value is in the entity, with dots; empty: under the name of the column."""
    at_once: Callable[[Sequence[Any]], Sequence[Cell]] | None = None
    """Returns the values of many entities, where to ask one after the other takes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One table of an extract."""

    name: str
    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns that together tell its rows apart."""

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(one for one in self.columns if one.name == name)


def cells(column: Column, records: Sequence[object]) -> list[Cell]:
    """Return the values of a column, one per entity; ValueError for a null where none may be."""
    if column.at_once is not None:
        return list(column.at_once(records))
    values = _PLAIN[column.kind](column, list(map(attrgetter(column.of or column.name), records)))
    if not column.nullable and None in values:
        message = f"{column.name} is never null, but row {values.index(None)} has no value"
        raise ValueError(message)
    return values


def texts(column: Column, values: Sequence[Cell]) -> list[str]:
    """Return the values of a column as text; empty for null."""
    if column.kind is ColumnKind.REAL and column.shown:
        shown = f"%{column.shown}"
        return ["" if value is None else shown % value for value in values]
    return ["" if value is None else str(value) for value in values]


def _reals(column: Column, values: Sequence[Any]) -> list[Cell]:
    # All of them at once: an extract holds a hundred million.
    numbers = np.array(values, dtype=float)
    if column.shown:
        shown = f"%{column.shown}"
        # Adding nothing turns minus zero into zero.
        numbers = np.array([float(shown % one) for one in numbers.tolist()], dtype=float) + 0.0
    told: list[Cell] = numbers.tolist()
    for place in np.flatnonzero(~np.isfinite(numbers)):
        told[place] = None
    return told


def _each(make: Callable[[Any], Cell]) -> Callable[[Column, Sequence[Any]], list[Cell]]:
    return lambda _, values: [None if one is None else make(one) for one in values]


_PLAIN: Mapping[ColumnKind, Callable[[Column, Sequence[Any]], list[Cell]]] = {
    ColumnKind.CODE: _each(str),
    ColumnKind.TEXT: _each(str),
    ColumnKind.INTEGER: _each(int),
    ColumnKind.REAL: _reals,
    ColumnKind.FLAG: _each(bool),
}
