"""Who asks, and whether they may: every route names a permission, and whoever is not known may do nothing."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from astrid_core.curation.access import Permission, Principal, require
from astrid_core.stages.services import Services
from include.api.context import Context, context_of
from include.api.problems import Refused

_LOGGED = (Permission.AUDIT, Permission.ADMINISTER)
_SAFE = ("GET", "HEAD", "OPTIONS")
_bearer = HTTPBearer(auto_error=False, description="A token of Airflow or of the configured issuer, or an API key.")


class NotAuthenticated(Refused):
    """Nobody is known by what the request carries."""

    def __init__(self, detail: str = "log in first") -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": "Bearer"})


class Identity(Protocol):
    """One way to tell who asks."""

    async def principal(self, request: Request, context: Context, /) -> Principal | None:
        """Return who asks; None where the request carries nothing of this kind; NotAuthenticated where it is wrong."""
        ...


async def who(
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> Principal:
    """Return who asks, within their rate; NotAuthenticated for anybody unknown."""
    identities: Sequence[Identity] = request.app.state.identities
    address = request.client.host if request.client else ""
    try:
        found = await _first(identities, request, context)
    except NotAuthenticated:
        _slow_down(context.limit.wait_s(f"nobody:{address}"))
        raise
    _slow_down(context.limit.wait_s(f"{found.via}:{found.login}"))
    # A browser may send other kinds of authorization by itself, and with them its cookie.
    if request.method not in _SAFE and bearer_of(request) is None:
        _require_own_page(request)
    request.state.principal = found
    return found


def bearer_of(request: Request) -> str | None:
    """Return what follows ``Bearer``; None without such a header."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" and text.strip() else None


class Needs:
    """A dependency that lets through who has a permission; the test that walks all routes looks for it."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(
        self,
        request: Request,
        principal: Annotated[Principal, Depends(who)],
        context: Annotated[Context, Depends(context_of)],
    ) -> Principal:
        """Return who asks; NotAllowed without the permission. Reading what not everybody may read is an event, too."""
        require(principal, self.permission)
        if self.permission in _LOGGED and request.method in _SAFE:
            actor = principal.actor(request=request.state.request_id)
            await to_thread.run_sync(_log_reading, context.services.acting_as(actor), request.url.path)
        return principal


Known = Annotated[Principal, Depends(who)]
"""Anybody who is known, for what concerns only themselves."""
Reader = Annotated[Principal, Depends(Needs(Permission.READ))]
Judge = Annotated[Principal, Depends(Needs(Permission.JUDGE))]
Arbiter = Annotated[Principal, Depends(Needs(Permission.ARBITRATE))]
Auditor = Annotated[Principal, Depends(Needs(Permission.AUDIT))]
Administrator = Annotated[Principal, Depends(Needs(Permission.ADMINISTER))]


def _log_reading(services: Services, path: str) -> None:
    with services.transaction() as records:
        records.events.append("restricted.read", subject=path.rpartition("/v1")[2])


async def _first(identities: Sequence[Identity], request: Request, context: Context) -> Principal:
    for identity in identities:
        found = await identity.principal(request, context)
        if found is not None:
            return found
    raise NotAuthenticated


def _slow_down(wait_s: int) -> None:
    if wait_s:
        raise Refused(429, "more requests than are answered; wait a little", headers={"Retry-After": str(wait_s)})


def _require_own_page(request: Request) -> None:
    """Refuse a change that a page of somebody else may have had the browser send with our cookie."""
    content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content != "application/json":
        raise Refused(415, "a change by a browser is sent as application/json")
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_ours = site == "same-origin"
    else:
        origin = urlsplit(request.headers.get("origin", ""))
        is_ours = bool(origin.netloc) and origin.netloc == request.headers.get("host", "")
    if not is_ours:
        raise Refused(403, "a change by a browser comes from our own page")
