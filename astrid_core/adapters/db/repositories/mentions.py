"""Which artifacts our rows name, found from the declarations of the tables: a column of tomorrow is looked at, too."""

import json
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import JSON, Column, Select, String, Text, cast, func, select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, take
from astrid_core.adapters.db.rows.every import TABLES
from astrid_core.shared.artifacts import DATA_CARE

_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_LENGTH = 64
_LOG = "domain_event"
_PAGE = 10_000
SEALS = frozenset({"domain_event.previous", "domain_event.digest", "api_key.digest"})
"""Columns with digests of something else than artifacts: the chain of the log, and secrets."""


class SqlArtifactMentions:
    """ArtifactMentions in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> Iterator[str]:
        """Yield every digest that any text or JSON names."""
        for column in naming_columns():
            texts = self._session.execute(_texts(column), execution_options={"yield_per": _PAGE}).scalars()
            for one in texts:
                yield from _DIGEST.findall(one)

    def stored(self) -> Iterator[str]:
        """Yield every digest that stands beside its length, in columns or in JSON."""
        for digest, n_bytes in _pairs():
            wanted = select(digest).where(digest.is_not(None), n_bytes.is_not(None))
            yield from self._session.execute(wanted, execution_options={"yield_per": _PAGE}).scalars()
        for column in naming_columns():
            if isinstance(column.type, JSON) and column.table.name != _LOG:
                texts = self._session.execute(_texts(column), execution_options={"yield_per": _PAGE}).scalars()
                for one in texts:
                    yield from _with_length(json.loads(one))

    def lock(self) -> None:
        """Hold back others who delete artifacts until this transaction ends."""
        take(self._session.connection(), Lock.DELETE_ARTIFACTS)


def naming_columns() -> tuple[Column[Any], ...]:
    """Return every column that can name an artifact: of text or JSON, and not the copy of one that is looked at."""
    return tuple(
        column
        for table in TABLES.sorted_tables
        for column in table.columns
        if isinstance(column.type, String | JSON) and not column.foreign_keys and str(column) not in SEALS
    )


def _pairs() -> Iterator[tuple[Column[Any], Column[Any]]]:
    for table in TABLES.sorted_tables:
        for column in table.columns:
            if column.name.endswith("n_bytes"):
                digest = table.columns.get(column.name.removesuffix("n_bytes") + "digest")
                if digest is not None:
                    yield digest, column


def _with_length(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "digest" in value and "n_bytes" in value:
            yield str(value["digest"])
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _with_length(one)


def _texts(column: "Column[Any]") -> Select[Any]:
    text = cast(column, Text) if isinstance(column.type, JSON) else column
    wanted = select(text).where(func.length(text) >= _LENGTH)
    if column.table.name == _LOG:
        # What was deleted is told by the log, and not kept by that.
        wanted = wanted.where(column.table.columns["name"].not_like(f"{DATA_CARE}%"))
    return wanted
