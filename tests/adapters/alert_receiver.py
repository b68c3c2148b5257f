"""A receiver of packets on loopback that fails, hangs and forgets to answer, and the process that sends to it."""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from pydantic import SecretStr

from astrid_core.adapters.alerts.open import ConfiguredChannels
from astrid_core.adapters.alerts.signature import KEY, is_signed
from astrid_core.alerts.config import AlertsConfig, TnsConfig
from astrid_core.alerts.entities import AlertState, Channel
from astrid_core.stages.alert_gate import run_gate_alerts
from astrid_core.stages.deliver import run_deliver
from astrid_core.stages.services import Services
from tests.adapters.databases import SqlDatabase
from tests.stages.voting import services_on

SECRET = "a secret of two parties"
TIMEOUT_S = 0.5
CHANNELS = (Channel(name="one", format="gcn"), Channel(name="two", format="voevent"))
CONFIG = AlertsConfig(
    channels=CHANNELS,
    max_per_run=10**6,
    max_per_day=10**6,
    min_flood=10**6,
    first_pause_s=0.05,
    longest_pause_s=0.2,
    lease_s=1.0,
)


@dataclass
class Receiver:
    """What came, by the path that it was posted to; use as a context."""

    bad: float = 0.0
    """Part of the requests that are answered wrongly, late or not at all."""
    status: int = 204
    got: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    unsigned: int = 0
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._random = random.Random(1)  # noqa: S311 - chance that repeats, not a secret
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def counts(self, path: str) -> Counter[str]:
        return Counter(key for key, _ in self.got.get(path, []))

    def n_got(self) -> int:
        return sum(len(came) for came in self.got.values())

    def take(self, path: str, headers: dict[str, str], body: bytes) -> str:
        """Return what happens to a packet: ``kept``, ``refused``, ``late`` or ``silent``."""
        with self._turn:
            fate = self._random.choice(("refused", "late", "silent")) if self._random.random() < self.bad else "kept"
            self.headers.append(headers)
            if not is_signed(body, headers, secret=SECRET.encode(), now_s=time.time()):
                self.unsigned += 1
                return "refused"
            if fate != "refused":
                self.got.setdefault(path, []).append((headers[KEY], body))
        return fate


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fate = receiver.take(self.path, dict(self.headers.items()), body)
            self.close_connection = fate != "kept"
            if fate == "silent":
                return
            if fate == "late":
                time.sleep(TIMEOUT_S + 0.3)
            self.send_response(503 if fate == "refused" else receiver.status)
            self.send_header("Content-Length", "0")
            self.send_header("Location", f"{receiver.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                # The sender was killed or has given up.
                self.close_connection = True

    return Handler


def ways(url: str, *, hosts: str = "127.0.0.1", keys: Mapping[str, str] | None = None) -> ConfiguredChannels:
    keys = {"one": SECRET, "two": SECRET} if keys is None else keys
    return ConfiguredChannels(
        addresses={one.name: SecretStr(f"{url}/{one.name}") for one in CHANNELS},
        keys={name: SecretStr(key) for name, key in keys.items()},
        hosts=hosts,
        timeout_s=TIMEOUT_S,
        kafka={},
        tns=TnsConfig,
    )


def services_to(database: SqlDatabase, url: str) -> Services:
    return replace(services_on(database.transaction), alert_channels=ways(url))


def send_all(database_url: str, url: str) -> None:
    """Gate and deliver until nothing is on its way; what a process does until it is killed."""
    database = SqlDatabase(database_url)
    services = services_to(database, url)
    is_busy = True
    while is_busy:
        run_gate_alerts(services, CONFIG, batch=datetime.now(UTC).isoformat())
        run_deliver(services, CONFIG)
        with services.transaction() as records:
            waiting = (AlertState.RAISED, AlertState.PENDING)
            is_busy = any(records.alerts.search(state=state, limit=1) for state in waiting)
        time.sleep(0.05)
    database.close()
