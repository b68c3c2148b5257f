"""One look at the files of a survey: from each file to its observations, or to the reason why it is none."""

import hashlib
from typing import BinaryIO

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.describe import describe
from astrid_core.observations.entities import Companion, Observation, Rejection, Survey
from astrid_core.observations.headers import FrameFacts, read_stream
from astrid_core.observations.registry import Registry
from astrid_core.observations.times import MJD_OF_UNIX_EPOCH
from astrid_core.shared.errors import UnusableFile

_CHUNK = 2**20


class Look:
    """Describes file after file, and knows the bytes of those that came before."""

    def __init__(self, survey: Survey, config: IngestConfig, *, now_s: float, registry: Registry | None = None) -> None:
        self._survey = survey
        self._registry = registry
        self._config = config
        self._now_mjd = MJD_OF_UNIX_EPOCH + now_s / 86400.0
        self._seen: dict[str, str] = {}

    def describe(
        self, stream: BinaryIO, archive_id: str, companions: tuple[Companion, ...] = ()
    ) -> list[Observation | Rejection]:
        """Return what an open file holds, one item per exposure; OSError passes, for the caller knows the file.

        ``companions`` are the maps beside it, each for all of its exposures.
        """
        try:
            frames = read_stream(stream, name=archive_id, config=self._config, registry=self._registry)
            digest = _digest(stream)
        except UnusableFile as problem:
            return [self.reject(archive_id, problem)]
        first = self._seen.setdefault(digest, archive_id)
        if first != archive_id:
            return [self.reject(archive_id, UnusableFile("the same bytes as another file", first=first))]
        results = [
            self._described(facts, f"{archive_id}[{facts.extension}]" if index else archive_id, digest, companions)
            for index, facts in enumerate(frames)
        ]
        # A mosaic without any position would otherwise be told about once per detector.
        return results if any(isinstance(one, Observation) for one in results) else results[:1]

    def reject(self, archive_id: str, problem: UnusableFile) -> Rejection:
        """Return the rejection of a file, its reason on one line."""
        return Rejection(survey=self._survey.name, archive_id=archive_id, reason=" ".join(str(problem).split()))

    def _described(
        self, facts: FrameFacts, archive_id: str, digest: str, companions: tuple[Companion, ...]
    ) -> Observation | Rejection:
        try:
            return describe(
                facts,
                survey=self._survey.name,
                archive_id=archive_id,
                file_digest=digest,
                now_mjd=self._now_mjd,
                config=self._config,
                companions=companions,
            )
        except UnusableFile as problem:
            return self.reject(archive_id, problem)


def _digest(stream: BinaryIO) -> str:
    stream.seek(0)
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def require_digest(companion: Companion, now: str) -> None:
    """Raise UnusableFile unless a map is the one that was ingested."""
    if companion.digest != now:
        what = "came only after ingest: ingest again" if not companion.digest else "changed since ingest"
        raise UnusableFile(f"{companion.role.value} {what}", file=companion.archive_id, now=now[:12])
