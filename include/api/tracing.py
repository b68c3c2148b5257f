"""Every request in its trace: log lines carry its name, and spans and seconds go where spans and seconds go."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from astrid_core.telemetry.figures import REQUEST_SECONDS
from astrid_core.telemetry.open import Telemetry, open_telemetry, parent_of

_UNKNOWN = "unknown"
"""Addresses that are no route have no series of their own: anybody may invent as many as they like."""


class Traced:
    """Stands around the routes, inside of the guard that names requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        telemetry = open_telemetry()
        status = 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        started = time.monotonic()
        with _span(telemetry, scope) as span, bound_contextvars(**_facts(scope, span)):
            try:
                await self._app(scope, receive, send_noted)
            finally:
                if telemetry is not None:
                    told = {"route": _route(scope), "method": scope["method"], "status": str(status)}
                    span.update_name(f"api {told['method']} {told['route']}")
                    span.set_attributes({f"http.{name}": value for name, value in told.items()})
                    telemetry.record(REQUEST_SECONDS, time.monotonic() - started, **told)


def _span(telemetry: Telemetry | None, scope: Scope) -> AbstractContextManager[Any]:
    if telemetry is None:
        return nullcontext()
    headers = Headers(scope=scope)
    carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
    begin: Callable[..., AbstractContextManager[Any]] = telemetry.tracer.start_as_current_span
    return begin("api", context=parent_of(carrier), record_exception=False)


def _facts(scope: Scope, span: Any) -> dict[str, str]:
    facts = {"request_id": str(scope.get("state", {}).get("request_id", ""))}
    if span is not None:
        facts["trace_id"] = f"{span.get_span_context().trace_id:032x}"
    return facts


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", _UNKNOWN))
