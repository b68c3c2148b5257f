"""What every request passes and every answer carries, before and after any route."""

import re
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.api.problems import Refused, problem

REQUEST_ID = "x-request-id"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Guard:
    """Names requests, refuses bodies that are too large or packed, and tells browsers to be careful."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, content_policy: str = _API_POLICY) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": content_policy,
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = given if _GIVEN_ID.fullmatch(given) else uuid4().hex
        answer = self._careful(send, state["request_id"])
        refusal = self._refusal(headers)
        if refusal is not None:
            # The body is not read: whoever sends more learns at once that nobody listens.
            told = problem(Request(scope), *refusal, headers={"Connection": "close"})
            await told(scope, receive, answer)
            return
        await self._app(scope, self._counted(receive), answer)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            return 415, "packed bodies are not taken"
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            return 400, "Content-Length is no number"
        if int(length) > self._max_body_bytes:
            return 413, f"a body may have {self._max_body_bytes} bytes"
        return None

    def _counted(self, receive: Receive) -> Receive:
        n_bytes = 0

        async def receive_some() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > self._max_body_bytes:
                raise Refused(413, f"a body may have {self._max_body_bytes} bytes", headers={"Connection": "close"})
            return message

        return receive_some

    def _careful(self, send: Send, request_id: str) -> Send:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        return send_more
