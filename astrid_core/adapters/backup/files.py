"""Files that are copied into a backup."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_CHUNK_BYTES = 2**20


class CopiedFile:
    """Copied: one file, which may be missing."""

    kind = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def copy(self) -> Iterator[Iterator[bytes]]:
        """Open it; no bytes where it is missing."""
        if not self._path.exists():
            yield iter(())
            return
        yield chunks_of(self._path)

    def is_empty(self) -> bool:
        """Tell whether it is missing or empty."""
        return not self._path.exists() or not self._path.stat().st_size

    def take_in(self, chunks: Iterable[bytes]) -> None:
        """Put it in its place; no bytes make no file."""
        write_file(self._path, chunks)
        if not self._path.stat().st_size:
            self._path.unlink()


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield what is in a file."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file aside, flush it and put it in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as out:
            out.writelines(chunks)
            out.flush()
            os.fsync(out.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)
