"""Column types that come back as they went in, on both databases."""

import json
import math
import operator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Double
from sqlalchemy.types import TypeDecorator, TypeEngine


def to_json(value: Any) -> str:
    """Return the text that is stored. NaN is no JSON: PostgreSQL would refuse it and SQLite would not."""
    return json.dumps(value, allow_nan=False)


class _AsIs(Double[float]):
    """SQLite's double without SQLAlchemy's conversion."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Hand the value over untouched."""


class ExactFloat(TypeDecorator[float]):
    """A double, bit for bit. SQLite turns NaN into NULL: there the word stands in its place, and sorts behind numbers
    as PostgreSQL's NaN does.
    """

    impl = Double
    cache_ok = True

    @property
    def python_type(self) -> type[float]:
        """Return what values are."""
        return float

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database sees."""
        return dialect.type_descriptor(_AsIs() if dialect.name == "sqlite" else Double())

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        """Return what is stored."""
        if value is None:
            return None
        return "nan" if dialect.name == "sqlite" and math.isnan(value) else float(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:  # noqa: ARG002 - the vendor's signature
        """Return what was stored."""
        return None if value is None else float(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what turns the driver's values into ours: nothing for PostgreSQL, whose doubles are floats."""
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)


class ExactInt(TypeDecorator[int]):
    """A whole number; what only looks like one (2.0) is a TypeError."""

    impl = BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[int]:
        """Return what values are."""
        return int

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - as above
        """Return what is stored: SQLite's driver does not know numpy's whole numbers."""
        return None if value is None else operator.index(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time; SQLite has no zones and keeps it in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """Return what values are."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is stored; ValueError for a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"a time needs its zone: {value!r}"
            raise ValueError(message)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)
