"""What is in a folder of artifacts, and how a file leaves it while others write.

Who puts bytes that are there already renews the file's time; who deletes looks at that time. Both hold a lock of the
file meanwhile, so that one of them comes first: the deleter finds a new time, or the writer a file that has no name.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from astrid_core.adapters.storage.names import digest_of, object_name
from astrid_core.shared.artifacts import StoredArtifact
from astrid_core.shared.errors import BadConfiguration

_ROOT = "sha256"
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF)
"""What file systems answer that have no locks (some network shares)."""


def renew(path: Path) -> bool:
    """Give a file the time of now, and tell whether it is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise  # without locks nothing is ever deleted, see below
        os.utime(descriptor)
        return os.fstat(descriptor).st_nlink > 0
    finally:
        os.close(descriptor)


def remove_file(path: Path, *, before: datetime) -> bool:
    """Delete a file whose time lies before another, and tell whether it was deleted."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(descriptor)
        if found.st_nlink == 0 or _time_of(found) >= before:
            return False
        path.unlink()
    except BlockingIOError:
        return False  # somebody puts the same bytes right now
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise BadConfiguration("no locks in this folder: nothing can be deleted safely", path=path) from error
        raise
    finally:
        os.close(descriptor)
    return True


def files_of(folder: Path, *, behind: str) -> Iterator[StoredArtifact]:
    """Yield the files of a folder in the order of their digests, those behind a given one; one small folder at once."""
    after = object_name(behind) if behind else ""
    for outer in _names(folder / _ROOT):
        for inner in _names(folder / _ROOT / outer):
            place = f"{_ROOT}/{outer}/{inner}"
            if place < after[: len(place)]:
                continue
            for name in _names(folder / place):
                if digest_of(name) and name > behind:
                    try:
                        found = (folder / place / name).stat()
                    except FileNotFoundError:
                        continue  # deleted since the folder was read
                    yield StoredArtifact(digest=name, n_bytes=found.st_size, modified=_time_of(found))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir())
    except FileNotFoundError:
        return []


def _time_of(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime, tz=UTC)
