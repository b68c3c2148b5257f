"""What every request passes: sizes, packing, foreign pages, rates, and the care that answers carry."""

import asyncio
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request

from astrid_core.curation.access import Principal, Role
from astrid_core.settings import Settings
from astrid_core.stages.access import set_roles
from include.api.app import create_app
from include.api.context import Context
from include.api.limits import RateLimit
from tests.api.client import Client, NamedIdentity, named
from tests.api.night import services_in

GIB = 2**30
CHANGE = ("POST", "/queue/claim")


class CookieIdentity:
    """Believes a cookie, as a browser sends it along."""

    async def principal(self, request: Request, _: Context, /) -> Principal | None:
        login = request.cookies.get("login")
        return None if login is None else Principal(login=login, roles=frozenset({Role.REVIEWER}), via="airflow")


@pytest.fixture
def home(home: Path) -> Path:
    """A home in which Ada is a reviewer."""
    with services_in(Settings(home=home)) as services:
        set_roles(services, login="ada", roles=[Role.REVIEWER])
    return home


@pytest.fixture
def browser(home: Path) -> Iterator[Client]:
    client = Client(create_app([CookieIdentity()], Settings(home=home), opener=services_in), {"Cookie": "login=ada"})
    yield client
    client.close()


class _Sending:
    """An ASGI client that offers a body bit by bit and counts what was taken."""

    def __init__(self, chunk: bytes, n_chunks: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.chunk, self.n_left, self.n_taken = chunk, n_chunks, 0
        self.status = 0
        self.scope = {
            "type": "http", "method": "POST", "path": "/v1/verdicts", "raw_path": b"/v1/verdicts", "query_string": b"",
            "headers": [(b"content-type", b"application/json"), (b"authorization", b"Bearer ada:reviewer"), *headers],
            "client": ("127.0.0.1", 1), "server": ("astrid", 80), "scheme": "http", "http_version": "1.1",
        }  # fmt: skip

    async def receive(self) -> MutableMapping[str, Any]:
        self.n_taken += len(self.chunk)
        self.n_left -= 1
        return {"type": "http.request", "body": self.chunk, "more_body": self.n_left > 0}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = int(str(message["status"]))


def _offer(client: Client, sending: _Sending) -> _Sending:
    asyncio.run(client.app(sending.scope, sending.receive, sending.send))
    return sending


def test_two_gigabytes_are_refused_before_a_byte_is_read(client: Client) -> None:
    sending = _offer(client, _Sending(b"x" * 65536, 2 * GIB // 65536, [(b"content-length", str(2 * GIB).encode())]))

    assert (sending.status, sending.n_taken) == (413, 0)


def test_two_gigabytes_of_unknown_length_are_refused_after_the_first_too_many(client: Client) -> None:
    sending = _offer(client, _Sending(b"x" * 65536, 2 * GIB // 65536, [(b"transfer-encoding", b"chunked")]))

    assert sending.status == 413
    assert sending.n_taken <= 2**20 + 65536


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
def test_a_packed_body_is_refused_unopened(client: Client, packing: str) -> None:
    sending = _offer(client, _Sending(b"\x1f\x8b", 1, [(b"content-encoding", packing.encode())]))

    assert (sending.status, sending.n_taken) == (415, 0)


def test_a_length_that_is_no_number_is_refused(client: Client) -> None:
    assert _offer(client, _Sending(b"", 1, [(b"content-length", b"-1")])).status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://astrid"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://astrid"}, 403),
        ({"Origin": "http://elsewhere"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://elsewhere", "Authorization": "Basic YTpi"}, 403),
        ({}, 403),
    ],
)
def test_a_page_of_somebody_else_changes_nothing(browser: Client, headers: dict[str, str], status: int) -> None:
    assert browser.ask(*CHANGE, json={}, headers=headers).status_code == status


def test_a_form_of_somebody_else_changes_nothing(browser: Client) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain"}

    assert browser.ask(*CHANGE, content="{}", headers=headers).status_code == 415


def test_a_token_needs_no_page(client: Client) -> None:
    assert client.ask(*CHANGE, json={}, headers=named("ada", "reviewer")).status_code == 200


def test_whoever_asks_too_often_is_told_when_to_come_back(home: Path) -> None:
    app = create_app([NamedIdentity()], Settings(home=home, api_rate_per_s=0.5, api_burst=3), opener=services_in)
    client = Client(app, named("vera", "viewer"))
    answers = [client.get("/me") for _ in range(4)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "2"
    assert client.get("/me", headers=named("ada", "viewer")).status_code == 200
    assert [client.get("/me", headers={"Authorization": ""}).status_code for _ in range(4)] == [401, 401, 401, 429]
    client.close()


def test_a_bucket_fills_again_and_no_further_than_its_brim() -> None:
    now = [0.0]
    limit = RateLimit(per_s=2.0, burst=2, clock=lambda: now[0])

    assert [limit.wait_s("ada"), limit.wait_s("ada"), limit.wait_s("ada")] == [0, 0, 1]
    now[0] = 0.5
    assert [limit.wait_s("ada"), limit.wait_s("ada")] == [0, 1]
    now[0] = 1000.0
    assert [limit.wait_s("ada") for _ in range(3)] == [0, 0, 1]


def test_answers_tell_browsers_to_be_careful(client: Client) -> None:
    for path in ("/me", "/nowhere", "/audit"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"


def test_a_request_keeps_the_name_it_was_given(client: Client) -> None:
    given = client.get("/me", headers={"X-Request-Id": "page-17.3"})
    odd = client.get("/me", headers={"X-Request-Id": "a b\tc"})

    assert given.headers["x-request-id"] == "page-17.3"
    assert len(odd.headers["x-request-id"]) == 32


def test_a_fault_tells_its_number_and_nothing_else(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.api.routes.runs.list_runs", _broken)
    answer = client.get("/runs", headers={"X-Request-Id": "mine"})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == "urn:astrid:request:mine"
    assert "password" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def _broken(*_: object, **__: object) -> None:
    raise RuntimeError("the password is xyzzy")
