"""Stages that change something, called for one person in one request."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

from anyio import to_thread
from fastapi import Depends, Request

from astrid_core.curation.access import Principal
from astrid_core.stages.services import Services
from include.api.context import Context, context_of
from include.api.identity import who

T = TypeVar("T")


class Act(Protocol):
    """Calls a stage outside of the event loop."""

    async def __call__(self, stage: Callable[..., T], /, **told: Any) -> T:
        """Return what ``stage`` returns, given the services under the name of the person who asks."""
        ...


async def acting(
    request: Request, person: Annotated[Principal, Depends(who)], context: Annotated[Context, Depends(context_of)]
) -> Act:
    """Return what calls stages in the name of whoever asks: the event log tells who, as what, and in which request."""

    async def act(stage: Callable[..., T], /, **told: Any) -> T:
        services: Services = context.services.acting_as(person.actor(request=request.state.request_id))
        return await to_thread.run_sync(partial(stage, services, **told))

    return act


Acting = Annotated[Act, Depends(acting)]
