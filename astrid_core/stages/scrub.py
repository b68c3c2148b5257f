"""Read every stored artifact, or a part of them every day, and say what is corrupt, missing, or named by no record."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import structlog

from astrid_core.shared.artifacts import DATA_CARE, chunks
from astrid_core.shared.errors import CorruptArtifact, MissingArtifact
from astrid_core.stages.services import Services

log = structlog.get_logger()

_SAVED_EVERY = 200
_TOLD = 100
"""Digests that an event names at most."""


@dataclass(slots=True, kw_only=True)
class Scrub:
    """What a look at the store has found so far."""

    n_there: int = 0
    n_read: int = 0
    n_bytes: int = 0
    """Of those that were read."""
    corrupt: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    n_unreferenced: int = 0
    unreferenced_bytes: int = 0
    behind: str = ""
    """Everything up to this digest was looked at."""
    part: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether every record has its bytes."""
        return not self.corrupt and not self.missing


def scrub(
    services: Services,
    *,
    every_days: int = 1,
    today: date | None = None,
    state: Path | None = None,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Scrub:
    """Look at what the store holds, and read that part of it whose turn it is ``today``: all of it in ``every_days``.

    What was found is kept in the file ``state`` meanwhile: a look that was broken off goes on where it ended.
    """
    turn = (today or datetime.now(tz=UTC).date()).toordinal() % every_days
    found = _resumed(state, part=f"{turn} of {every_days}")
    with services.transaction() as records:
        named, unseen = set(records.mentions.all()), set(records.mentions.stored())
        dropped = {one.digest for one in records.dropped_images.all()}
    for one in services.artifacts.entries(behind=found.behind):
        unseen.discard(one.digest)
        found.n_there += 1
        if one.digest not in named:
            found.n_unreferenced += 1
            found.unreferenced_bytes += one.n_bytes
        if int(one.digest[:12], 16) % every_days == turn:
            _read(services, one.digest, found)
        found.behind = one.digest
        if found.n_there % _SAVED_EVERY == 0:
            _save(state, found)
        progress(found.n_there, 0)
    # Nearly all were seen above; what is left was seen before a break, or is not there.
    found.missing = sorted(one for one in unseen - dropped if not services.artifacts.contains(one))
    _record(services, found)
    if state is not None:
        state.unlink(missing_ok=True)
    return found


def _read(services: Services, digest: str, found: Scrub) -> None:
    try:
        found.n_bytes += sum(len(chunk) for chunk in chunks(services.artifacts, digest))
        found.n_read += 1
    except CorruptArtifact:
        found.corrupt.append(digest)
        log.error("artifact.corrupt", digest=digest)  # noqa: TRY400 - where it was read says nothing; the digest does
    except MissingArtifact:
        log.info("artifact.gone", digest=digest)  # deleted since it was listed


def _record(services: Services, found: Scrub) -> None:
    facts = asdict(found) | {
        "corrupt": found.corrupt[:_TOLD], "n_corrupt": len(found.corrupt),
        "missing": found.missing[:_TOLD], "n_missing": len(found.missing),
    }  # fmt: skip
    with services.transaction() as records:
        records.events.append(f"{DATA_CARE}scrubbed", subject="store", facts=facts)
    log.info("artifacts.scrubbed", n_there=found.n_there, n_read=found.n_read, is_sound=found.is_sound)


def _resumed(state: Path | None, *, part: str) -> Scrub:
    if state is None or not state.exists():
        return Scrub(part=part)
    before = Scrub(**json.loads(state.read_text()))
    return before if before.part == part else Scrub(part=part)


def _save(state: Path | None, found: Scrub) -> None:
    if state is not None:
        aside = state.with_name(f"{state.name}.{os.getpid()}")
        aside.write_text(json.dumps(asdict(found)))
        aside.replace(state)
