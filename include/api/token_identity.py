"""Whoever shows a token of the configured issuer."""

from functools import partial

import jwt
from anyio import to_thread
from fastapi import Request

from astrid_core.curation.access import Principal
from astrid_core.shared.errors import NotIdentified
from astrid_core.stages.access import admit
from include.api.context import Context
from include.api.identity import NotAuthenticated, bearer_of


class TokenIdentity:
    """``Authorization: Bearer <JWT>`` of the issuer that the settings name; other tokens are not its business."""

    async def principal(self, request: Request, context: Context, /) -> Principal | None:
        """Return whom the token names, with the roles that the issuer gives and those that were granted here."""
        text = bearer_of(request)
        verifier = context.tokens
        if text is None or verifier is None or _issuer(text) != context.settings.token_issuer:
            return None
        try:
            claims = await to_thread.run_sync(verifier.verify, text)
        except NotIdentified as error:
            raise NotAuthenticated("the token does not hold") from error
        enter = partial(admit, context.services, login=claims.login, via="token", roles=claims.roles)
        return await to_thread.run_sync(enter)


def _issuer(text: str) -> str | None:
    """Return which issuer a token claims to be from, unverified: it only tells who verifies it."""
    try:
        found = jwt.decode(text, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return found if isinstance(found, str) else None
