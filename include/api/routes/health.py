"""Whether the system answers, for probes, dashboards and people."""

from importlib.metadata import version
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from include.api.context import Context, context_of
from include.api.identity import NotAuthenticated, Reader, who
from include.api.parts import Answer

router = APIRouter(tags=["health"])
NEEDED = ("database", "storage")
"""Without these no page can be shown; without the registry of models it can."""
_DOWN = 503


class PartShape(BaseModel):
    """One part: whether it works, how long its answer took, and else the kind of error."""

    status: str
    seconds: float
    problem: str | None = None


class HealthShape(BaseModel):
    """Whether this answers; what is installed is told only to somebody who is known."""

    status: str
    database: str | None = None
    version: str | None = None


class PartsShape(BaseModel):
    """Whether the parts answer."""

    status: str
    parts: dict[str, PartShape]


@router.get("/health", response_model_exclude_none=True)
async def health(request: Request, context: Annotated[Context, Depends(context_of)]) -> HealthShape:
    """Tell everybody that this answers, and whoever is known more."""
    try:
        await who(request, context)
    except NotAuthenticated:
        return HealthShape(status="ok")
    found = await to_thread.run_sync(_look, context)
    database = "ok" if found["database"].is_up else "unavailable"
    return HealthShape(status="ok", database=database, version=version("astrid"))


@router.get("/health/live")
async def live() -> HealthShape:
    """Tell that this process answers, whatever is behind it: who gets no answer starts it again."""
    return HealthShape(status="ok")


@router.get("/health/ready", response_model_exclude_none=True, responses={_DOWN: {"model": PartsShape}})
async def ready(context: Annotated[Context, Depends(context_of)], response: Response) -> PartsShape:
    """Tell whether requests can be answered: 503 where the database or the artifact store does not work."""
    found = await to_thread.run_sync(_look, context)
    return _told({name: found[name] for name in NEEDED}, NEEDED, response)


@router.get("/health/deep", response_model_exclude_none=True, responses={_DOWN: {"model": PartsShape}})
async def deep(context: Annotated[Context, Depends(context_of)], response: Response) -> PartsShape:
    """Ask every part of ours, at most every few seconds: 503 where one does not work."""
    found = await to_thread.run_sync(_look, context)
    return _told(found, tuple(found), response)


@router.get("/health/archives", response_model_exclude_none=True)
async def archives(_: Reader, context: Annotated[Context, Depends(context_of)]) -> PartsShape:
    """Ask every archive for its list, at most every ten minutes; one that is away is no fault of ours."""
    found = await to_thread.run_sync(_look_at_archives, context)
    return _told(found, (), None)


def _look(context: Context) -> dict[str, Answer]:
    # In a thread as a whole: whoever is first opens the services.
    return context.parts.look()


def _look_at_archives(context: Context) -> dict[str, Answer]:
    return context.archives.look()


def _told(found: dict[str, Answer], needed: tuple[str, ...], response: Response | None) -> PartsShape:
    if response is not None and not all(found[name].is_up for name in needed):
        response.status_code = _DOWN
    return PartsShape(
        status="ok" if all(one.is_up for one in found.values()) else "degraded",
        parts={
            name: PartShape(
                status="up" if one.is_up else "down", seconds=round(one.seconds, 4), problem=one.problem or None
            )
            for name, one in found.items()
        },
    )
