"""Who may do what: roles, what each permits, and somebody whose identity has been established."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from astrid_core.shared.errors import NotAllowed
from astrid_core.shared.events import Actor


class Role(StrEnum):
    """What a person is to the project; one person may have several."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ARBITER = "arbiter"
    OPERATOR = "operator"
    DATA_RELEASE = "data-release"
    ADMIN = "admin"


class Permission(StrEnum):
    """Something that not everybody may do."""

    READ = "read"
    """See frames, detections, verdicts, the catalog."""
    JUDGE = "judge"
    """Give a verdict on a detection, and take one's own back."""
    ARBITRATE = "arbitrate"
    """Settle what others disagree about."""
    OPERATE = "operate"
    """Quarantine exposures and versions of the network, start runs, promote."""
    RELEASE = "release"
    """Let exports and alerts go out."""
    ADMINISTER = "administer"
    """Grant roles and revoke keys of others."""
    AUDIT = "audit"
    """Read the log of who did what."""


PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Permission.READ}),
        Role.REVIEWER: frozenset({Permission.READ, Permission.JUDGE}),
        Role.ARBITER: frozenset({Permission.READ, Permission.JUDGE, Permission.ARBITRATE}),
        Role.OPERATOR: frozenset({Permission.READ, Permission.OPERATE}),
        Role.DATA_RELEASE: frozenset({Permission.READ, Permission.RELEASE}),
        # Whoever hands out roles needs one of the others to judge or release: duties stay apart, and on record.
        Role.ADMIN: frozenset({Permission.READ, Permission.ADMINISTER, Permission.AUDIT, Permission.OPERATE}),
    }
)
"""What each role permits; whatever is not named here is forbidden."""

Via = Literal["airflow", "token", "key"]
"""How an identity was established: Airflow's session, a token of an external issuer, an API key."""


OURS = "astrid"
"""Source of the roles that people grant here; other sources are named as in ``Via``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody, or a program of theirs, whose identity has been established."""

    login: str
    roles: frozenset[Role]
    scopes: frozenset[Permission] | None = None
    """What a key was limited to; None: everything that the roles permit. Scopes never add a permission."""
    via: Via

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do here and now."""
        permitted = permissions_of(self.roles)
        return permitted if self.scopes is None else permitted & self.scopes

    def actor(self, *, request: str = "") -> Actor:
        """Return who the event log names for what they do in one request."""
        return Actor(name=self.login, roles=tuple(sorted(self.roles)), via=self.via, request=request)


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return what somebody with these roles may do; nothing without a role."""
    return frozenset(permission for role in roles for permission in PERMISSIONS[role])


def require(principal: Principal, permission: Permission) -> None:
    """Raise NotAllowed, naming both, unless the principal has this permission."""
    if permission not in principal.permissions:
        raise NotAllowed("this is not permitted", login=principal.login, permission=permission.value)


def require_another(principal: Principal, login: str, duty: str) -> None:
    """Raise NotAllowed where ``login``, whose work is to be checked or let go out, is the principal."""
    if principal.login == login:
        raise NotAllowed("this needs a second person", login=login, duty=duty)


def role_named(name: str) -> Role | None:
    """Return the role that a claim of an issuer means, ``data-release`` or ``data_release``; None for any other."""
    slug = "-".join(name.strip().lower().replace("_", "-").split())
    return Role(slug) if slug in set(Role) else None


def airflow_role_named(name: str) -> Role | None:
    """Return the role that Airflow's role ``AstrID Data release`` means; None for others: its Admin is not ours."""
    first, _, rest = name.strip().partition(" ")
    return role_named(rest) if first == "AstrID" else None
