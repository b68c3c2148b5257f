"""The curation page as it was built, for whoever is logged in."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.types import ASGIApp

from include.api.context import Context
from include.api.guard import Guard
from include.api.identity import Identity, Known
from include.api.problems import tell_problems

BUILT = Path(__file__).resolve().parents[2] / "plugins" / "web" / "dist"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
"""Everything comes from here, and only Airflow's own pages may put it into a frame."""
_FILES = {"": "text/html", "app.js": "text/javascript", "app.css": "text/css"}
# The names stay the same from build to build: a browser asks whether its copy is still the newest.
_KEEP = {"Cache-Control": "private, no-cache"}


class Page(FastAPI):
    """FastAPI behind the guard, with the policy of a page."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application with everything around it."""
        context: Context = self.state.context
        stack = super().build_middleware_stack()
        return Guard(stack, max_body_bytes=context.settings.api_max_body_bytes, content_policy=POLICY)


def create_page(identities: Sequence[Identity], context: Context, *, built: Path = BUILT) -> Page:
    """Return the page; ``context`` is that of the API, so that both count a person's requests together."""
    page = Page(title="AstrID curation", docs_url=None, redoc_url=None, openapi_url=None)
    page.state.context = context
    page.state.identities = tuple(identities)
    tell_problems(page)
    for name, media_type in _FILES.items():
        _serve(page, name, built / (name or "index.html"), media_type)
    return page


def _serve(page: FastAPI, name: str, file: Path, media_type: str) -> None:
    async def show(_: Known) -> FileResponse:
        return FileResponse(file, media_type=media_type, headers=_KEEP)

    page.add_api_route(f"/{name}", show, response_class=FileResponse, name=name or "index")
