"""Probes and dashboards learn which part does not work; a stranger learns nothing else."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from astrid_core.settings import Settings
from astrid_core.shared.errors import DatabaseUnavailable, RegistryUnavailable, StorageUnavailable
from astrid_core.stages.services import Services
from astrid_core.telemetry.figures import ALERTS, DISK, PARTS, QUEUE
from astrid_core.telemetry.open import close_telemetry, flush_telemetry
from include.api.app import Api, create_app
from include.api.context import Context
from tests.api.client import Client, NamedIdentity, named
from tests.api.night import services_in
from tests.telemetry.receiver import receiving

SECRET = "postgresql://astrid:hunter2@db.internal/astrid"


class Broken:
    """Whatever it is asked for, it does the same wrong."""

    def __init__(self, wrong: Any) -> None:
        self._wrong = wrong

    def __getattr__(self, name: str) -> Any:
        return self._wrong


def _raises(error: Exception) -> Any:
    def wrong(*_: object, **__: object) -> None:
        raise error

    return wrong


@contextmanager
def asked(made_app: Api, home: Path, **broken: Any) -> Iterator[Client]:
    """A stranger who asks an API of which parts are broken."""

    @contextmanager
    def opener(settings: Settings) -> Iterator[Services]:
        with services_in(settings) as services:
            yield replace(services, **broken)

    made_app.state.context = Context(Settings(home=home, health_timeout_s=0.5), opener)
    client = Client(made_app)
    try:
        yield client
    finally:
        client.close()


def test_everything_that_works_is_named_with_its_seconds(made_app: Api, home: Path) -> None:
    with asked(made_app, home) as client:
        answer = client.get("/health/deep")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert {name: part["status"] for name, part in answer.json()["parts"].items()} == {
        "database": "up", "storage": "up", "models": "up",
    }  # fmt: skip
    assert all(0.0 <= part["seconds"] < 0.5 for part in answer.json()["parts"].values())


@pytest.mark.parametrize(
    ("broken", "part", "problem", "is_ready"),
    [
        ({"transaction": _raises(DatabaseUnavailable("no answer", address=SECRET))},
         "database", "DatabaseUnavailable", False),
        ({"artifacts": Broken(_raises(StorageUnavailable(f"no answer of {SECRET}")))},
         "storage", "StorageUnavailable", False),
        ({"models": Broken(_raises(RegistryUnavailable("no answer", uri=SECRET)))},
         "models", "RegistryUnavailable", True),
    ],
)  # fmt: skip
def test_a_part_that_is_down_is_named_and_its_address_is_not(
    made_app: Api, home: Path, broken: dict[str, Any], part: str, problem: str, is_ready: bool
) -> None:
    with asked(made_app, home, **broken) as client:
        deep, ready, live = (client.get(f"/health/{one}") for one in ("deep", "ready", "live"))

    assert deep.status_code == 503
    down = {name: one for name, one in deep.json()["parts"].items() if one["status"] == "down"}
    assert (set(down), down[part]["problem"]) == ({part}, problem)
    assert deep.json()["status"] == "degraded"
    assert ready.status_code == (200 if is_ready else 503)
    assert live.status_code == 200
    assert "hunter2" not in deep.text + ready.text + live.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_a_part_is_down_and_says_nothing(made_app: Api, home: Path) -> None:
    with asked(made_app, home, models=Broken(_raises(ZeroDivisionError(SECRET)))) as client:
        answer = client.get("/health/deep")

    assert answer.json()["parts"]["models"]["problem"] == "unexpected error"
    assert "hunter2" not in answer.text


def test_a_part_that_hangs_holds_up_neither_the_answer_nor_the_others_and_is_not_asked_again(
    made_app: Api, home: Path
) -> None:
    go_on, n_asked = threading.Event(), 0

    def hang(*_: object) -> None:
        nonlocal n_asked
        n_asked += 1
        go_on.wait(30.0)

    with asked(made_app, home, models=Broken(hang)) as client:
        try:
            answers = [client.get("/health/deep") for _ in range(3)]
        finally:
            go_on.set()

    for answer in answers:
        parts = answer.json()["parts"]
        assert parts["models"]["problem"] == "no answer in time"
        assert parts["models"]["seconds"] >= 0.5
        assert parts["database"]["status"] == parts["storage"]["status"] == "up"
        assert answer.elapsed.total_seconds() < 5.0
    assert n_asked == 1


def test_parts_are_not_asked_again_for_every_stranger(made_app: Api, home: Path) -> None:
    n_asked = 0

    def count(*_: object) -> None:
        nonlocal n_asked
        n_asked += 1

    with asked(made_app, home, models=Broken(count)) as client:
        assert {one.status_code for one in client.ask_all([("GET", "/health/deep")] * 20)} == {200}

    assert n_asked == 1


def test_archives_are_told_to_whoever_is_known_and_are_no_fault_of_ours(made_app: Api, home: Path) -> None:
    surveys = {"sky": Broken(_raises(StorageUnavailable("away")))}
    with asked(made_app, home, surveys=surveys) as client:
        assert client.get("/health/archives").status_code == 401
        answer = client.get("/health/archives", headers=named("vera", "viewer"))

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"]["sky"]["problem"] == "StorageUnavailable"


def test_what_lives_long_tells_queue_disk_and_parts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        client = Client(create_app([NamedIdentity()], Settings(home=home), opener=services_in))
        assert client.get("/health/ready").status_code == 200
        flush_telemetry()
        client.close()
        close_telemetry()

    assert {one["attributes"]["part"]: one["value"] for one in receiver.named(PARTS.name)} == {
        "database": 1.0, "storage": 1.0, "models": 1.0,
    }  # fmt: skip
    assert sum(one["value"] for one in receiver.named(QUEUE.name)) > 0
    assert len(receiver.named(ALERTS.name)) >= 1
    assert receiver.named(DISK.name)[0]["value"] > 1e6
    assert json.dumps(receiver.points)
