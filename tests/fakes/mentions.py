"""What records in memory name."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from astrid_core.shared.artifacts import DATA_CARE
from astrid_core.shared.events import DomainEvent

_REF = re.compile(r"ArtifactRef\(digest='([0-9a-f]{64})'")
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class MemoryArtifactMentions:
    """ArtifactMentions in memory."""

    def __init__(self, tables: Mapping[str, Mapping[Any, Any]]) -> None:
        self._tables = tables

    def all(self) -> Iterator[str]:
        for rows in self._tables.values():
            for one in rows.values():
                if not (isinstance(one, DomainEvent) and one.name.startswith(DATA_CARE)):
                    yield from _DIGEST.findall(repr(one))

    def stored(self) -> Iterator[str]:
        for rows in self._tables.values():
            for one in rows.values():
                yield from _REF.findall(repr(one))

    def lock(self) -> None:
        """Transactions follow one another anyway."""
