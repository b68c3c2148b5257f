"""Which artifacts our rows name, found from the declarations of the tables: a column of tomorrow is looked at, too."""

import re
from collections.abc import Iterator

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

    def lock(self) -> None:
        """Hold back others who delete artifacts until this transaction ends."""
        take(self._session.connection(), Lock.DELETE_ARTIFACTS)


def naming_columns() -> tuple[Column[object], ...]:
    """Return every column that can name an artifact: of text or JSON, and not the copy of one that is looked at."""
    return tuple(
        column
        for table in TABLES.sorted_tables
        for column in table.columns
        if isinstance(column.type, String | JSON) and not column.foreign_keys and str(column) not in SEALS
    )


def _texts(column: "Column[object]") -> Select[tuple[str]]:
    text = cast(column, Text) if isinstance(column.type, JSON) else column
    wanted = select(text).where(func.length(text) >= _LENGTH)
    if column.table.name == _LOG:
        # What was deleted is told by the log, and not kept by that.
        wanted = wanted.where(column.table.columns["name"].not_like(f"{DATA_CARE}%"))
    return wanted
