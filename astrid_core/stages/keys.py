"""Keys for programs: made, shown once, used, revoked."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from astrid_core.curation.access import OURS, Permission, Principal, permissions_of, require
from astrid_core.curation.api_keys import LONGEST_LIFE, SECRET_BYTES, ApiKey, ShownKey, read_key
from astrid_core.shared.errors import NotAllowed, NotIdentified, UnknownRecord
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)

_ID_BYTES = 8
_TOUCH_AFTER = timedelta(minutes=1)
"""A key that is used all the time is not written down at every request."""
_PERSONAL = frozenset({Permission.JUDGE, Permission.ARBITRATE, Permission.RELEASE})
"""What nobody else may make a key for: it would let them judge in another's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made, and the only sight of its secret."""

    key: ApiKey
    shown: ShownKey


def create_key(
    services: Services,
    *,
    owner: str,
    name: str,
    scopes: Iterable[Permission],
    expires: datetime,
    at: datetime,
    by: Principal | None = None,
) -> NewKey:
    """Make a key that acts for ``owner``; times are aware UTC.

    ``by`` is who asks over the network. Raise NotAllowed where that is another key, or somebody else who may not
    administer or wants to judge or release in the owner's name; also for scopes beyond the roles that were granted here
    to the owner. UnknownRecord for an owner whom nobody knows.
    """
    wanted = frozenset(scopes)
    _check(name, wanted, at=at, expires=expires)
    if by is not None:
        _require_maker(by, owner, wanted)
    shown = ShownKey(id=secrets.token_hex(_ID_BYTES), secret=secrets.token_urlsafe(SECRET_BYTES))
    key = ApiKey(
        id=shown.id, owner=owner, name=name.strip(), digest=shown.digest, scopes=wanted, created=at, expires=expires
    )
    with services.transaction() as records:
        curator = records.curators.find(owner, source=OURS)
        if curator is None:
            raise UnknownRecord("nobody of this name is known", login=owner)
        if beyond := wanted - permissions_of(curator.roles):
            raise NotAllowed("owner may not do this", login=owner, permission=_names(beyond))
        records.api_keys.add(key)
        facts = {
            "owner": owner,
            "name": key.name,
            "scopes": sorted(one.value for one in wanted),
            "expires": expires.isoformat(),
        }
        records.events.append("key.created", subject=key.id, facts=facts)
    log.info("key.created", key=key.id, owner=owner)
    return NewKey(key=key, shown=shown)


def authenticate_key(services: Services, *, text: str, at: datetime) -> Principal:
    """Return whom a key acts for, with the roles that were granted to them here; NotIdentified if it opens nothing."""
    shown = read_key(text)
    if shown is None:
        raise NotIdentified("this is no key")
    with services.transaction() as records:
        key = records.api_keys.find(shown.id)
        if key is None or not shown.opens(key):
            raise NotIdentified("nobody has this key", key=shown.id)
        if why := key.refusal(at):
            raise NotIdentified(f"key is {why}", key=shown.id)
        if key.last_used is None or at - key.last_used >= _TOUCH_AFTER:
            records.api_keys.touch(key.id, at=at)
        owner = records.curators.find(key.owner, source=OURS)
    return Principal(login=key.owner, roles=owner.roles if owner else frozenset(), scopes=key.scopes, via="key")


def list_keys(services: Services, *, owner: str | None = None) -> tuple[ApiKey, ...]:
    """Return the keys of everybody, or of one person, oldest first; revoked and expired ones included."""
    with services.transaction() as records:
        return tuple(records.api_keys.all(owner=owner))


def revoke_key(services: Services, *, key_id: str, at: datetime, by: Principal | None = None) -> bool:
    """End a key at once and tell whether it was not ended yet; NotAllowed for keys of others without administering."""
    with services.transaction() as records:
        key = records.api_keys.find(key_id)
        if key is None:
            raise UnknownRecord("there is no such key", key=key_id)
        if by is not None and by.login != key.owner:
            require(by, Permission.ADMINISTER)
        if not records.api_keys.revoke(key_id, at=at):
            return False
        records.events.append("key.revoked", subject=key_id, facts={"owner": key.owner, "name": key.name})
    log.info("key.revoked", key=key_id, owner=key.owner)
    return True


def _check(name: str, scopes: frozenset[Permission], *, at: datetime, expires: datetime) -> None:
    if not name.strip():
        raise ValueError("a key needs a name that says what it is for")
    if not scopes:
        raise ValueError("a key without a scope opens nothing")
    if not at < expires <= at + LONGEST_LIFE:
        raise ValueError(f"a key expires within {LONGEST_LIFE.days} days, not at {expires.isoformat()}")


def _require_maker(by: Principal, owner: str, scopes: frozenset[Permission]) -> None:
    if by.via == "key":
        raise NotAllowed("a key makes no keys", login=by.login)
    if by.login == owner:
        return
    require(by, Permission.ADMINISTER)
    if personal := scopes & _PERSONAL:
        raise NotAllowed("only its owner makes such a key", login=by.login, owner=owner, permission=_names(personal))


def _names(permissions: frozenset[Permission]) -> str:
    return ", ".join(sorted(one.value for one in permissions))
