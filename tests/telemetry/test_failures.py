"""What Sentry is told, by its own SDK, to a server on loopback."""

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from astrid_core.shared.errors import CorruptArtifact
from astrid_core.telemetry.failures import flush_failures, tell_failures

pytest.importorskip("sentry_sdk", reason="sentry-sdk is not installed: astrid[sentry]")


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    events: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            text = (gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body).decode()
            events.extend(one for line in text.splitlines() if "exception" in (one := json.loads(line)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://key@127.0.0.1:{server.server_port}/7", events
        finally:
            server.shutdown()
            thread.join()


def _fail(password: str) -> None:
    raise CorruptArtifact("bytes do not match", n_letters=len(password))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK itself
def test_a_failure_is_told_with_its_place_and_without_values(told: tuple[str, list[dict[str, Any]]]) -> None:
    address, events = told
    tell = tell_failures(SecretStr(address))
    assert tell is not None
    assert tell_failures(SecretStr(address)) is tell

    with pytest.raises(CorruptArtifact) as caught:
        _fail("hunter2")
    tell(caught.value, {"stage": "detect", "item": "demo:a.fits", "trace_id": ""})
    flush_failures()

    (event,) = events
    (failure,) = event["exception"]["values"]
    assert (failure["type"], event["tags"]) == ("CorruptArtifact", {"stage": "detect", "item": "demo:a.fits"})
    assert event["release"].startswith("astrid@")
    assert all("vars" not in frame for frame in failure["stacktrace"]["frames"])
