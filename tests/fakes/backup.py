"""Memory twins of what a backup is made of."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from astrid_core.shared.errors import CorruptArtifact, UnknownRecord


class MemoryVault:
    """Vault in memory."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.contents: dict[str, bytes] = {}

    def snapshots(self) -> Sequence[str]:
        return tuple(sorted(self.manifests))

    def write(self, snapshot: str, part: str, chunks: Iterable[bytes]) -> None:
        self.parts[snapshot, part] = b"".join(chunks)

    def read(self, snapshot: str, part: str) -> Iterator[bytes]:
        if (snapshot, part) not in self.parts:
            raise UnknownRecord("not in this backup", snapshot=snapshot, part=part)
        yield self.parts[snapshot, part]

    def finish(self, snapshot: str, manifest: bytes) -> None:
        self.manifests[snapshot] = manifest

    def manifest(self, snapshot: str) -> bytes:
        return self.manifests[snapshot]

    def holds(self, digest: str) -> bool:
        return digest in self.contents

    def keep(self, digest: str, chunks: Iterable[bytes]) -> None:
        self.contents[digest] = b"".join(chunks)

    def bytes_of(self, digest: str) -> Iterator[bytes]:
        yield self.contents[digest]
        if hashlib.sha256(self.contents[digest]).hexdigest() != digest:
            raise CorruptArtifact("bytes of a backup do not match their digest", digest=digest)


class MemoryCopied:
    """Copied: bytes."""

    kind = "memory"

    def __init__(self, content: bytes = b"") -> None:
        self.content = content

    @contextmanager
    def copy(self) -> Iterator[Iterator[bytes]]:
        yield iter([self.content])

    def is_empty(self) -> bool:
        return not self.content

    def take_in(self, chunks: Iterable[bytes]) -> None:
        self.content = b"".join(chunks)
