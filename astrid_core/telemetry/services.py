"""The services of a process with somebody who watches: items, the artifact store and transactions."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from astrid_core.settings import Settings
from astrid_core.shared.artifacts import ArtifactRef, ArtifactStore, StoredArtifact
from astrid_core.shared.watching import Watch
from astrid_core.stages.services import Records, Services
from astrid_core.telemetry.failures import Tell, flush_failures, tell_failures
from astrid_core.telemetry.figures import ARTIFACT_BYTES, ARTIFACT_SECONDS, TRANSACTION_SECONDS
from astrid_core.telemetry.items import ItemWatch
from astrid_core.telemetry.open import Telemetry, flush_telemetry, open_telemetry

T = TypeVar("T")


@contextmanager
def watched(services: Services, settings: Settings) -> Iterator[Services]:
    """Yield the services, watched where somebody looks; send what was seen at the end."""
    telemetry, tell = open_telemetry(), tell_failures(settings.sentry_dsn)
    if telemetry is None and tell is None and settings.log_format != "json":
        yield services
        return
    services = replace(services, watch=_watches(services, telemetry, tell))
    if telemetry is not None:
        services = replace(
            services,
            artifacts=WatchedArtifacts(services.artifacts, telemetry),
            transaction=_timed(services.transaction, telemetry),
        )
    try:
        yield services
    finally:
        flush_telemetry()
        flush_failures()


def _watches(services: Services, telemetry: Telemetry | None, tell: Tell | None) -> Callable[[str], Watch]:
    def watch(stage: str) -> Watch:
        return ItemWatch(stage=stage, transaction=services.transaction, telemetry=telemetry, tell=tell)

    return watch


def _timed(
    transaction: Callable[..., AbstractContextManager[Records]], telemetry: Telemetry
) -> Callable[..., AbstractContextManager[Records]]:
    @contextmanager
    def timed(**told: Any) -> Iterator[Records]:
        started, outcome = time.monotonic(), "rolled back"
        try:
            with telemetry.tracer.start_as_current_span("database.transaction"), transaction(**told) as records:
                yield records
            outcome = "committed"
        finally:
            telemetry.record(TRANSACTION_SECONDS, time.monotonic() - started, outcome=outcome)

    return timed


@dataclass(frozen=True, slots=True)
class WatchedArtifacts:
    """The artifact store with a span, the bytes and the seconds of every call that moves bytes."""

    store: ArtifactStore
    telemetry: Telemetry

    def put(self, content: bytes, *, media_type: str) -> ArtifactRef:
        """Store ``content`` under its digest; storing the same bytes twice changes nothing."""
        return self._moved("write", lambda: self.store.put(content, media_type=media_type), lambda ref: ref.n_bytes)

    def put_file(self, path: Path, *, media_type: str) -> ArtifactRef:
        """Store what is in a file, never all of it in memory; otherwise like ``put``."""
        return self._moved("write", lambda: self.store.put_file(path, media_type=media_type), lambda ref: ref.n_bytes)

    def get(self, digest: str) -> bytes:
        """Return the bytes, or raise MissingArtifact / CorruptArtifact naming the digest."""
        return self._moved("read", lambda: self.store.get(digest), len)

    def contains(self, digest: str) -> bool:
        """Tell whether the bytes are there (without verifying them)."""
        return self.store.contains(digest)

    def size(self, digest: str) -> int:
        """Return how many bytes there are, or raise MissingArtifact."""
        return self.store.size(digest)

    def part(self, digest: str, *, start: int, n_bytes: int) -> bytes:
        """Return a part, shorter where the bytes end; raise MissingArtifact."""
        return self._moved("read", lambda: self.store.part(digest, start=start, n_bytes=n_bytes), len)

    def entries(self, *, behind: str = "") -> Iterator[StoredArtifact]:
        """Yield what is there in the order of digests, only those behind a given one; nothing is read or verified."""
        return self.store.entries(behind=behind)

    def remove(self, digest: str, *, before: datetime) -> bool:
        """Delete what was put last before a time, and tell whether it was deleted."""
        return self.store.remove(digest, before=before)

    def _moved(self, direction: str, move: Callable[[], T], size: Callable[[T], int]) -> T:
        started = time.monotonic()
        with self.telemetry.tracer.start_as_current_span(f"artifact.{direction}") as span:
            moved = move()
            span.set_attribute("astrid.bytes", size(moved))
        self.telemetry.add(ARTIFACT_BYTES, size(moved), direction=direction)
        self.telemetry.record(ARTIFACT_SECONDS, time.monotonic() - started, direction=direction)
        return moved
