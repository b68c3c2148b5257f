"""Who may read what is released: anybody, where the settings say so."""

from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request

from astrid_core.curation.access import Permission, Principal, require
from astrid_core.shared.runs import RunKey
from astrid_core.stages.release import is_released
from include.api.context import Context, context_of
from include.api.identity import Needs, NotAuthenticated, who


class NeedsUnlessReleased(Needs):
    """Lets through who has a permission, and for an extract that is released whoever comes, if the settings say so."""

    async def __call__(  # type: ignore[override]  # who asks is not required to be known
        self, request: Request, context: Annotated[Context, Depends(context_of)]
    ) -> Principal | None:
        """Return who asks; None for somebody unknown."""
        try:
            principal = await who(request, context)
        except NotAuthenticated:
            key = RunKey(request.path_params.get("key", ""))
            if context.settings.public_releases and await to_thread.run_sync(is_released, context.services, key):
                return None
            raise
        require(principal, self.permission)
        return principal


ReleaseReader = Annotated[Principal | None, Depends(NeedsUnlessReleased(Permission.READ))]
