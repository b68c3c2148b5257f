"""Programs that show a key."""

from datetime import UTC, datetime
from functools import partial

from anyio import to_thread
from fastapi import Request

from astrid_core.curation.access import Principal
from astrid_core.curation.api_keys import read_key
from astrid_core.shared.errors import NotIdentified
from astrid_core.stages.keys import authenticate_key
from include.api.context import Context
from include.api.identity import NotAuthenticated, bearer_of

_OURS = "astrid_"


class KeyIdentity:
    """``Authorization: Bearer astrid_<id>_<secret>``; never in an address, where logs would keep it."""

    async def principal(self, request: Request, context: Context, /) -> Principal | None:
        """Return whom the key acts for."""
        text = bearer_of(request)
        if text is None or not text.startswith(_OURS):
            return None
        if read_key(text) is None:
            raise NotAuthenticated("this is no key")
        use = partial(authenticate_key, context.services, text=text, at=datetime.now(UTC))
        try:
            return await to_thread.run_sync(use)
        except NotIdentified as error:
            # Why is for its owner to find out: whoever holds a key that opens nothing learns no more.
            raise NotAuthenticated("the key opens nothing") from error
