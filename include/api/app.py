"""The REST API of AstrID as one application, whoever serves it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from astrid_core.bootstrap import open_services
from astrid_core.settings import Settings
from astrid_core.stages.services import Services
from include.api.context import Context
from include.api.guard import Guard
from include.api.identity import Identity, Reader
from include.api.problems import MEDIA_TYPE, TITLES, Problem, tell_problems
from include.api.routes import (
    artifacts,
    audit,
    catalog,
    cone_search,
    detections,
    health,
    observations,
    people,
    pixels,
    queue,
    runs,
    standing,
    verdicts,
)
from include.api.tracing import Traced

VERSION = "v1"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": title} for status, title in TITLES.items()
}
_ROUTERS: Sequence[APIRouter] = (
    health.router,
    people.router,
    observations.router,
    standing.router,
    runs.router,
    pixels.router,
    detections.router,
    catalog.router,
    cone_search.router,
    artifacts.router,
    queue.router,
    verdicts.router,
    audit.router,
)


class Api(FastAPI):
    """FastAPI behind the guard: also what fails outside of every route is answered with care."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application with everything around it."""
        context: Context = self.state.context
        return Guard(Traced(super().build_middleware_stack()), max_body_bytes=context.settings.api_max_body_bytes)

    def openapi(self) -> dict[str, Any]:
        """Return the description of every route."""
        if self.openapi_schema is None:
            found = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            for path in found["paths"].values():
                for operation in path.values():
                    for status, answer in operation["responses"].items():
                        if status.isdecimal() and int(status) in TITLES and _is_problem(answer["content"]):
                            answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
            self.openapi_schema = found
        return self.openapi_schema


def _is_problem(content: dict[str, Any]) -> bool:
    schema = content.get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref") == f"#/components/schemas/{Problem.__name__}")


def create_app(
    identities: Sequence[Identity],
    settings: Settings | None = None,
    *,
    opener: Callable[[Settings], AbstractContextManager[Services]] = open_services,
) -> Api:
    """Return the API; ``identities`` are asked in turn who sends a request, and nobody else is known."""

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        await context.close()

    context = Context(settings or Settings(), opener)
    app = Api(
        title="AstrID",
        version="1",
        description="What changed in the sky, who judged it, and what was made of it.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=closing,
        responses=_PROBLEMS,
    )
    app.state.context = context
    app.state.identities = tuple(identities)
    tell_problems(app)

    async def description(_: Reader) -> dict[str, Any]:
        return app.openapi()

    app.add_api_route(f"/{VERSION}/openapi.json", description, include_in_schema=False)
    for router in _ROUTERS:
        app.include_router(router, prefix=f"/{VERSION}")
    return app
