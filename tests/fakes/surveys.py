"""A survey in memory."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.describe import describe
from astrid_core.observations.entities import (
    Companion,
    ExternalImage,
    ListedFile,
    Observation,
    Rejection,
    Survey,
    UndeliveredFile,
)
from astrid_core.observations.headers import FrameFacts, read_facts
from astrid_core.observations.roles import Role, image_beside, names_beside
from astrid_core.shared.errors import ArchiveUnavailable, UnusableFile


class MemorySurvey:
    """Files by name; ``available`` set to False plays an archive that is down, ``withheld`` names with the reason why
    they are listed and not given.
    """

    def __init__(
        self,
        survey: Survey,
        files: Mapping[str, bytes],
        config: IngestConfig | None = None,
        *,
        now_mjd: float = 61000.0,
    ) -> None:
        self._survey = survey
        self._config = config or IngestConfig()
        self._now_mjd = now_mjd
        self.files = dict(files)
        self.available = True
        self.withheld: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def survey(self) -> Survey:
        return self._survey

    def listing(self) -> Iterable[ListedFile]:
        self._require_available()
        return tuple(ListedFile(archive_id=name, n_bytes=len(self.files[name])) for name in self._exposures())

    def discover(
        self, files: Iterable[ListedFile] | None = None
    ) -> Iterator[Observation | Rejection | UndeliveredFile]:
        self._require_available()
        seen: dict[str, str] = {}
        for file in sorted(self.listing() if files is None else files, key=lambda one: one.archive_id):
            name = file.archive_id
            if image_beside(name) in self.files:
                continue
            self.asked.append(name)
            if name in self.withheld:
                yield UndeliveredFile(
                    survey=self._survey.name, archive_id=name, reason=self.withheld[name], version=file.version
                )
                continue
            digest = hashlib.sha256(self.files[name]).hexdigest()
            first = seen.setdefault(digest, name)
            try:
                frames = read_facts(self.files[name], name=name, config=self._config)
            except UnusableFile as problem:
                yield self._rejection(name, str(problem))
                continue
            if first != name:
                yield self._rejection(name, f"the same bytes as another file (first={first})")
                continue
            for index, facts in enumerate(frames):
                yield self._described(f"{name}[{facts.extension}]" if index else name, facts, digest)

    def fetch(self, observation: Observation) -> bytes:
        self._require_available()
        name = observation.archive_id.removesuffix(f"[{observation.extension}]")
        content = self.files.get(name)
        if content is None:
            raise UnusableFile("file cannot be read: no such file", file=name)
        if hashlib.sha256(content).hexdigest() != observation.file_digest:
            raise UnusableFile("file changed since ingest", file=name)
        return content

    def images(self) -> Iterator[ExternalImage]:
        self._require_available()
        for name in self._exposures():
            yield ExternalImage(archive_id=name, content=self.files[name])

    def companions(self, observation: Observation) -> Mapping[Role, bytes]:
        self._require_available()
        found = {}
        for one in observation.companions:
            if one.archive_id not in self.files:
                raise UnusableFile("file cannot be read: no such file", file=one.archive_id)
            found[one.role] = self.files[one.archive_id]
            if hashlib.sha256(found[one.role]).hexdigest() != one.digest:
                raise UnusableFile(f"{one.role.value} changed since ingest", file=one.archive_id)
        return found

    def _exposures(self) -> list[str]:
        return [name for name in sorted(self.files) if image_beside(name) not in self.files]

    def _beside(self, archive_id: str) -> tuple[Companion, ...]:
        found: dict[Role, Companion] = {}
        for role, name in names_beside(archive_id):
            if name in self.files:
                digest = hashlib.sha256(self.files[name]).hexdigest()
                found.setdefault(role, Companion(role=role, archive_id=name, digest=digest))
        return tuple(sorted(found.values(), key=lambda one: one.role.value))

    def _described(self, archive_id: str, facts: FrameFacts, digest: str) -> Observation | Rejection:
        try:
            return describe(
                facts,
                survey=self._survey.name,
                archive_id=archive_id,
                file_digest=digest,
                now_mjd=self._now_mjd,
                config=self._config,
                companions=self._beside(archive_id.removesuffix(f"[{facts.extension}]")),
            )
        except UnusableFile as problem:
            return self._rejection(archive_id, str(problem))

    def _rejection(self, archive_id: str, reason: str) -> Rejection:
        return Rejection(survey=self._survey.name, archive_id=archive_id, reason=reason)

    def _require_available(self) -> None:
        if not self.available:
            raise ArchiveUnavailable("survey cannot be read", survey=self._survey.name)
