"""A request goes on with the trace of whoever sends it, and is measured by its route."""

import asyncio
from pathlib import Path

import pytest
import structlog
from starlette.types import Receive, Scope, Send

from astrid_core.settings import Settings
from astrid_core.telemetry.figures import REQUEST_SECONDS
from astrid_core.telemetry.open import close_telemetry
from include.api.app import create_app
from include.api.tracing import Traced
from tests.api.client import Client, NamedIdentity, named
from tests.api.night import services_in
from tests.telemetry.receiver import receiving

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_request_is_a_span_of_its_caller_and_is_counted_by_route(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        client = Client(create_app([NamedIdentity()], Settings(home=home), opener=services_in), named("vera", "viewer"))
        client.get("/observations/demo:nowhere.fits", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
        client.get("/made/up/by/somebody")
        client.close()
        close_telemetry()

    spans = {one["name"]: one for one in receiver.spans if one["name"].startswith("api ")}
    (known,) = (one for name, one in spans.items() if "observations" in name)
    assert (known["trace"], known["parent"]) == (TRACE, CALLER)
    assert known["attributes"]["http.route"] == "/v1/observations/{observation_id:path}"
    told = {(one["attributes"]["route"], one["attributes"]["status"]) for one in receiver.named(REQUEST_SECONDS.name)}
    assert told == {("/v1/observations/{observation_id:path}", "404"), ("unknown", "404")}


async def _note(scope: Scope, receive: Receive, send: Send) -> None:
    scope["seen"] = structlog.contextvars.get_contextvars()


def test_lines_of_a_request_carry_its_name() -> None:
    scope: Scope = {"type": "http", "headers": [], "method": "GET", "state": {"request_id": "r-1"}}

    asyncio.run(Traced(_note)(scope, None, None))  # type: ignore[arg-type]  # neither is used

    assert scope["seen"] == {"request_id": "r-1"}
    assert structlog.contextvars.get_contextvars() == {}
