"""Stored bytes and the port through which they are reached."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from astrid_core.shared.errors import CorruptArtifact

_CHUNK_BYTES = 2**23
DATA_CARE = "artifacts."
"""What names of events begin with that tell how the store is cared for: what these name may be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRef:
    """The name of stored bytes: their SHA-256, what they are and how many."""

    digest: str
    """64 lower-case hexadecimal digits."""
    media_type: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArtifact:
    """What a store holds under a digest."""

    digest: str
    n_bytes: int
    modified: datetime
    """When these bytes were put last, by the clock of the store; aware UTC."""


class ArtifactStore(Protocol):
    """Content-addressed bytes: written once, verified on every read, never overwritten."""

    def put(self, content: bytes, *, media_type: str) -> ArtifactRef:
        """Store ``content`` under its digest; storing the same bytes twice changes nothing."""
        ...

    def put_file(self, path: Path, *, media_type: str) -> ArtifactRef:
        """Store what is in a file, never all of it in memory; otherwise like ``put``."""
        ...

    def get(self, digest: str) -> bytes:
        """Return the bytes, or raise MissingArtifact / CorruptArtifact naming the digest."""
        ...

    def contains(self, digest: str) -> bool:
        """Tell whether the bytes are there (without verifying them)."""
        ...

    def size(self, digest: str) -> int:
        """Return how many bytes there are, or raise MissingArtifact."""
        ...

    def part(self, digest: str, *, start: int, n_bytes: int) -> bytes:
        """Return a part, shorter where the bytes end; raise MissingArtifact.

        Nothing is verified: the digest tells of the whole only. For looking at; what is computed on takes ``get``.
        """
        ...

    def entries(self, *, behind: str = "") -> Iterator[StoredArtifact]:
        """Yield what is there in the order of digests, only those behind a given one; nothing is read or verified."""
        ...

    def remove(self, digest: str, *, before: datetime) -> bool:
        """Delete what was put last before a time, and tell whether it was deleted.

        Whoever puts the same bytes meanwhile finds them kept, or stores them anew: a put that returned is not undone.
        """
        ...


class ArtifactMentions(Protocol):
    """Which artifacts our records name, in whatever column."""

    def all(self) -> Iterator[str]:
        """Yield every digest that a record names, some several times; also some that are of no artifact."""
        ...

    def stored(self) -> Iterator[str]:
        """Yield every digest that is on record together with its length: the store must hold it, or had to once."""
        ...

    def lock(self) -> None:
        """Hold back others who delete artifacts until this transaction ends."""
        ...


def describe(content: bytes, *, media_type: str) -> ArtifactRef:
    """Return the reference that ``content`` has wherever it is stored."""
    return ArtifactRef(digest=hashlib.sha256(content).hexdigest(), media_type=media_type, n_bytes=len(content))


def describe_file(path: Path, *, media_type: str) -> ArtifactRef:
    """Return the reference that what is in a file has wherever it is stored."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ArtifactRef(digest=digest, media_type=media_type, n_bytes=path.stat().st_size)


def chunks(store: ArtifactStore, digest: str) -> Iterator[bytes]:
    """Yield stored bytes some megabytes at a time; raise CorruptArtifact behind the last if they are not the ones."""
    seen, size = hashlib.sha256(), store.size(digest)
    for start in range(0, size, _CHUNK_BYTES):
        chunk = store.part(digest, start=start, n_bytes=_CHUNK_BYTES)
        seen.update(chunk)
        yield chunk
    if seen.hexdigest() != digest:
        raise CorruptArtifact("stored bytes do not match their digest", digest=digest)
