"""Stored bytes and the port through which they are reached."""

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRef:
    """The name of stored bytes: their SHA-256, what they are and how many."""

    digest: str
    """64 lower-case hexadecimal digits."""
    media_type: str
    n_bytes: int


class ArtifactStore(Protocol):
    """Content-addressed bytes: written once, verified on every read, never overwritten."""

    def put(self, content: bytes, *, media_type: str) -> ArtifactRef:
        """Store ``content`` under its digest; storing the same bytes twice changes nothing."""
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


def describe(content: bytes, *, media_type: str) -> ArtifactRef:
    """Return the reference that ``content`` has wherever it is stored."""
    return ArtifactRef(digest=hashlib.sha256(content).hexdigest(), media_type=media_type, n_bytes=len(content))
