"""The artifact store in memory."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from astrid_core.shared.artifacts import ArtifactRef, StoredArtifact, describe
from astrid_core.shared.errors import CorruptArtifact, MissingArtifact


class MemoryArtifacts:
    """Bytes by digest; ``stored`` may be tampered with to play a corrupt disk."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.modified: dict[str, datetime] = {}
        self._turn = Lock()

    def put(self, content: bytes, *, media_type: str) -> ArtifactRef:
        ref = describe(content, media_type=media_type)
        with self._turn:
            self.stored.setdefault(ref.digest, bytes(content))
            self.modified[ref.digest] = datetime.now(tz=UTC)
        self.get(ref.digest)
        return ref

    def put_file(self, path: Path, *, media_type: str) -> ArtifactRef:
        return self.put(path.read_bytes(), media_type=media_type)

    def get(self, digest: str) -> bytes:
        if digest not in self.stored:
            raise MissingArtifact("no such artifact", digest=digest, where="memory")
        content = self.stored[digest]
        if hashlib.sha256(content).hexdigest() != digest:
            raise CorruptArtifact("stored bytes do not match their digest", digest=digest, where="memory")
        return content

    def contains(self, digest: str) -> bool:
        return digest in self.stored

    def size(self, digest: str) -> int:
        if digest not in self.stored:
            raise MissingArtifact("no such artifact", digest=digest, where="memory")
        return len(self.stored[digest])

    def part(self, digest: str, *, start: int, n_bytes: int) -> bytes:
        return self.stored[digest][start : start + n_bytes] if self.size(digest) else b""

    def entries(self, *, behind: str = "") -> Iterator[StoredArtifact]:
        for digest, content in sorted(self.stored.items()):
            if digest > behind:
                yield StoredArtifact(digest=digest, n_bytes=len(content), modified=self.modified[digest])

    def remove(self, digest: str, *, before: datetime) -> bool:
        with self._turn:
            if digest not in self.stored or self.modified[digest] >= before:
                return False
            del self.stored[digest]
            return True
