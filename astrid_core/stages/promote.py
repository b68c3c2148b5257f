"""Which version of the network production uses: offered, promoted, rolled back, set aside.

Aliases move in an order that leaves a champion at every moment, so that an act which was killed is finished by
repeating it. A run that pinned its version when it started never asks again.
"""

from collections.abc import Mapping

import structlog

from astrid_core.curation.access import Permission
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.shared.errors import NotAllowed, RejectedModel
from astrid_core.stages.access import require_permission
from astrid_core.stages.gate import require_gate
from astrid_core.stages.services import Records, Services

QUARANTINED = "quarantined"
"""Note on a version that must not be used; its text says why. No alias: several versions may be set aside."""
_ACTS = {"model.challenged", "model.promoted", "model.rolled_back", "model.quarantined"}

log = structlog.get_logger(__name__)


def offer_model(services: Services, model: Model) -> ModelAlias | None:
    """Make a version that reached its floors the challenger, or the champion where there is none; tell which.

    None where it was offered before: what became of it since stays. RejectedModel for a version in quarantine.
    """
    _require_free(services, model)
    held = services.models.aliases(model.name)
    with services.transaction() as records:
        if ModelAlias.CHAMPION not in held:
            _record(records, "model.promoted", model, digest=model.digest)
            services.models.assign(ModelAlias.CHAMPION, model)
            alias = ModelAlias.CHAMPION
        elif _last_act(records, model) or model in held.values():
            return None
        else:
            _record(records, "model.challenged", model, digest=model.digest, champion=held[ModelAlias.CHAMPION].id)
            services.models.assign(ModelAlias.CHALLENGER, model)
            alias = ModelAlias.CHALLENGER
    log.info("model.offered", model=model.id, alias=alias.value)
    return alias


def run_promote(services: Services, model_id: str, *, login: str, reason: str) -> Model:
    """Make a version the champion and the champion before it the one to go back to. Safe to repeat.

    Raise NotAllowed for somebody who may not operate, and RejectedModel for a version that is in quarantine or did not
    pass the gate against the champion of today.
    """
    model = services.models.get(model_id)
    with services.transaction() as records:
        require_permission(records, login, Permission.OPERATE)
        _require_free(services, model)
        former = services.models.aliases(model.name).get(ModelAlias.CHAMPION)
        if former != model:
            require_gate(services, records, model)
        if former != model or _last_act(records, model) != "model.promoted":
            facts = {"former": former.id if former and former != model else "", "digest": model.digest}
            _record(records, "model.promoted", model, curator=login, reason=reason, **facts)
        if former is not None and former != model:
            services.models.assign(ModelAlias.ROLLBACK, former)
        services.models.assign(ModelAlias.CHAMPION, model)
    _withdraw(services, model, ModelAlias.CHALLENGER)
    log.info("model.promoted", model=model.id, curator=login)
    return model


def run_rollback(services: Services, model_id: str, *, login: str, reason: str) -> Model:
    """Take a champion out of use; return the version before it, which is the champion again. Safe to repeat.

    Raise NotAllowed for somebody who may not operate, for a version that is not the champion, and where there is none
    to go back to.
    """
    bad = services.models.get(model_id)
    with services.transaction() as records:
        require_permission(records, login, Permission.OPERATE)
        champion = _roll_back(services, records, bad, login=login, reason=reason)
    _tidy(services, bad.name)
    return champion


def run_quarantine(services: Services, model_id: str, *, login: str | None, reason: str) -> bool:
    """Set a version aside for good and tell whether it was not yet; a champion is rolled back in the same act.

    ``login`` None stands for the pipeline itself, an alarm. Raise NotAllowed for somebody who may not operate, and for
    a champion without a version to go back to.
    """
    bad = services.models.get(model_id)
    with services.transaction() as records:
        if login is not None:
            require_permission(records, login, Permission.OPERATE)
        is_new = QUARANTINED not in services.models.notes(bad)
        held = services.models.aliases(bad.name)
        if held.get(ModelAlias.CHAMPION) == bad or _was_cut_off(records, held, bad):
            _roll_back(services, records, bad, login=login or "", reason=reason)
        if is_new or _last_act(records, bad) != "model.quarantined":
            _record(records, "model.quarantined", bad, curator=login or "", reason=reason)
        for alias in (ModelAlias.CHALLENGER, ModelAlias.ROLLBACK):
            _withdraw(services, bad, alias)
        services.models.note(bad, {QUARANTINED: reason})
    _tidy(services, bad.name)
    return is_new


def _roll_back(services: Services, records: Records, bad: Model, *, login: str, reason: str) -> Model:
    """Make the version before ``bad`` the champion; its old alias goes once this is on record."""
    held = services.models.aliases(bad.name)
    champion, before = held.get(ModelAlias.CHAMPION), held.get(ModelAlias.ROLLBACK)
    if champion != bad and not _was_cut_off(records, held, bad):
        if champion is not None and _last_act(records, bad) in {"model.rolled_back", "model.quarantined"}:
            return champion
        facts = {"model": bad.id, "champion": champion.id if champion else "none"}
        raise NotAllowed("only the champion can be rolled back", **facts)
    if before is None or before == bad:
        raise NotAllowed("champion has no version before it; promote another one first", model=bad.id)
    _record(records, "model.rolled_back", bad, curator=login, reason=reason, champion=before.id)
    services.models.assign(ModelAlias.CHAMPION, before)
    log.warning("model.rolled_back", model=bad.id, champion=before.id, curator=login, reason=reason)
    return before


def _was_cut_off(records: Records, held: Mapping[ModelAlias, Model], bad: Model) -> bool:
    """Tell whether a roll-back of ``bad`` moved the champion and was killed before that was on record."""
    before = held.get(ModelAlias.ROLLBACK)
    if before is None or before != held.get(ModelAlias.CHAMPION):
        return False
    acts = [event for event in records.events.of(bad.id) if event.name in _ACTS]
    return bool(acts) and acts[-1].name == "model.promoted" and acts[-1].facts.get("former") == before.id


def _tidy(services: Services, name: str) -> None:
    """Take the alias to go back to from a version that is the champion again."""
    held = services.models.aliases(name)
    if ModelAlias.ROLLBACK in held and held[ModelAlias.ROLLBACK] == held.get(ModelAlias.CHAMPION):
        services.models.withdraw(ModelAlias.ROLLBACK, name)


def _require_free(services: Services, model: Model) -> None:
    reason = services.models.notes(model).get(QUARANTINED)
    if reason is not None:
        raise RejectedModel("version is in quarantine", model=model.id, reason=reason)


def _withdraw(services: Services, model: Model, alias: ModelAlias) -> None:
    if services.models.aliases(model.name).get(alias) == model:
        services.models.withdraw(alias, model.name)


def _last_act(records: Records, model: Model) -> str:
    """Return the last thing that was done with a version since it was registered; empty if nothing was."""
    acts = [event.name for event in records.events.of(model.id) if event.name in _ACTS]
    return acts[-1] if acts else ""


def _record(records: Records, name: str, model: Model, **facts: str) -> None:
    records.events.append(name, subject=model.id, facts=facts)
