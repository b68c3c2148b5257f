"""The page of the curators: files that were built from ``plugins/web``, for whoever is known."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from pydantic import BaseModel
from starlette.types import ASGIApp

from include.api.context import Context
from include.api.guard import Guard
from include.api.identity import Identity, NotAuthenticated, who
from include.api.problems import Refused, problem, tell_problems
from include.api.survey import FRAME, SurveyShape, frame_policy, survey_of

BUILT = Path(__file__).resolve().parents[2] / "plugins" / "web" / "dist"
_INDEX = "index.html"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src {frames}; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


class PageShape(BaseModel):
    """What the page is told about the place that it runs at."""

    survey: SurveyShape | None
    """Null where the finder chart is all there is."""


class Page(FastAPI):
    """FastAPI behind a guard that lets the page run its own scripts and nobody else's."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application with everything around it."""
        context: Context = self.state.context
        policy = _POLICY.format(frames="'none'" if survey_of(context.settings) is None else "'self'")
        limit = context.settings.api_max_body_bytes
        return Guard(super().build_middleware_stack(), max_body_bytes=limit, content_policy=policy)


def create_page(
    identities: Sequence[Identity],
    context: Context,
    *,
    built: Path = BUILT,
    login_url: Callable[[], str] | None = None,
) -> Page:
    """Return the page; ``login_url`` tells where somebody who is not known may log in."""
    app = Page(title="AstrID curation", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context = context
    app.state.identities = tuple(identities)
    tell_problems(app)
    folder = built.resolve()

    async def unknown(request: Request, error: NotAuthenticated) -> Response:
        if login_url is None or "text/html" not in request.headers.get("accept", ""):
            return problem(request, error.status_code, str(error.detail), headers=error.headers)
        return RedirectResponse(f"{login_url()}?next={quote(str(request.url), safe='')}", status_code=307)

    app.exception_handler(NotAuthenticated)(unknown)

    survey = survey_of(context.settings)

    async def file(path: str) -> FileResponse:
        wanted = folder if "\0" in path else (folder / (path or _INDEX)).resolve()
        headers = {"Cache-Control": "private, no-cache"}
        if not wanted.is_relative_to(folder) or not wanted.is_file():
            raise Refused(404, "no such page")
        if wanted.name == FRAME:
            if survey is None:
                raise Refused(404, "no survey of the sky is set up")
            headers["Content-Security-Policy"] = frame_policy(survey, wanted)
        return FileResponse(wanted, headers=headers)

    async def setup() -> PageShape:
        return PageShape(survey=survey)

    app.add_api_route("/page.json", setup, dependencies=[Depends(who)])
    app.add_api_route("/{path:path}", file, dependencies=[Depends(who)], response_class=FileResponse)
    return app
