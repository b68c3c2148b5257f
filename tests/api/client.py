"""The API as a test asks it: one event loop, no socket."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from fastapi import Request

from astrid_core.curation.access import Principal, Role
from include.api.app import Api
from include.api.context import Context
from include.api.identity import NotAuthenticated


class NamedIdentity:
    """Believes what the header says: ``Bearer ada:reviewer,arbiter``."""

    async def principal(self, request: Request, _: Context, /) -> Principal | None:
        kind, _space, told = request.headers.get("authorization", "").partition(" ")
        if not told:
            return None
        login, _colon, roles = told.partition(":")
        if kind != "Bearer" or not login:
            raise NotAuthenticated("not a name")
        return Principal(login=login, roles=frozenset(Role(one) for one in roles.split(",") if one), via="token")


def named(login: str, *roles: Role | str) -> dict[str, str]:
    """Return the header of somebody with these roles."""
    return {"Authorization": f"Bearer {login}:{','.join(roles)}"}


class Client:
    """Sends requests one after the other."""

    def __init__(self, app: Api, headers: dict[str, str] | None = None) -> None:
        self.app = app
        self.headers = headers or {}
        self._runner = asyncio.Runner()

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return self.ask_all([(method, path)], headers=headers, **more)[0]

    def ask_all(
        self, asked: Sequence[tuple[str, str]], *, headers: dict[str, str] | None = None, **more: Any
    ) -> list[httpx.Response]:
        """Send requests at once."""

        async def send() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://astrid") as client:
                told = {**self.headers, **(headers or {})}
                sent = (client.request(method, f"/v1{path}", headers=told, **more) for method, path in asked)
                return await asyncio.gather(*sent)

        return self._runner.run(send())

    def send(self, method: str, url: str, *, headers: dict[str, str], **more: Any) -> httpx.Response:
        """Send one request as it is."""

        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport) as client:
                return await client.request(method, url, headers=headers, **more)

        return self._runner.run(sent())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)

    def close(self) -> None:
        self._runner.run(self.app.state.context.close())
        self._runner.close()
