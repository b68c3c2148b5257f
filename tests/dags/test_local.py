"""The parts of ``make up`` that need no Airflow."""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from include.local.client import Run, TaskState
from include.local.environment import Address, choose_address, environment
from include.local.home import Home
from include.local.postgres import Postgres
from include.local.processes import Started, read_started, start, started, stop, write_started
from include.local.progress import told, why_failed
from include.local.supervisor import Supervisor

_SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def home() -> Iterator[Home]:
    # Not below tmp_path: run as root, PostgreSQL is somebody else, and every pytest closes its folders to others again.
    with tempfile.TemporaryDirectory(prefix="astrid-home-") as folder:
        yield Home.open(Path(folder) / "home")


@pytest.fixture
def postgres(home: Home) -> Iterator[Postgres]:
    server = Postgres(data=home.postgres, log=home.logs / "postgres.log")
    yield server
    server.stop()


def test_secrets_are_made_up_once_and_for_the_owner_only(home: Home) -> None:
    password = home.password()
    assert len(password) >= 24
    assert home.password() == password
    assert home.secret("jwt") != home.secret("session")
    assert stat.S_IMODE(home.passwords.stat().st_mode) == 0o600
    assert json.loads(home.passwords.read_text()) == {"admin": password}


def test_every_home_has_a_password_of_its_own(home: Home, tmp_path: Path) -> None:
    assert Home.open(tmp_path / "other").password() != home.password()


def test_the_address_is_loopback_and_the_last_port_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASTRID_BIND", raising=False)
    first = choose_address(Address(host="127.0.0.1", port=0))
    assert first.host == "127.0.0.1"
    assert choose_address(first).port == first.port


@pytest.mark.parametrize(("said", "path"), [("", ""), ("/", ""), ("observatory", "/observatory"), ("/a/b/", "/a/b")])
def test_a_path_stands_before_every_address(home: Home, monkeypatch: pytest.MonkeyPatch, said: str, path: str) -> None:
    monkeypatch.setenv("ASTRID_PATH", said)
    address = choose_address(Address(host="127.0.0.1", port=0))
    found = environment(home, Postgres(data=home.postgres, log=home.logs / "postgres.log"), address)
    assert address.url == f"http://127.0.0.1:{address.port}{path}"
    assert found["AIRFLOW__API__BASE_URL"] == address.url
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"{address.url}/execution/"


