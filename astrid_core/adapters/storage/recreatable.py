"""A store that knows what it does not keep because it can be made again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from astrid_core.shared.artifacts import ArtifactRef, ArtifactStore, StoredArtifact
from astrid_core.shared.errors import DroppedArtifact, MissingArtifact


class RecreatableArtifacts:
    """ArtifactStore that tells, of a dropped image, how it is made again; nothing is asked about what is there."""

    def __init__(self, store: ArtifactStore, *, made_by: Callable[[str], str | None]) -> None:
        self._store = store
        self._made_by = made_by

    def put(self, content: bytes, *, media_type: str) -> ArtifactRef:
        """Store ``content``."""
        return self._store.put(content, media_type=media_type)

    def put_file(self, path: Path, *, media_type: str) -> ArtifactRef:
        """Store what is in a file."""
        return self._store.put_file(path, media_type=media_type)

    def get(self, digest: str) -> bytes:
        """Return the verified bytes; DroppedArtifact names the command that makes them again."""
        with self._explained(digest):
            return self._store.get(digest)

    def contains(self, digest: str) -> bool:
        """Tell whether the bytes are there."""
        return self._store.contains(digest)

    def size(self, digest: str) -> int:
        """Return how many bytes there are."""
        with self._explained(digest):
            return self._store.size(digest)

    def part(self, digest: str, *, start: int, n_bytes: int) -> bytes:
        """Return a part, unverified."""
        with self._explained(digest):
            return self._store.part(digest, start=start, n_bytes=n_bytes)

    def entries(self, *, behind: str = "") -> Iterator[StoredArtifact]:
        """Yield what is there."""
        return self._store.entries(behind=behind)

    def remove(self, digest: str, *, before: datetime) -> bool:
        """Delete what was put last before a time."""
        return self._store.remove(digest, before=before)

    @contextmanager
    def _explained(self, digest: str) -> Iterator[None]:
        try:
            yield
        except MissingArtifact as error:
            run = self._made_by(digest)
            if run is None:
                raise
            message = f"difference image is not kept; make it again: astrid store recreate {run}"
            raise DroppedArtifact(message, digest=digest) from error
