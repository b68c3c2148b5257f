"""An archive on loopback that answers as it is told, with everything that goes wrong on the way."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    n_sent: int | None = None
    """How much of the body goes out before the connection is cut; None for all of it."""
    sized: bool = True
    """Whether it says beforehand how long the body is."""
    hangs: bool = False
    """Sends nothing until the server is closed."""


class ArchiveServer:
    """Answers with the next of ``faults`` while there are any (None lets one request pass), then as ``answer`` says."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer = answer
        self.faults: deque[Reply | None] = deque()
        self.asked: list[Asked] = []
        self.n_at_once = 0
        self.most_at_once = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def reply(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            fault = self.faults.popleft() if self.faults else None
            self.n_at_once += 1
            self.most_at_once = max(self.most_at_once, self.n_at_once)
        try:
            return fault or self.answer(asked)
        finally:
            with self.lock:
                self.n_at_once -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, *_: object) -> None:
                pass

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                sent = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                asked = Asked(
                    method=self.command,
                    path=parts.path,
                    query={name: values[0] for name, values in parse_qs(parts.query).items()},
                    form={name: values[0] for name, values in parse_qs(sent).items()},
                    headers=dict(self.headers),
                )
                self._send(server.reply(asked))

            def _send(self, reply: Reply) -> None:
                self.close_connection = True
                if reply.hangs:
                    server.closing.wait(10.0)
                    return
                self.send_response(reply.status)
                length = {"Content-Length": str(len(reply.body))} if reply.sized else {}
                for name, value in (length | dict(reply.headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):  # a client that has had enough
                    self.wfile.write(reply.body[: reply.n_sent])

        return Handler


def ranged(asked: Asked, content: bytes, *, etag: str) -> Reply:
    """Return a file as a service does that can go on in the middle."""
    wanted = asked.headers.get("Range")
    if wanted is None or asked.headers.get("If-Range") != etag:
        return Reply(body=content, headers={"ETag": etag, "Content-Type": "application/fits"})
    start = int(wanted.removeprefix("bytes=").rstrip("-"))
    if start >= len(content):
        return Reply(status=416)
    headers = {"ETag": etag, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return Reply(status=206, body=content[start:], headers=headers)
