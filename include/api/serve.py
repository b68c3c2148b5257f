"""``python -m include.api.serve``: the API and the page without Airflow, for whoever shows a key or a token."""

import argparse
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from astrid_core.bootstrap import migrate_database
from astrid_core.settings import Settings
from astrid_core.telemetry.logs import configure_logs
from include.api.app import create_app
from include.api.context import Context
from include.api.key_identity import KeyIdentity
from include.api.page import create_page
from include.api.paths import API, PAGE
from include.api.token_identity import TokenIdentity

_LOOPBACK = "127.0.0.1"


def create_site(settings: Settings | None = None) -> Starlette:
    """Return API and page at the paths that they have inside Airflow."""
    identities = (KeyIdentity(), TokenIdentity())
    app = create_app(identities, settings)
    context: Context = app.state.context
    page = create_page(identities, context)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await context.close()

    return Starlette(routes=[Mount(API, app=app), Mount(PAGE, app=page)], lifespan=lifespan)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m include.api.serve", description=__doc__, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8081)
    arguments = parser.parse_args()
    settings = Settings()
    configure_logs(settings, level=logging.WARNING)
    migrate_database(settings)
    # A proxy in front of it does what is needed for other machines.
    # Its own lines would be text among JSON; ours name every request that takes part in a trace.
    uvicorn.run(create_site(settings), host=_LOOPBACK, port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
