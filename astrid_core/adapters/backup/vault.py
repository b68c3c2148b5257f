"""A folder of sealed snapshots: bytes by digest, shared by all of them, and a folder for each.

bytes/ab/cd/<name>            artifacts and files of models, by a name that only the key connects with a digest
snapshots/<time>/<part>       the parts of one snapshot; the manifest is written last
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from astrid_core.adapters.backup.sealed import name_of, seal, unseal
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, StorageUnavailable, UnknownRecord

_MANIFEST = "manifest"


class SealedVault:
    """Vault in a folder."""

    def __init__(self, folder: Path, *, key: bytes) -> None:
        self._folder = folder
        self._key = key

    def snapshots(self) -> Sequence[str]:
        """Return the names of the snapshots that are complete, oldest first."""
        return tuple(sorted(path.parent.name for path in self._folder.glob(f"snapshots/*/{_MANIFEST}")))

    def write(self, snapshot: str, part: str, chunks: Iterable[bytes]) -> None:
        """Keep a part of a snapshot."""
        self._seal(f"snapshots/{snapshot}/{part}", chunks)

    def read(self, snapshot: str, part: str) -> Iterator[bytes]:
        """Yield a part of a snapshot."""
        return self._unseal(f"snapshots/{snapshot}/{part}")

    def finish(self, snapshot: str, manifest: bytes) -> None:
        """Write the manifest."""
        self.write(snapshot, _MANIFEST, [manifest])

    def manifest(self, snapshot: str) -> bytes:
        """Return the manifest."""
        return b"".join(self.read(snapshot, _MANIFEST))

    def holds(self, digest: str) -> bool:
        """Tell whether the file is there."""
        return (self._folder / self._name(digest)).is_file()

    def keep(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Write a file."""
        self._seal(self._name(digest), chunks)

    def bytes_of(self, digest: str) -> Iterator[bytes]:
        """Yield bytes; behind the last CorruptArtifact, if they have another digest."""
        seen = hashlib.sha256()
        for chunk in self._unseal(self._name(digest)):
            seen.update(chunk)
            yield chunk
        if seen.hexdigest() != digest:
            raise CorruptArtifact("bytes of a backup do not match their digest", digest=digest)

    def _name(self, digest: str) -> str:
        name = name_of(self._key, digest)
        return f"bytes/{name[:2]}/{name[2:4]}/{name}"

    def _seal(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write aside, flush, rename: a file is whole or not there."""
        path = self._folder / name
        aside = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with aside.open("wb") as out:
                seal(chunks, out, key=self._key, name=name)
                out.flush()
                os.fsync(out.fileno())
            aside.rename(path)
        except PermissionError as error:
            raise BadConfiguration("folder of the backup cannot be used", path=path, cause=error.strerror) from error
        except OSError as error:
            raise StorageUnavailable("folder of the backup does not answer", path=path, cause=error.strerror) from error
        finally:
            with contextlib.suppress(OSError):
                aside.unlink()

    def _unseal(self, name: str) -> Iterator[bytes]:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                yield from unseal(file, key=self._key, name=name)
        except FileNotFoundError as error:
            raise UnknownRecord("not in this backup", path=path) from error
        except OSError as error:
            raise StorageUnavailable("folder of the backup does not answer", path=path, cause=error.strerror) from error
