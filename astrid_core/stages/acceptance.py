"""References that no rule took: a person accepts or retires all those of one build at once."""

from collections.abc import Sequence

import structlog

from astrid_core.curation.access import Permission
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.stages.access import require_permission
from astrid_core.stages.reference_status import activate
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


def awaiting_acceptance(services: Services, digests: Sequence[str]) -> tuple[ReferenceImage, ...]:
    """Return those of these references that are drafts, by cell, band and version."""
    with services.transaction() as records:
        return _drafts(records, digests)


def run_acceptance(
    services: Services, digests: Sequence[str], *, is_accepted: bool, login: str, reason: str
) -> tuple[str, ...]:
    """Use all of these references that are drafts still, or retire them; return their digests. Safe to repeat.

    All of them or none. What was decided otherwise since the question stays as it is. Raises NotAllowed for somebody
    who may not operate.
    """
    with services.transaction() as records:
        require_permission(records, login, Permission.OPERATE)
        records.references.lock()
        drafts = _drafts(records, digests)
        for one in drafts:
            if is_accepted:
                activate(records, one, reason=reason)
            else:
                records.references.set_status(one.digest, ReferenceStatus.RETIRED)
                facts = {"reason": reason, "from": one.status.value, "n_stale": 0}
                records.events.append("reference.retired", subject=one.digest, facts=facts)
    log.info("references.decided", n_references=len(drafts), is_accepted=is_accepted, login=login)
    return tuple(one.digest for one in drafts)


def _drafts(records: Records, digests: Sequence[str]) -> tuple[ReferenceImage, ...]:
    found = (records.references.get(digest) for digest in sorted(set(digests)))
    drafts = (one for one in found if one.status is ReferenceStatus.DRAFT)
    return tuple(sorted(drafts, key=lambda one: (str(one.cell), one.band, one.version)))
