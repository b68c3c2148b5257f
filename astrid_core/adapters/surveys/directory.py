"""A folder of FITS files as a survey."""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from astrid_core.adapters.surveys.look import Look, require_digest
from astrid_core.adapters.surveys.maps import is_map, maps_beside
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import ExternalImage, ListedFile, Observation, Rejection, Survey
from astrid_core.observations.registry import Registry
from astrid_core.observations.roles import Role
from astrid_core.shared.errors import ArchiveUnavailable, UnusableFile

log = structlog.get_logger()

_PACKED = ("", ".gz", ".bz2", ".fz")
_LONGEST_NAME = 1000
"""Longer paths do not fit the index of a database."""
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What a file system says when it, not the file, is in trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One file that has the name of an image, or the reason why it is not looked at."""

    path: Path
    archive_id: str
    reason: str = ""


class DirectoryClient:
    """Reads every FITS file under a folder, in the order of their names; follows no link out of it.

    Only headers are read to tell what a file is, and every file is read once to take its digest. Defects that only
    pixels show (all NaN, one constant value, corrupt tiles of a compressed image) are left to preparation, which skips
    the exposure with its own reason.
    """

    def __init__(
        self,
        survey: Survey,
        directory: Path,
        config: IngestConfig,
        *,
        clock: Callable[[], float] = time.time,
        registry: Registry | None = None,
    ) -> None:
        self._registry = registry
        self._survey = survey
        self._directory = directory
        self._config = config
        self._clock = clock

    @property
    def survey(self) -> Survey:
        """The survey whose files lie in the folder."""
        return self._survey

    def listing(self) -> Iterator[ListedFile]:
        """Yield every file that has the name of an image, in the order of their names."""
        for found in self._files():
            if is_map(found.path):
                continue
            yield ListedFile(archive_id=found.archive_id, n_bytes=_size_of(found), problem=found.reason)

    def discover(self, files: Iterable[ListedFile] | None = None) -> Iterator[Observation | Rejection]:
        """Yield every exposure of the folder, or the reason why a file is none, in the order of their names."""
        look = Look(self._survey, self._config, now_s=self._clock(), registry=self._registry)
        wanted = None if files is None else {one.archive_id for one in files}
        for found in self._files():
            if is_map(found.path) or (wanted is not None and found.archive_id not in wanted):
                continue
            try:
                described = _described(found, look)
            except UnusableFile as problem:
                described = [look.reject(found.archive_id, problem)]
            yield from described

    def fetch(self, observation: Observation) -> bytes:
        """Return the bytes of the whole file; raise UnusableFile if they are not those that were ingested."""
        name = observation.archive_id.removesuffix(f"[{observation.extension}]")
        content, digest = self._content(name)
        if digest != observation.file_digest:
            raise UnusableFile(
                "file changed since ingest", file=name, was=observation.file_digest[:12], now=digest[:12]
            )
        return content

    def images(self) -> Iterator[ExternalImage]:
        """Yield every file that may be opened as an image, with or without a time."""
        for found in self._files():
            if not found.reason and not is_map(found.path):
                try:
                    yield ExternalImage(archive_id=found.archive_id, content=self._content(found.archive_id)[0])
                except UnusableFile as problem:
                    log.warning("image.left_out", file=found.archive_id, reason=str(problem))

    def companions(self, observation: Observation) -> dict[Role, bytes]:
        """Return the bytes of the maps beside it; raise UnusableFile if one is missing or not as it was ingested."""
        found = {}
        for one in observation.companions:
            found[one.role], now = self._content(one.archive_id)
            require_digest(one, now)
        return found

    def _content(self, name: str) -> tuple[bytes, str]:
        """Return the bytes of a file and their SHA-256."""
        root = self._root()
        path = root / name
        if not path.resolve().is_relative_to(root):
            raise UnusableFile("file lies outside of the folder", file=name)
        with _opened(path, name) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > self._config.max_file_bytes:
                raise UnusableFile("file is too large", file=name, n_bytes=size, allowed=self._config.max_file_bytes)
            content = _read(stream, name)
        return content, hashlib.sha256(content).hexdigest()

    def _root(self) -> Path:
        try:
            root = self._directory.resolve(strict=True)
            if not root.is_dir():
                raise ArchiveUnavailable("survey folder is no folder", survey=self._survey.name, folder=self._directory)
            os.scandir(root).close()
        except OSError as error:
            raise ArchiveUnavailable(
                "survey folder cannot be read", survey=self._survey.name, folder=self._directory, cause=error.strerror
            ) from error
        return root

    def _files(self) -> Iterator[_Found]:
        """Yield what has the name of an image, in the order of names; a stack, since folders may nest without end."""
        root = self._root()
        waiting = [root]
        while waiting:
            path = waiting.pop()
            try:
                if _is_folder(path):
                    inside = sorted(path.iterdir(), key=os.fsencode, reverse=True)
                    waiting.extend(one for one in inside if not one.name.startswith("."))
                    continue
            except OSError as error:
                reason = f"folder cannot be read: {error.strerror}"
                yield _Found(path=path, archive_id=_shown(path, root), reason=reason)
                continue
            if self._is_named_image(path.name) or (path.is_symlink() and path.is_dir()):
                yield _Found(path=path, archive_id=_shown(path, root), reason=_obstacle(path, root))

    def _is_named_image(self, name: str) -> bool:
        lower = name.lower()
        return any(lower.endswith(suffix + packed) for suffix in self._config.suffixes for packed in _PACKED)


def _described(found: _Found, look: Look) -> list[Observation | Rejection]:
    if found.reason:
        raise UnusableFile(found.reason)
    with _opened(found.path, found.archive_id) as stream:
        try:
            return look.describe(stream, found.archive_id, maps_beside(found.path, found.archive_id))
        except OSError as error:
            raise _translated(error, found.archive_id) from error


def _size_of(found: _Found) -> int | None:
    try:
        return None if found.reason else found.path.stat().st_size
    except OSError:
        # Whoever opens it is told why.
        return None


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _obstacle(path: Path, root: Path) -> str:
    """Return why a path is not even opened; empty if it may be."""
    name = os.fsencode(path.relative_to(root))
    try:
        printable = name.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        printable = False
    if not printable:
        return "file name is not printable UTF-8"
    if len(name) > _LONGEST_NAME:
        return f"file name is too long: {len(name)} bytes, allowed are {_LONGEST_NAME}"
    return _link_obstacle(path, root) if path.is_symlink() else _kind_obstacle(path)


def _link_obstacle(path: Path, root: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except OSError as error:
        return f"symbolic link leads nowhere: {error.strerror}"
    except RuntimeError:  # what pathlib raises for a loop before Python 3.13
        return "symbolic link leads nowhere: it leads to itself"
    if not target.is_relative_to(root):
        return "symbolic link leads out of the folder"
    if target.is_dir():
        return "symbolic link to a folder is not followed"
    return _kind_obstacle(target)


def _kind_obstacle(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"file cannot be read: {error.strerror}"
    return "" if stat.S_ISREG(mode) else "not a regular file"


def _shown(path: Path, root: Path) -> str:
    """Return the relative path with forward slashes, whatever is not printable UTF-8 as backslash escapes."""
    name = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in name)
    if len(shown.encode()) <= _LONGEST_NAME:
        return shown
    return f"{shown[:200]}...{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"


def _opened(path: Path, name: str) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _translated(error, name) from error


def _read(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read()
    except OSError as error:
        raise _translated(error, name) from error


def _translated(error: OSError, name: str) -> ArchiveUnavailable | UnusableFile:
    if error.errno in _PASSING:
        return ArchiveUnavailable("survey folder does not answer", file=name, cause=error.strerror)
    return UnusableFile(f"file cannot be read: {error.strerror}", file=name)
