"""A question reaches those who are to answer it, over a mail server and a webhook on loopback."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from include.questions import approval

SECRET = "/services/T0/B0/not-to-be-logged"


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a message needs."""

    got: list[bytes]
    recipients: list[bytes]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.got.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            elif verb == b"RCPT":
                self.recipients.append(line.strip())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
            if verb == b"QUIT":
                return


class _Hook(BaseHTTPRequestHandler):
    got: list[tuple[str, dict[str, str]]]
    status = 200

    def do_POST(self) -> None:
        self.got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Mailbox]]:
    handler = type("Mailbox", (_Mailbox,), {"got": [], "recipients": []})
    with _serving(socketserver.TCPServer(("127.0.0.1", 0), handler)) as port:
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "astrid@example.org"}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("ASTRID_NOTIFY_EMAIL", "vera@example.org, dan@example.org")
        yield handler


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hook]]:
    handler = type("Hook", (_Hook,), {"got": []})
    with _serving(HTTPServer(("127.0.0.1", 0), handler)) as port:
        monkeypatch.setenv("ASTRID_NOTIFY_WEBHOOK", f"http://127.0.0.1:{port}{SECRET}")
        yield handler


def _ask(body: str = "| <b> | {{ 7 * 7 }} |") -> None:
    """Tell of a question as Airflow does, when its text has been rendered already."""
    question = approval(task_id="approve", subject="Use astrid-detection/4?", body=body)
    instance: Any = SimpleNamespace(dag_id="train_detector", run_id="r1", task_id="approve", map_index=-1)
    for notifier in question.notifiers:
        notifier({"task": question, "task_instance": instance, "ti": instance, "dag": None})


def test_people_get_a_letter_with_the_question_and_the_way_to_it(mailbox: type[_Mailbox]) -> None:
    _ask()
    (raw,) = mailbox.got
    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["Subject"] == "Use astrid-detection/4?"
    assert [one.split(b"<")[1] for one in mailbox.recipients] == [b"vera@example.org>", b"dan@example.org>"]
    text = letter.get_body(("html",)).get_content()  # type: ignore[union-attr]
    # What comes out of files is text: neither markup nor a template.
    assert "| &lt;b&gt; | {{ 7 * 7 }} |" in text
    assert "/dags/train_detector/runs/r1/tasks/approve/required_actions" in text


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    """What the notifier logs, however Airflow has set up logging by then."""
    capture = LogCapture()
    every = structlog.make_filtering_bound_logger("debug")
    log = structlog.wrap_logger(None, processors=[capture], wrapper_class=every)
    monkeypatch.setattr("include.notices.log", log)
    return capture


def test_a_webhook_gets_the_same_and_its_address_is_in_no_log(
    hook: type[_Hook], said: LogCapture, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    for status in (200, 404):
        hook.status = status
        _ask()
    (path, told), again = hook.got
    assert (path, told) == (SECRET, again[1])
    assert told["text"].startswith("Use astrid-detection/4?\n\n| &lt;b&gt; | {{ 7 * 7 }} |\n\nhttp")
    out = capsys.readouterr()
    assert "answered 404" in str(said.entries)
    assert SECRET not in caplog.text + out.out + out.err + str(said.entries)


def test_a_question_waits_although_nobody_could_be_told(monkeypatch: pytest.MonkeyPatch, said: LogCapture) -> None:
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": 1, "extra": {"from_email": "a@example.org"}}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("ASTRID_NOTIFY_EMAIL", "vera@example.org")
    monkeypatch.setenv("ASTRID_NOTIFY_WEBHOOK", f"http://127.0.0.1:1{SECRET}")
    _ask()
    assert [one["event"] for one in said.entries] == ["notice.not_mailed", "notice.not_posted"]
    assert SECRET not in str(said.entries)


def test_nothing_is_sent_where_nothing_is_configured(monkeypatch: pytest.MonkeyPatch, said: LogCapture) -> None:
    monkeypatch.delenv("ASTRID_NOTIFY_EMAIL", raising=False)
    monkeypatch.delenv("ASTRID_NOTIFY_WEBHOOK", raising=False)
    _ask()
    assert [one["event"] for one in said.entries] == ["notice.told_nobody"]
