"""An S3 server on loopback that refuses, dawdles, loses its answers and changes bytes on the way."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from astrid_core.adapters.storage.s3 import connect

_REFUSED = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>Not now.</Message></Error>"""


@dataclass(slots=True)
class S3Faults:
    """What goes wrong, and how often it did."""

    error_rate: float = 0.0
    """Share of requests that are answered by an error; of half of them after all was done that they ask for."""
    delay_s: float = 0.0
    """How long an answer takes on the average, exponentially distributed."""
    corrupt_answers: int = 0
    """Changes a byte in so many of the next objects that are read; counted down."""
    seen: Counter[str] = field(default_factory=Counter)


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing."""


class FailingS3:
    """Buckets in memory, and the server that serves them; use as a context."""

    def __init__(self, *, seed: int = 0) -> None:
        self.faults = S3Faults()
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self._inner = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_Silent)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def client(self) -> Any:
        """Return a client of it."""
        return connect(endpoint_url=self.url, region="us-east-1", access_key_id="test", secret_access_key="test")

    def quiet(self) -> Counter[str]:
        """End all faults; return how many there were of each kind since the last time."""
        with self._lock:
            seen, self.faults = self.faults.seen, S3Faults()
        return seen

    def _draw(self, method: str) -> tuple[float, str]:
        """Return how long to wait, and what goes wrong then."""
        with self._lock:
            faults, wait_s = self.faults, 0.0
            if faults.delay_s:
                wait_s = self._random.expovariate(1.0 / faults.delay_s)
                faults.seen["slow"] += 1
            what = ""
            if self._random.random() < faults.error_rate:
                what = self._random.choice(["refused", "answer lost"])
            elif faults.corrupt_answers and method == "GET":
                what = "changed"
            return wait_s, what

    def _note(self, what: str) -> None:
        with self._lock:
            self.faults.seen[what] += 1
            if what == "changed":
                self.faults.corrupt_answers -= 1

    def _serve(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        wait_s, what = self._draw(Request(environ).method)
        time.sleep(wait_s)
        if what == "refused":
            self._note(what)
            return _failure(503, "SlowDown")(environ, start)
        if not what:
            answered: Iterable[bytes] = self._inner(environ, start)
            return answered
        answer = Response.from_app(self._inner, environ, buffered=True)
        if what == "answer lost":
            self._note(what)
            return _failure(500, "InternalError")(environ, start)
        content = answer.get_data()
        if answer.status_code in {200, 206} and answer.mimetype != "application/xml" and content:
            self._note(what)
            answer.set_data(with_a_bit_flipped(content, at=len(content) // 2))
        return answer(environ, start)


def with_a_bit_flipped(content: bytes, *, at: int) -> bytes:
    """Return the bytes with the lowest bit of one of them flipped."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def _failure(status: int, code: str) -> Response:
    return Response(_REFUSED.format(code=code), status=status, mimetype="application/xml")
