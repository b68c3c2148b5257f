"""What surveys on the network have in common: files that are brought into a folder once, and described there."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from astrid_core.adapters.surveys.downloads import Wanted, download, sha256_of
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.look import Look
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import CalibrationFrame, Found, Observation, Survey
from astrid_core.shared.errors import QueryRefused, StorageUnavailable, UnusableFile

_LONGEST_ID = 1000
"""Longer names do not fit the index of a database."""
_LONGEST_NAME = 200
"""File systems take 255 bytes, and an unfinished file has a longer name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file that an archive lists."""

    archive_id: str
    n_bytes: int | None = None
    """As listed; None where the archive does not say."""
    problem: str = ""
    """Why it cannot be asked for; empty if it can."""
    beside: tuple["RemoteFile", ...] = ()
    """Its weight, mask and exposure maps: files of their own that are kept in the same folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Where the files of a survey are kept, and which of them may become exposures."""

    folder: Path
    config: IngestConfig
    clock: Callable[[], float] = time.time


class MirroredClient(ABC):
    """Lists what an archive has and brings every file into a folder before it is described.

    A file is named after its ``archive_id``, by which it can be asked for again: the folder may be emptied at any
    time, and another machine needs none of it. Nothing that an archive says leads out of the folder.
    """

    def __init__(self, survey: Survey, client: HttpClient, mirror: Mirror) -> None:
        self._survey = survey
        self._client = client
        self._mirror = mirror

    @property
    def survey(self) -> Survey:
        """The survey that is read here."""
        return self._survey

    @abstractmethod
    def files(self) -> Iterable[RemoteFile]:
        """Return what the archive has; a question that fails raises, it is never an empty answer."""

    @abstractmethod
    def wanted(self, archive_id: str) -> Wanted:
        """Return where a file is; UnusableFile for an id that is none of this archive."""

    def discover(self) -> Iterator[Found]:
        """Yield every exposure and calibration frame, or the reason why a file is none, in the order of their names."""
        look = Look(self._survey, self._mirror.config, now_s=self._mirror.clock())
        for file in sorted(self.files(), key=lambda one: one.archive_id):
            yield from self._described(file, look)
            for companion in file.beside:
                try:
                    self._brought(companion)
                except UnusableFile as problem:
                    yield look.reject(_printable(companion.archive_id), problem)

    def fetch(self, observation: Observation | CalibrationFrame) -> bytes:
        """Return the bytes of the whole file; raise UnusableFile if they are not those that were ingested."""
        name = observation.archive_id.removesuffix(f"[{observation.extension}]")
        path = place_in(self._mirror.folder, name)
        try:
            if not path.is_file() or sha256_of(path) != observation.file_digest:
                now = self._download(name, path, None)
                if now != observation.file_digest:
                    was = observation.file_digest[:12]
                    raise UnusableFile("file changed since ingest", file=name, was=was, now=now[:12])
            return path.read_bytes()
        except OSError as error:
            raise self._unreadable(error) from error

    def _described(self, file: RemoteFile, look: Look) -> list[Found]:
        try:
            with self._brought(file).open("rb") as stream:
                return look.describe(stream, file.archive_id)
        except UnusableFile as problem:
            return [look.reject(_printable(file.archive_id), problem)]
        except OSError as error:
            raise self._unreadable(error) from error

    def _brought(self, file: RemoteFile) -> Path:
        if file.problem:
            raise UnusableFile(file.problem)
        path = place_in(self._mirror.folder, file.archive_id)
        if file.n_bytes is not None and file.n_bytes > self._mirror.config.max_file_bytes:
            raise UnusableFile("file is too large", n_bytes=file.n_bytes, allowed=self._mirror.config.max_file_bytes)
        # A file gets its name when it is complete, so its size tells whether it is the one that is listed now.
        if not path.is_file() or (file.n_bytes is not None and path.stat().st_size != file.n_bytes):
            self._download(file.archive_id, path, file.n_bytes)
        return path

    def _download(self, archive_id: str, path: Path, n_bytes: int | None) -> str:
        try:
            wanted = self.wanted(archive_id)
            return download(self._client, Wanted(url=wanted.url, params=wanted.params, n_bytes=n_bytes), path)
        except QueryRefused as error:
            raise UnusableFile("archive lists the file but does not give it", file=archive_id, **error.facts) from error
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> StorageUnavailable:
        return StorageUnavailable("folder of a survey cannot be read", folder=self._mirror.folder, cause=error.strerror)


def _printable(archive_id: str) -> str:
    """Return a name as it may stand in a record: whatever cannot be printed as escapes, and not too long."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in archive_id)
    return shown if len(shown.encode()) <= _LONGEST_ID else f"{shown[:200]}..."


def place_in(folder: Path, archive_id: str) -> Path:
    """Return the path of a file below ``folder``; raise UnusableFile for a name that is not one of plain words."""
    if len(archive_id.encode("utf-8", "replace")) > _LONGEST_ID:
        raise UnusableFile("file name is too long", n_bytes=len(archive_id), allowed=_LONGEST_ID)
    for word in archive_id.split("/"):
        if not word or word.startswith(".") or not word.isprintable() or "\\" in word:
            raise UnusableFile("file has a name that no archive should give", name=ascii(archive_id)[:_LONGEST_NAME])
        if len(word.encode()) > _LONGEST_NAME:
            raise UnusableFile("file name is too long", n_bytes=len(word.encode()), allowed=_LONGEST_NAME)
    path = folder / archive_id
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UnusableFile("file lies outside of the folder", name=archive_id)
    return path
