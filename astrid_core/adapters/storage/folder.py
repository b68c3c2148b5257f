"""Artifacts in a folder."""

import contextlib
import errno
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from astrid_core.adapters.storage.folder_care import files_of, remove_file, renew
from astrid_core.adapters.storage.names import object_name, verified
from astrid_core.shared.artifacts import ArtifactRef, StoredArtifact, chunks, describe, describe_file
from astrid_core.shared.errors import (
    BadConfiguration,
    MissingArtifact,
    PermanentFailure,
    StorageUnavailable,
)

_MISPLACED = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)
"""What says that the folder is not ours to use; anything else may pass."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems without hard links answer (exFAT, some network shares)."""


class FolderArtifacts:
    """Content-addressed files: written aside, flushed to disk, then linked into place, so that none is ever partial.

    A link never replaces what is there: of two writers of the same bytes one publishes and the other finds it done.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes, *, media_type: str) -> ArtifactRef:
        """Store ``content``; raise CorruptArtifact if its name is taken by other bytes."""
        ref = describe(content, media_type=media_type)
        self._put(io.BytesIO(content), self._path(ref.digest))
        return ref

    def put_file(self, path: Path, *, media_type: str) -> ArtifactRef:
        """Store what is in a file; raise CorruptArtifact if its name is taken by other bytes."""
        ref = describe_file(path, media_type=media_type)
        with path.open("rb") as content:
            self._put(content, self._path(ref.digest))
        return ref

    def get(self, digest: str) -> bytes:
        """Return the verified bytes."""
        path = self._path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise MissingArtifact("no such artifact", digest=digest, where=self._folder) from error
        except OSError as error:
            raise _translated(error, path) from error
        return verified(content, digest, where=str(path))

    def contains(self, digest: str) -> bool:
        """Tell whether the file is there."""
        path = self._path(digest)
        try:
            return path.is_file()
        except OSError as error:
            raise _translated(error, path) from error

    def size(self, digest: str) -> int:
        """Return the length of the file."""
        path = self._path(digest)
        try:
            return path.stat().st_size
        except FileNotFoundError as error:
            raise MissingArtifact("no such artifact", digest=digest, where=self._folder) from error
        except OSError as error:
            raise _translated(error, path) from error

    def part(self, digest: str, *, start: int, n_bytes: int) -> bytes:
        """Return a part of the file, unverified."""
        path = self._path(digest)
        try:
            with path.open("rb") as stream:
                stream.seek(start)
                return stream.read(n_bytes)
        except FileNotFoundError as error:
            raise MissingArtifact("no such artifact", digest=digest, where=self._folder) from error
        except OSError as error:
            raise _translated(error, path) from error

    def entries(self, *, behind: str = "") -> Iterator[StoredArtifact]:
        """Yield the files in the order of their digests."""
        try:
            yield from files_of(self._folder, behind=behind)
        except OSError as error:
            raise _translated(error, self._folder) from error

    def remove(self, digest: str, *, before: datetime) -> bool:
        """Delete a file that was put last before a time, and tell whether it was deleted."""
        path = self._path(digest)
        try:
            return remove_file(path, before=before)
        except OSError as error:
            raise _translated(error, path) from error

    def _path(self, digest: str) -> Path:
        return self._folder / object_name(digest)

    def _put(self, content: BinaryIO, path: Path) -> None:
        try:
            while not renew(path):
                content.seek(0)
                _make_folder(path.parent)
                if self._publish(content, path):
                    return
        except OSError as error:
            raise _translated(error, path) from error
        for _ in chunks(self, path.name):
            pass  # it was there: what is read is compared with its digest

    def _publish(self, content: BinaryIO, path: Path) -> bool:
        """Write the file under its name, and tell whether it was not there."""
        descriptor, name = tempfile.mkstemp(prefix=".incoming-", dir=path.parent)
        aside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                shutil.copyfileobj(content, stream)
                stream.flush()
                os.fsync(stream.fileno())
            aside.chmod(0o444)
            is_new = _link(aside, path)
            _flush_folder(path.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                aside.unlink()
        return is_new


def _link(aside: Path, path: Path) -> bool:
    """Give the finished file its name, unless somebody else published the same bytes in between."""
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Without links a rename is the only atomic way; it can only ever replace bytes of the same digest.
        aside.rename(path)
    return True


def _make_folder(folder: Path) -> None:
    """Create a folder and its parents, and make their names survive a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translated(error: OSError, path: Path) -> PermanentFailure | StorageUnavailable:
    if error.errno in _MISPLACED:
        return BadConfiguration("artifact folder cannot be used", path=path, cause=error.strerror)
    return StorageUnavailable("artifact folder does not answer", path=path, cause=error.strerror)
