"""What surveys on the network have in common: files that are brought into a folder once, and described there."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from astrid_core.adapters.surveys.at_once import in_order
from astrid_core.adapters.surveys.downloads import Wanted, download, sha256_of
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.look import Look, require_digest
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import (
    Companion,
    ExternalImage,
    ListedFile,
    Observation,
    Rejection,
    Survey,
    UndeliveredFile,
)
from astrid_core.observations.roles import Role, role_of_map
from astrid_core.shared.errors import (
    ArchiveUnavailable,
    QueryRefused,
    ServicePaused,
    StorageUnavailable,
    UnexpectedAnswer,
    UnusableFile,
)

log = structlog.get_logger()

_LONGEST_ID = 1000
"""Longer names do not fit the index of a database."""
_LONGEST_NAME = 200
"""File systems take 255 bytes, and an unfinished file has a longer name."""
_MAX_IN_A_ROW = 10
"""Files that did not come without one in between that did: then the archive is in trouble, not they."""

Found = Observation | Rejection | UndeliveredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Where the files of a survey are kept, and which of them may become exposures."""

    folder: Path
    config: IngestConfig
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A file in the folder."""

    path: Path
    is_new: bool
    """Downloaded now, rather than found there."""


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
    def listing(self) -> Iterable[ListedFile]:
        """Return what the archive has; a question that fails raises, it is never an empty answer."""

    @abstractmethod
    def wanted(self, archive_id: str) -> Wanted:
        """Return where a file is; UnusableFile for an id that is none of this archive."""

    def discover(self, files: Iterable[ListedFile] | None = None) -> Iterator[Found]:
        """Yield every exposure, or the reason why a file is none or did not come, in the order of their names.

        Some files are downloaded at once, as many as the policy of the service allows. A file that does not come is
        told when another has come behind it: too many in a row are a failure of the archive, and none of theirs.
        """
        look = Look(self._survey, self._mirror.config, now_s=self._mirror.clock())
        wanted = sorted(self.listing() if files is None else files, key=lambda one: one.archive_id)
        untold: list[Found] = []
        n_failed = 0
        deliveries = in_order(
            lambda one: self._brought(one[0]), _with_maps(wanted), n_at_once=self._client.policy.n_concurrent
        )
        with closing(deliveries):
            for (file, is_map), outcome in deliveries:
                try:
                    delivery = outcome.result()
                    untold += [] if is_map else self._described(delivery.path, file, look)
                except UnusableFile as problem:
                    untold.append(look.reject(_printable(file.archive_id), problem))
                    continue
                except (ArchiveUnavailable, UnexpectedAnswer) as problem:
                    n_failed += 1
                    if isinstance(problem, ServicePaused) or n_failed >= _MAX_IN_A_ROW:
                        yield from (one for one in untold if not isinstance(one, UndeliveredFile))
                        raise
                    untold.append(self._undelivered(file, problem))
                    continue
                # What lay here already says nothing about the archive.
                if delivery.is_new or not n_failed:
                    yield from untold
                    untold, n_failed = [], 0
        yield from untold

    def fetch(self, observation: Observation) -> bytes:
        """Return the bytes of the whole file; raise UnusableFile if they are not those that were ingested."""
        name = observation.archive_id.removesuffix(f"[{observation.extension}]")
        path = place_in(self._mirror.folder, name)
        try:
            if not path.is_file() or sha256_of(path) != observation.file_digest:
                now = self._download(ListedFile(archive_id=name), path)
                if now != observation.file_digest:
                    was = observation.file_digest[:12]
                    raise UnusableFile("file changed since ingest", file=name, was=was, now=now[:12])
            return path.read_bytes()
        except OSError as error:
            raise self._unreadable(error) from error

    def images(self) -> Iterator[ExternalImage]:
        """Yield every file that the archive gives as an image, with or without a time."""
        for file in self.listing():
            try:
                yield ExternalImage(archive_id=file.archive_id, content=self._brought(file).path.read_bytes())
            except UnusableFile as problem:
                log.warning("image.left_out", file=file.archive_id, reason=str(problem))
            except OSError as error:
                raise self._unreadable(error) from error

    def companions(self, observation: Observation) -> dict[Role, bytes]:
        """Return the bytes of the maps beside it; raise UnusableFile if one is missing or not as it was ingested."""
        found = {}
        for one in observation.companions:
            path = place_in(self._mirror.folder, one.archive_id)
            try:
                if not path.is_file() or sha256_of(path) != one.digest:
                    require_digest(one, self._download(ListedFile(archive_id=one.archive_id), path))
                found[one.role] = path.read_bytes()
            except OSError as error:
                raise self._unreadable(error) from error
        return found

    def _companions(self, file: ListedFile) -> tuple[Companion, ...]:
        """Return the maps of a file with the digests of those that came; the others are told as files of their own."""
        found = []
        for one in file.beside:
            role = role_of_map(file.archive_id, one.archive_id)
            if role is not None and not one.problem:
                path = place_in(self._mirror.folder, one.archive_id)
                digest = sha256_of(path) if path.is_file() else ""
                found.append(Companion(role=role, archive_id=one.archive_id, digest=digest))
        return tuple(sorted(found, key=lambda companion: companion.role.value))

    def _described(self, path: Path, file: ListedFile, look: Look) -> list[Observation | Rejection]:
        try:
            with path.open("rb") as stream:
                return look.describe(stream, file.archive_id, self._companions(file))
        except OSError as error:
            raise self._unreadable(error) from error

    def _undelivered(self, file: ListedFile, problem: Exception) -> UndeliveredFile:
        return UndeliveredFile(
            survey=self._survey.name,
            archive_id=_printable(file.archive_id),
            reason=" ".join(str(problem).split()),
            version=file.version,
        )

    def _brought(self, file: ListedFile) -> Delivery:
        if file.problem:
            raise UnusableFile(file.problem)
        path = place_in(self._mirror.folder, file.archive_id)
        if file.n_bytes is not None and file.n_bytes > self._mirror.config.max_file_bytes:
            raise UnusableFile("file is too large", n_bytes=file.n_bytes, allowed=self._mirror.config.max_file_bytes)
        try:
            is_here = _is_same(path, file)
        except OSError as error:
            raise self._unreadable(error) from error
        if not is_here:
            self._download(file, path)
        return Delivery(path=path, is_new=not is_here)

    def _download(self, file: ListedFile, path: Path) -> str:
        try:
            wanted = replace(self.wanted(file.archive_id), n_bytes=file.n_bytes, sha256=file.sha256)
            return download(self._client, wanted, path)
        except QueryRefused as error:
            raise UnusableFile(
                "archive lists the file but does not give it", file=file.archive_id, **error.facts
            ) from error
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> StorageUnavailable:
        return StorageUnavailable("folder of a survey cannot be read", folder=self._mirror.folder, cause=error.strerror)


def _with_maps(files: Iterable[ListedFile]) -> Iterator[tuple[ListedFile, bool]]:
    """Yield every file behind its maps, whose digests it is recorded with; tell which is one."""
    for file in files:
        yield from ((companion, True) for companion in file.beside)
        yield file, False


def _is_same(path: Path, file: ListedFile) -> bool:
    """Tell whether a file is here already; it gets its name when it is complete, so that size or digest tell."""
    if not path.is_file() or (file.n_bytes is not None and path.stat().st_size != file.n_bytes):
        return False
    return not file.sha256 or sha256_of(path) == file.sha256


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
