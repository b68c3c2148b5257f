"""An extract of the catalog goes out: one person asks for it, another one releases it."""

import structlog

from astrid_core.catalog.entities import RELEASED, ExportJob
from astrid_core.curation.access import Permission
from astrid_core.shared.errors import NotAllowed, UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import require_permission
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


def require_requester(services: Services, login: str) -> None:
    """Raise NotAllowed unless it is known who asks for a release, and they may operate."""
    with services.transaction() as records:
        require_permission(records, login, Permission.OPERATE)


def is_released(services: Services, key: RunKey) -> bool:
    """Return whether an extract is public."""
    with services.transaction() as records:
        return _is_released(records, key)


def run_release(services: Services, key: RunKey, *, login: str, requested_by: str, reason: str) -> bool:
    """Make an extract public, and tell whether it was not yet; releases are numbered from 1.

    Its files stay as they were frozen: they are stored under their digests, and the log that names them only grows.

    Raises NotAllowed for somebody who may not release, and for whoever asked for it; UnknownRecord without the extract.
    """
    with services.transaction() as records:
        # Somebody else's answer at the same moment waits here, and then finds it released.
        records.catalog.lock()
        job = extract(records, key)
        require_permission(records, login, Permission.RELEASE)
        if login == requested_by:
            raise NotAllowed("this needs a second person", login=login, duty=RELEASED)
        if _is_released(records, key):
            return False
        facts = {
            "release": len(records.events.named(RELEASED)) + 1,
            "curator": login,
            "requested_by": requested_by,
            "reason": reason,
            "n_entries": job.n_entries,
            "n_points": job.n_points,
            "files": {name: ref.digest for name, ref in sorted(job.files.items())},
        }
        records.events.append(RELEASED, subject=key, facts=facts)
    log.info(RELEASED, run=key, login=login, requested_by=requested_by)
    return True


def last_release(services: Services) -> tuple[int, RunKey] | None:
    """Return number and extract of the newest release; None before the first."""
    with services.transaction() as records:
        said = records.events.named(RELEASED)
    return (len(said), RunKey(said[-1].subject)) if said else None


def extract(records: Records, key: RunKey) -> ExportJob:
    """Return an extract; UnknownRecord if there is none of this key."""
    job = records.exports.find(key)
    if job is None:
        raise UnknownRecord("no such export", run=key)
    return job


def _is_released(records: Records, key: RunKey) -> bool:
    return any(event.name == RELEASED for event in records.events.of(key))
