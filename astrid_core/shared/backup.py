"""What a backup is written to, and what is copied into it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

RECORDS = "records"
"""The part that is our own database: brought back last."""


class Vault(Protocol):
    """A folder of snapshots, somewhere else; nobody reads it without its key."""

    def snapshots(self) -> Sequence[str]:
        """Return the names of the snapshots that are complete, oldest first."""
        ...

    def write(self, snapshot: str, part: str, chunks: Iterable[bytes]) -> None:
        """Keep a part of a snapshot."""
        ...

    def read(self, snapshot: str, part: str) -> Iterator[bytes]:
        """Yield a part of a snapshot; UnknownRecord where there is none, CorruptArtifact where it was altered."""
        ...

    def finish(self, snapshot: str, manifest: bytes) -> None:
        """Keep what tells of all parts: from now on the snapshot is complete."""
        ...

    def manifest(self, snapshot: str) -> bytes:
        """Return what tells of all parts."""
        ...

    def holds(self, digest: str) -> bool:
        """Tell whether bytes are there, of this snapshot or of an earlier one."""
        ...

    def keep(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Keep bytes by their digest."""
        ...

    def bytes_of(self, digest: str) -> Iterator[bytes]:
        """Yield bytes; behind the last CorruptArtifact, if they have another digest."""
        ...


class Copied(Protocol):
    """Something that is copied as a whole: a database, a file."""

    kind: str
    """What can take the copy in again."""

    def copy(self) -> AbstractContextManager[Iterator[bytes]]:
        """Open a copy of one moment, whatever is written meanwhile; of no bytes where there is nothing."""
        ...

    def is_empty(self) -> bool:
        """Tell whether nothing would be lost by taking in a copy."""
        ...

    def take_in(self, chunks: Iterable[bytes]) -> None:
        """Put a copy in the place of all that is there: all of it or nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """All that is copied besides artifacts, by name."""

    parts: Mapping[str, Copied]
    models: Path | None
    """Folder with the files of models; None where they are elsewhere."""
    elsewhere: tuple[str, ...] = ()
    """What this machine does not hold, and no backup of ours."""
