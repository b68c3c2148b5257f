"""The client of Airflow's REST API, against a server that hands out tokens."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.local.client import Airflow, RunFailed


@dataclass
class Server:
    """Knows the token that it gave last, unless it forgets."""

    url: str = ""
    n_logins: int = 0
    believes: bool = True
    known: set[str] = field(default_factory=set)


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            told.n_logins += 1
            told.known = {f"token {told.n_logins}"}
            self._send(201, {"access_token": f"token {told.n_logins}"})

        def do_GET(self) -> None:
            is_known = self.headers["Authorization"].removeprefix("Bearer ") in told.known
            self._send(*((200, {"value": 7}) if is_known and told.believes else (403, {"detail": "Invalid JWT token"})))

        def _send(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        told.url = f"http://127.0.0.1:{http.server_port}"
        yield told
        http.shutdown()


def _ask(airflow: Airflow) -> object:
    return airflow.result("nightly_survey", "asked__1", "plan")


def test_a_token_that_the_server_forgot_is_asked_for_again(server: Server) -> None:
    airflow = Airflow(url=server.url, login="admin", password="secret")
    assert _ask(airflow) == 7
    server.known.clear()
    assert _ask(airflow) == 7
    assert _ask(airflow) == 7
    assert server.n_logins == 2


def test_whoever_may_not_is_refused_after_a_new_token(server: Server) -> None:
    airflow = Airflow(url=server.url, login="admin", password="secret")
    assert _ask(airflow) == 7
    server.believes = False
    with pytest.raises(RunFailed, match="403"):
        _ask(airflow)
    assert server.n_logins == 2
