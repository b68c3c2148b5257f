"""Who may do what: roles are granted and taken back here, and everybody else's acts are checked against them."""

from collections.abc import Iterable

import structlog

from astrid_core.curation.access import OURS, Permission, Principal, Role, Via, permissions_of
from astrid_core.curation.entities import Curator
from astrid_core.shared.errors import NotAllowed
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


def grant_role(services: Services, *, login: str, role: Role, by: str | None = None) -> bool:
    """Give somebody a role more, and tell whether that changed anything.

    ``by`` is who grants it where a person asks over the network, and then NotAllowed for oneself: more power takes a
    second person. Whoever has a shell on the database needs no such rule.
    """
    return _change(services, login, add=frozenset({role}), by=by)


def revoke_role(services: Services, *, login: str, role: Role, by: str | None = None) -> bool:
    """Take one of the roles that were granted here from somebody, and tell whether that changed anything."""
    return _change(services, login, remove=frozenset({role}), by=by)


def set_roles(services: Services, *, login: str, roles: Iterable[Role], by: str | None = None) -> bool:
    """Make these the roles that were granted here to somebody, and tell whether that changed anything."""
    return _change(services, login, add=frozenset(roles), remove=frozenset(Role), by=by)


def people(services: Services) -> tuple[Curator, ...]:
    """Return everybody who is known, by login."""
    with services.transaction() as records:
        return tuple(records.curators.all())


def admit(services: Services, *, login: str, via: Via, roles: Iterable[Role] = ()) -> Principal:
    """Return what somebody whose identity was established may do: roles granted here, and those that ``via`` gives.

    What ``via`` gives is kept beside the others, for the checks of every stage, until it says something else.
    """
    given = frozenset(roles)
    with services.transaction() as records:
        known = records.curators.find(login, source=via)
        if given != (known.roles if known else frozenset()):
            _replace(records, login, given, source=via)
        own = records.curators.find(login, source=OURS)
    return Principal(login=login, roles=given | (own.roles if own else frozenset()), via=via)


def require_permission(records: Records, login: str, permission: Permission) -> None:
    """Raise NotAllowed unless somebody of this name has this permission."""
    curator = records.curators.find(login)
    if curator is None:
        raise NotAllowed("nobody of this name is known", login=login, permission=permission.value)
    if permission not in permissions_of(curator.roles):
        roles = ", ".join(sorted(curator.roles)) or "none"
        raise NotAllowed("no role of theirs permits this", login=login, permission=permission.value, roles=roles)


def _change(
    services: Services,
    login: str,
    *,
    add: frozenset[Role] = frozenset(),
    remove: frozenset[Role] = frozenset(),
    by: str | None,
) -> bool:
    if not login.strip() or login != login.strip():
        message = f"a person needs a login without spaces around it, not {login!r}"
        raise ValueError(message)
    with services.transaction() as records:
        records.curators.lock()
        known = records.curators.find(login, source=OURS)
        before = known.roles if known else frozenset()
        after = (before - remove) | add
        if by == login and after - before:
            raise NotAllowed("nobody grants roles to themselves", login=login)
        return _replace(records, login, after, source=OURS)


def _replace(records: Records, login: str, roles: frozenset[Role], *, source: str) -> bool:
    """Make ``roles`` those that ``source`` gives, with an event for what changed."""
    records.curators.lock()
    known = records.curators.find(login, source=source)
    before = known.roles if known else frozenset()
    is_new = records.curators.add(Curator(login=login, roles=roles), source=source)
    if roles != before:
        facts = {"source": source, "before": _names(before), "after": _names(roles)}
        records.events.append("roles.changed", subject=login, facts=facts)
        log.info("roles.changed", login=login, **facts)
    return is_new


def _names(roles: Iterable[Role]) -> list[str]:
    return sorted(role.value for role in roles)
