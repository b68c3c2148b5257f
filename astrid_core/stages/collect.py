"""Delete stored bytes that no record names any more, or never did: what writers that died have left.

Bytes are put before the row that names them. So nothing is deleted that was put within the grace period, which is
longer than any task may take between the two; and a store renews the time of bytes that are put again, or takes them
anew.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from astrid_core.shared.artifacts import DATA_CARE, StoredArtifact
from astrid_core.stages.services import Services

log = structlog.get_logger()

_AT_ONCE = 1000
"""Deletions of one transaction, and of one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What no record names."""

    digests: tuple[str, ...]
    n_bytes: int
    n_spared: int = 0
    """Of those that were found: somebody named or put them meanwhile."""


def find_unreferenced(services: Services, *, grace: timedelta) -> tuple[StoredArtifact, ...]:
    """Return what no record names and nobody has put within the grace period."""
    before = datetime.now(tz=UTC) - grace
    with services.transaction() as records:
        named = set(records.mentions.all())
    return tuple(
        one for one in services.artifacts.entries() if one.digest not in named and one.modified < before
    )  # fmt: skip


def collect(
    services: Services, *, grace: timedelta, progress: Callable[[int, int], None] = lambda _, __: None
) -> Collected:
    """Delete what no record names. An event tells of it before, another one behind: none goes without."""
    found = find_unreferenced(services, grace=grace)
    before = datetime.now(tz=UTC) - grace
    gone: list[StoredArtifact] = []
    for batch in _batches(found):
        with services.transaction() as records:
            facts = {"digests": [one.digest for one in batch], "n_bytes": sum(one.n_bytes for one in batch)}
            records.events.append(f"{DATA_CARE}condemned", subject="store", facts=facts)
        deleted = _delete(services, batch, before)
        gone += deleted
        log.info("artifacts.deleted", n=len(deleted), n_bytes=sum(one.n_bytes for one in deleted))
        progress(len(gone), len(found))
    return Collected(
        digests=tuple(one.digest for one in gone),
        n_bytes=sum(one.n_bytes for one in gone),
        n_spared=len(found) - len(gone),
    )


def _delete(services: Services, batch: Sequence[StoredArtifact], before: datetime) -> list[StoredArtifact]:
    with services.transaction() as records:
        records.mentions.lock()
        wanted = {one.digest for one in batch}
        wanted -= wanted.intersection(records.mentions.all())
        deleted = [
            one for one in batch if one.digest in wanted and services.artifacts.remove(one.digest, before=before)
        ]
        facts = {
            "digests": [one.digest for one in deleted],
            "n_bytes": sum(one.n_bytes for one in deleted),
            "n_spared": len(batch) - len(deleted),
        }
        records.events.append(f"{DATA_CARE}deleted", subject="store", facts=facts)
    return deleted


def _batches(found: Sequence[StoredArtifact]) -> Iterator[Sequence[StoredArtifact]]:
    for start in range(0, len(found), _AT_ONCE):
        yield found[start : start + _AT_ONCE]
