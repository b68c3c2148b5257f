"""The client for services on the network, against a server on loopback that does everything wrong."""

import gzip
import json
import re
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from structlog.testing import capture_logs

from astrid_core.adapters.surveys import http_errors
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_policy import HttpPolicy
from astrid_core.shared.errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    AstridError,
    BadConfiguration,
    QueryRefused,
    UnexpectedAnswer,
)
from tests.fakes.archive_server import ArchiveServer, Asked, Reply

TOKEN = "sesame-open-please"
GOOD = Reply(body=b'{"rows": [1, 2]}', headers={"Content-Type": "application/json"})
PAGE = Reply(body=b"\n<!DOCTYPE html><html><h1>We are down</h1> for maintenance</html>")
POLICY = HttpPolicy(
    connect_s=1.0, read_s=0.3, answer_s=1.0, file_s=5.0, n_attempts=3, first_pause_s=0.5, longest_pause_s=30.0,
    n_concurrent=2, n_failures_open=5, open_s=60.0, max_answer_bytes=2**20, max_file_bytes=2**22,
)  # fmt: skip


class Clock:
    """Time that only passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        self.now_s += pause_s


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(lambda _: GOOD) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[HttpClient]:
    authorization = f"token {TOKEN}"
    with HttpClient("sky", POLICY, authorization=authorization, clock=clock, sleep=clock.sleep) as opened:
        yield opened


def read(client: HttpClient, url: str) -> object:
    return client.json(url, accept=lambda answer: answer)


def fails(client: HttpClient, server: ArchiveServer, kind: type[AstridError]) -> AstridError:
    with pytest.raises(kind) as problem:
        read(client, f"{server.url}/search?key={TOKEN}")
    assert TOKEN not in f"{problem.value} {problem.value.__cause__} {client!r}"
    assert "service=sky" in str(problem.value)
    return problem.value


@pytest.mark.parametrize(
    "fault",
    [
        Reply(status=429), Reply(status=500), Reply(status=502), Reply(status=503), Reply(status=504),
        Reply(status=408), Reply(hangs=True), Reply(body=GOOD.body, n_sent=7), Reply(body=b'{"rows": [1'),
        Reply(body=gzip.compress(GOOD.body, mtime=0)[:-12], headers={"Content-Encoding": "gzip"}),
        Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=lambda one: f"{one.status}, {one.body[:9]!r}, {one.n_sent}, {one.hangs}",
)  # fmt: skip
def test_what_passes_is_tried_again_and_what_stays_is_temporary(
    client: HttpClient, server: ArchiveServer, clock: Clock, fault: Reply
) -> None:
    server.faults.extend([fault, fault])
    assert read(client, f"{server.url}/search") == {"rows": [1, 2]}
    assert 0.25 <= clock.pauses[0] <= 0.75
    assert 0.5 <= clock.pauses[1] <= 1.5
    server.faults.extend([fault] * 3)
    problem = fails(client, server, ArchiveUnavailable)
    assert "n_attempts=3" in str(problem)
    assert f"url={server.url}/search" in str(problem)


def test_every_repeated_attempt_is_logged_without_secrets(client: HttpClient, server: ArchiveServer) -> None:
    server.faults.append(Reply(status=503, body=TOKEN.encode()))
    with capture_logs() as logs:
        read(client, f"{server.url}/search?key={TOKEN}")
    (line,) = logs
    assert (line["event"], line["log_level"], line["attempt"], line["why"]) == (
        "request.failed",
        "warning",
        1,
        "status 503",
    )
    assert TOKEN not in str(logs)


def test_nobody_at_the_address_is_temporary(client: HttpClient) -> None:
    with pytest.raises(ArchiveUnavailable, match="ConnectError"):
        read(client, "http://127.0.0.1:9/")


def test_a_service_that_asks_for_patience_gets_it(client: HttpClient, server: ArchiveServer, clock: Clock) -> None:
    moment = format_datetime(datetime.now(tz=UTC) + timedelta(seconds=20), usegmt=True)
    server.faults.append(Reply(status=429, headers={"Retry-After": "7"}))
    server.faults.append(Reply(status=503, headers={"Retry-After": moment}))
    assert read(client, server.url) == {"rows": [1, 2]}
    assert clock.pauses[0] == 7.0
    assert 15.0 < clock.pauses[1] <= 20.0


def test_a_service_that_asks_for_too_much_patience_is_left_to_a_later_task(
    client: HttpClient, server: ArchiveServer, clock: Clock
) -> None:
    server.faults.append(Reply(status=429, headers={"Retry-After": "3600"}))
    assert "try_again_in_s=3600" in str(fails(client, server, ArchiveUnavailable))
    assert clock.pauses == []


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(status=401, body=f"{TOKEN} is expired".encode()), ArchiveRefused, r"401, says=\*\*\* is expired"),
        (Reply(status=403), ArchiveRefused, "renew the one it has"),
        (Reply(status=400, body=b"<p>no such column</p>"), QueryRefused, "status=400, says=no such column"),
        (Reply(status=404), QueryRefused, "status=404"),
        (PAGE, UnexpectedAnswer, "web page instead of data.*We are down for maintenance"),
        (Reply(status=302, headers={"Location": "/again"}), UnexpectedAnswer, "redirects in circles"),
        (Reply(status=302, headers={"Location": "ftp://127.0.0.1/"}), UnexpectedAnswer, "not HTTP"),
        (Reply(body=b"?", headers={"Content-Encoding": "br"}), UnexpectedAnswer, "unknown way.*how=br"),
        (Reply(body=b'"' + b"x" * 2**21 + b'"'), UnexpectedAnswer, "answers too much: ask for less.*allowed=1048576"),
        (Reply(status=304), UnexpectedAnswer, "unknown status"),
    ],
)  # fmt: skip
def test_what_stays_wrong_is_told_at_once(
    client: HttpClient, server: ArchiveServer, clock: Clock, reply: Reply, kind: type[AstridError], words: str
) -> None:
    server.answer = lambda _: reply
    problem = fails(client, server, kind)
    assert re.search(words, str(problem))
    assert clock.pauses == []


def test_a_bomb_is_noticed_before_it_fills_the_memory(client: HttpClient, server: ArchiveServer) -> None:
    bomb = gzip.compress(b'"' + b"0" * 2**28)
    server.answer = lambda _: Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    fails(client, server, UnexpectedAnswer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_a_packed_answer_is_unpacked(client: HttpClient, server: ArchiveServer) -> None:
    body = json.dumps(list(range(100_000))).encode()
    server.answer = lambda _: Reply(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert read(client, server.url) == list(range(100_000))


def test_an_answer_that_drips_for_ever_is_given_up(server: ArchiveServer) -> None:
    now = iter(range(0, 10_000, 1))
    with HttpClient("sky", POLICY, clock=lambda: float(next(now)), sleep=lambda _: None) as client:
        server.answer = lambda _: Reply(body=b"[" + b" " * 500_000 + b"]")
        with pytest.raises(ArchiveUnavailable, match="takes longer than 1 s"):
            read(client, server.url)


def test_the_token_goes_to_the_service_and_to_nobody_it_redirects_to(client: HttpClient, server: ArchiveServer) -> None:
    with ArchiveServer(lambda _: GOOD) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        server.faults.append(Reply(status=302, headers={"Location": elsewhere}))
        assert read(client, server.url) == {"rows": [1, 2]}
        assert server.asked[0].headers["Authorization"] == f"token {TOKEN}"
        assert "Authorization" not in other.asked[0].headers


def test_a_token_that_breaks_the_header_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="token has characters") as problem:
        HttpClient("sky", POLICY, authorization=f"token {TOKEN}\nX-Other: 1")
    assert TOKEN not in str(problem.value)


def test_a_service_that_fails_again_and_again_is_left_alone_and_then_tried_once(
    client: HttpClient, server: ArchiveServer, clock: Clock
) -> None:
    server.answer = lambda _: Reply(status=500)
    fails(client, server, ArchiveUnavailable)
    problem = fails(client, server, ArchiveUnavailable)
    assert "failed too often in a row" in str(problem)
    assert "n_failures=5" in str(problem)
    assert len(server.asked) == 5
    fails(client, server, ArchiveUnavailable)
    assert len(server.asked) == 5
    clock.now_s += 61.0
    fails(client, server, ArchiveUnavailable)
    assert len(server.asked) == 6
    clock.now_s += 61.0
    server.answer = lambda _: GOOD
    assert read(client, server.url) == {"rows": [1, 2]}
    server.faults.append(Reply(status=500))
    assert read(client, server.url) == {"rows": [1, 2]}


def test_a_refusal_is_no_failure_of_the_service(client: HttpClient, server: ArchiveServer) -> None:
    server.answer = lambda _: Reply(status=404)
    for _ in range(8):
        fails(client, server, QueryRefused)


def test_no_more_requests_run_at_once_than_allowed(server: ArchiveServer) -> None:
    gate = threading.Barrier(2, timeout=5.0)

    def answer(_: Asked) -> Reply:
        gate.wait()
        return GOOD

    server.answer = answer
    policy = HttpPolicy(n_concurrent=2)
    with HttpClient("sky", policy) as client:
        threads = [threading.Thread(target=read, args=(client, server.url)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.asked) == 6
    assert server.most_at_once == 2


@pytest.mark.parametrize(
    "kind", [one for one in vars(httpx).values() if isinstance(one, type) and issubclass(one, httpx.TransportError)]
)
def test_every_failure_of_the_transport_has_a_meaning(kind: type[httpx.TransportError]) -> None:
    error = kind("it broke", request=httpx.Request("GET", f"http://user:{TOKEN}@sky.test/path?key={TOKEN}"))
    meaning = http_errors.translated(error, service="sky")
    assert isinstance(meaning, http_errors.AttemptFailed | UnexpectedAnswer)
    assert TOKEN not in str(meaning)


@pytest.mark.parametrize("name", ["connect_s", "read_s", "n_attempts", "n_concurrent", "max_file_bytes"])
def test_limits_that_make_no_sense_are_refused(name: str) -> None:
    with pytest.raises(BadConfiguration, match=name):
        HttpPolicy(**{name: 0})
    with pytest.raises(BadConfiguration, match="open_s"):
        HttpPolicy(open_s=-1.0)