def test_no_setting_of_another_airflow_leaks_in(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    server = Postgres(data=home.postgres, log=home.logs / "postgres.log")
    found = environment(home, server, Address(host="127.0.0.1", port=1234), scheduled=False)
    assert found["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert found["AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"] == "False"
    assert found["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:1234/execution/"


def test_the_database_keeps_what_was_committed_through_a_hard_restart(home: Home, postgres: Postgres) -> None:
    postgres.start(["one", "two"])
    postgres.start(["one", "two"])
    engine = create_engine(postgres.url("two"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (number int)"))
        connection.execute(text("INSERT INTO kept VALUES (7)"))
    engine.dispose()
    Home.open(home.folder)
    postgres.restart()
    assert postgres.ask("two", "SELECT number FROM kept") == "7"
    assert postgres.ask("two", "SELECT number FROM lost") is None
    postgres.stop()
    assert not postgres.is_running()
    postgres.stop()


def test_the_database_can_be_reached_by_its_owner_only(postgres: Postgres) -> None:
    postgres.start(["one"])
    assert postgres.ask("one", "SHOW listen_addresses") == ""
    assert stat.S_IMODE(postgres.socket.stat().st_mode) == 0o700


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    deep = Postgres(data=tmp_path / ("x" * 90), log=tmp_path / "log")
    assert len(str(deep.socket)) < 80
    assert deep.socket != Postgres(data=tmp_path / ("y" * 90), log=tmp_path / "log").socket


def test_a_process_and_its_children_end_together(tmp_path: Path) -> None:
    code = (
        f"import subprocess, sys; subprocess.Popen({_SLEEP!r}); print('ready', flush=True); import time; time.sleep(60)"
    )
    log = tmp_path / "log"
    process = start([sys.executable, "-c", code], os.environ, log, cwd=tmp_path)
    while "ready" not in log.read_text():
        time.sleep(0.05)
    stop([started(process.pid)], grace_s=5.0)
    process.wait(5.0)
    with pytest.raises(ProcessLookupError):
        _signal_group(process.pid)


def _signal_group(pid: int) -> None:
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        os.killpg(pid, 0)
        members = subprocess.run(["ps", "-o", "stat=", "-g", str(pid)], capture_output=True, text=True, check=False)
        if all(one.startswith("Z") for one in members.stdout.split()):
            raise ProcessLookupError
        time.sleep(0.05)


def test_a_stale_number_harms_nobody(tmp_path: Path) -> None:
    process = start(_SLEEP, os.environ, tmp_path / "log", cwd=tmp_path)
    path = tmp_path / "processes.json"
    stale = Started(pid=process.pid, created=started(process.pid).created - 100.0)
    write_started(path, {"old": stale})
    stop([*read_started(path).values()], grace_s=0.0)
    assert process.poll() is None
    stop([started(process.pid)], grace_s=2.0)
    process.wait(5.0)


def test_a_component_that_dies_is_started_again_and_all_stop_on_term(home: Home) -> None:
    """In a process of its own, because it takes signals."""
    code = (
        "from pathlib import Path; import os\n"
        "from include.local.home import Home\n"
        "from include.local.supervisor import Supervisor\n"
        f"commands = {{'api-server': {_SLEEP!r}, 'scheduler': {_SLEEP!r}}}\n"
        f"Supervisor(home=Home.open(Path({str(home.folder)!r})), environment=os.environ, commands=commands,"
        " may_follow=lambda: True).run()"
    )
    supervisor = start([sys.executable, "-c", code], os.environ, home.logs / "supervisor.log", cwd=Path.cwd())
    first = _component(home, "scheduler")
    os.kill(first.pid, signal.SIGKILL)
    second = _component(home, "scheduler", other_than=first)
    assert second.is_running()
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(15.0) == 0
    assert not second.is_running()
    assert not _component(home, "api-server").is_running()


def _component(home: Home, name: str, other_than: Started | None = None) -> Started:
    deadline = time.monotonic() + 15.0
    while time.monotonic() < deadline:
        found = read_started(home.folder / "components.json").get(name)
        if found is not None and found != other_than:
            return found
        time.sleep(0.05)
    message = f"{name} was not started"
    raise AssertionError(message)


def test_the_scheduler_waits_for_the_api_server(home: Home) -> None:
    is_up = threading.Event()
    supervisor = Supervisor(
        home=home, environment=os.environ, commands={"api-server": _SLEEP, "scheduler": _SLEEP}, may_follow=is_up.is_set
    )
    try:
        supervisor.look()
        assert set(read_started(home.folder / "components.json")) == {"api-server"}
        is_up.set()
        supervisor.look()
        assert set(read_started(home.folder / "components.json")) == {"api-server", "scheduler"}
    finally:
        supervisor.stop_all()


def _run(*states: tuple[str, str, int]) -> Run:
    tasks = tuple(
        TaskState(id="", task=task, map_index=index, label="", state=state, attempt=1) for task, state, index in states
    )
    return Run(dag="nightly_survey", id="asked__1", state="failed", tasks=tasks)


def test_progress_tells_what_is_done_and_what_runs() -> None:
    run = _run(
        ("begin", "success", -1),
        ("search_batch.detect", "running", 0),
        ("search_batch.detect", "running", 1),
        ("publish", "waiting", -1),
        ("plan", "skipped", -1),
        ("curate", "up_for_retry", -1),
    )
    assert told(run) == "2/6 tasks done, now detect (2 batches), 1 up for retry"


def test_a_failure_shows_the_end_of_the_right_log(home: Home) -> None:
    folder = home.logs / "tasks/dag_id=nightly_survey/run_id=asked__1/task_id=publish/map_index=1"
    folder.mkdir(parents=True)
    lines = [
        {"level": "info", "event": "started"},
        {
            "level": "error",
            "event": "Task failed with exception",
            "error_detail": [{"exc_type": "GateClosed", "exc_value": "column=x"}],
        },
    ]
    (folder / "attempt=1.log").write_text("\n".join(json.dumps(line) for line in lines))
    text_ = why_failed(home, _run(("publish", "failed", 1), ("report", "upstream_failed", -1)))
    assert "GateClosed: column=x" in text_
    assert "started" not in text_
    assert str(folder / "attempt=1.log") in text_
    assert "next:" in text_
