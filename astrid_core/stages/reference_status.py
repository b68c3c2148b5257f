"""Which references are used, by whose decision, and what was compared with others."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from astrid_core.differencing.entities import Comparison, ReferenceImage, ReferenceStatus
from astrid_core.shared.errors import NotAllowed
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """An exposure whose only differences were made with a reference that is no longer used."""

    observation_id: str
    run: RunKey
    reference_digest: str
    status: ReferenceStatus


def activate_reference(services: Services, digest: str, *, reason: str) -> bool:
    """Use a reference from now on and retire the one of its key; tell whether that changed anything.

    Raises NotAllowed for a quarantined one: whoever trusts it again retires it first.
    """
    with services.transaction() as records:
        records.references.lock()
        reference = records.references.get(digest)
        if reference.status is ReferenceStatus.QUARANTINED:
            raise NotAllowed("a quarantined reference must be retired before it is activated", digest=digest)
        if reference.status is ReferenceStatus.ACTIVE:
            return False
        activate(records, reference, reason=reason)
    log.info("reference.activated", digest=digest, reason=reason)
    return True


def retire_reference(services: Services, digest: str, *, reason: str) -> bool:
    """Use a reference no longer, or take it out of quarantine; tell whether that changed anything."""
    return _set_aside(services, digest, ReferenceStatus.RETIRED, "reference.retired", reason)


def quarantine_reference(services: Services, digest: str, *, reason: str) -> bool:
    """Mark a reference as wrong: nothing is compared with it from now on. Tell whether that changed anything."""
    return _set_aside(services, digest, ReferenceStatus.QUARANTINED, "reference.quarantined", reason)


def list_references(services: Services, *, status: ReferenceStatus | None = None) -> Sequence[ReferenceImage]:
    """Return references, ordered by cell, band, version."""
    with services.transaction() as records:
        return records.references.search(status=status)


def list_stale(services: Services) -> tuple[Stale, ...]:
    """Return, by observation, what exposures were compared with that is no longer used.

    Exposures that have a difference with nothing but references in use are left out.
    """
    with services.transaction() as records:
        status = {one.digest: one.status for one in records.references.search()}
        compared = records.difference_runs.comparisons(sorted(status))
    is_active = {digest: found is ReferenceStatus.ACTIVE for digest, found in status.items()}
    outdated = {one.run for one in compared if not is_active[one.reference_digest]}
    settled = {one.observation_id for one in compared if one.run not in outdated}
    return tuple(
        Stale(
            observation_id=one.observation_id,
            run=one.run,
            reference_digest=one.reference_digest,
            status=status[one.reference_digest],
        )
        for one in compared
        if one.observation_id not in settled and not is_active[one.reference_digest]
    )


def activate(records: Records, reference: ReferenceImage, *, reason: str) -> None:
    """Activate inside a transaction that holds the lock of references."""
    replaced = active_of(records, reference)
    if replaced is not None:
        records.references.set_status(replaced.digest, ReferenceStatus.RETIRED)
        facts = {
            "reason": "another was activated",
            "replaced_by": reference.digest,
            "n_stale": len(_compared(records, replaced)),
        }
        records.events.append("reference.retired", subject=replaced.digest, facts=facts)
    records.references.set_status(reference.digest, ReferenceStatus.ACTIVE)
    facts = {"reason": reason, "replaces": replaced.digest if replaced else "", "from": reference.status.value}
    records.events.append("reference.activated", subject=reference.digest, facts=facts)


def active_of(records: Records, reference: ReferenceImage) -> ReferenceImage | None:
    """Return the reference in use that has the key of ``reference``."""
    active = records.references.search(cell=reference.cell, band=reference.band, status=ReferenceStatus.ACTIVE)
    return next((one for one in active if one.key == reference.key), None)


def _set_aside(services: Services, digest: str, status: ReferenceStatus, event: str, reason: str) -> bool:
    with services.transaction() as records:
        records.references.lock()
        reference = records.references.get(digest)
        if reference.status is status:
            return False
        records.references.set_status(digest, status)
        facts = {"reason": reason, "from": reference.status.value, "n_stale": len(_compared(records, reference))}
        records.events.append(event, subject=digest, facts=facts)
    log.info(event, digest=digest, reason=reason)
    return True


def _compared(records: Records, reference: ReferenceImage) -> Sequence[Comparison]:
    return records.difference_runs.comparisons([reference.digest])
