"""The page and its API on a port of this machine, for people who say who they are in a cookie."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request

from astrid_core.curation.access import Principal, Role
from astrid_core.settings import Settings
from astrid_core.stages.access import admit
from include.api.app import create_app
from include.api.context import Context
from include.api.page import create_page
from tests.api.night import services_in

COOKIE = "who"


class CookieIdentity:
    """Believes what the cookie says, ``ada.reviewer.arbiter``: no header tells a browser's request from another's."""

    async def principal(self, request: Request, context: Context) -> Principal | None:
        login, *roles = request.cookies.get(COOKIE, "").split(".")
        if not login:
            return None
        return admit(context.services, login=login, via="airflow", roles=[Role(one) for one in roles])


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the page is."""

    origin: str
    home: Path

    @property
    def page(self) -> str:
        return f"{self.origin}/astrid/ui/"


class _Server(uvicorn.Server):
    """A server in a thread, which gets no signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def serving(home: Path, **addresses: str) -> Iterator[Site]:
    """Serve the home until the block ends; ``addresses`` are settings."""
    identities = [CookieIdentity()]
    settings = Settings(home=home, api_burst=100_000, api_rate_per_s=10_000.0, **addresses)  # type: ignore[arg-type]
    api = create_app(identities, settings, opener=services_in)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        await api.state.context.close()

    both = FastAPI(openapi_url=None, lifespan=closing)
    both.mount("/astrid/api", api)
    both.mount("/astrid/ui", create_page(identities, api.state.context))
    config = uvicorn.Config(both, host="127.0.0.1", port=0, log_level="warning", ws="none")
    server = _Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                message = "the server did not start"
                raise RuntimeError(message)
            thread.join(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Site(origin=f"http://127.0.0.1:{port}", home=home)
    finally:
        server.should_exit = True
        thread.join()
