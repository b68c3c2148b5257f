"""Stored bytes as a file that can be read from any place, for libraries that read only what they need."""

import io
from typing import Any

from astrid_core.shared.artifacts import ArtifactStore


class StoredFile(io.RawIOBase):
    """A read-only file; nothing of it is kept, and nothing verified (see ``ArtifactStore.part``)."""

    def __init__(self, store: ArtifactStore, digest: str) -> None:
        super().__init__()
        self._store, self._digest = store, digest
        self._size, self._place = store.size(digest), 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere else."""
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, begin + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read into ``buffer`` and return how many bytes."""
        content = self._store.part(self._digest, start=self._place, n_bytes=len(buffer))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)
