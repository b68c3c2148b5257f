"""A whole system in a folder of its own, and ways to hurt it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from astrid_core.bootstrap import open_services
from astrid_core.shared.events import verify_chain
from include.local.client import Airflow, Run, TaskState
from include.local.home import LOGIN, REPOSITORY, Home
from include.local.processes import Started, read_started
from include.local.progress import why_failed
from include.local.survey import Survey, settings_of
from include.local.system import System, begin, database_of, down, wait_until_ready

RUN_TIMEOUT_S = 900.0
PERSON_S = 10.0
"""The soonest that a person answers."""


@dataclass(frozen=True, slots=True)
class Living:
    """A system that is up."""

    home: Home
    system: System
    airflow: Airflow

    def run(
        self,
        dag: str,
        conf: dict[str, object],
        *,
        night: str | None = None,
        watch: Callable[[Run], None] = lambda _: None,
    ) -> Run:
        """Run a DAG to its end, which must be a good one."""
        run_id = self.airflow.trigger(dag, conf, night=night)
        run = self.airflow.wait(dag, run_id, timeout_s=RUN_TIMEOUT_S, watch=watch)
        assert run.state == "success", why_failed(self.home, run)
        return run

    def backfill(self, dag: str, night: str, conf: dict[str, object]) -> Run:
        """Search one night by Airflow's own backfill, as its dialog in the UI does."""
        known = set(self.runs_of(dag))
        body = {"dag_id": dag, "from_date": f"{night}T00:00:00Z", "to_date": f"{night}T23:59:59Z", "dag_run_conf": conf}
        self.airflow._call("POST", "/backfills", {**body, "reprocess_behavior": "completed", "max_active_runs": 1})
        (run_id,) = set(self.runs_of(dag)) - known
        run = self.airflow.wait(dag, run_id, timeout_s=RUN_TIMEOUT_S)
        assert run.state == "success", why_failed(self.home, run)
        return run

    def until_asked(self, dag: str, run_id: str, task: str) -> str:
        """Wait until a run asks a person, and return where the answer goes."""
        deadline = time.monotonic() + RUN_TIMEOUT_S
        while time.monotonic() < deadline:
            run = self.airflow.run(dag, run_id)
            assert not run.is_over, why_failed(self.home, run)
            if any(one.task == task and one.state == "awaiting_input" for one in run.tasks):
                # Airflow forgets an answer that comes before the scheduler has seen the task wait; people are slower.
                time.sleep(PERSON_S)
                return f"/dags/{dag}/dagRuns/{run_id}/taskInstances/{task}/-1/hitlDetails"
            time.sleep(1.0)
        raise TimeoutError

    def runs_of(self, dag: str) -> dict[str, dict[str, object]]:
        """Return every run of a DAG by its id."""
        found = self.airflow._call("GET", f"/dags/{dag}/dagRuns?limit=100")["dag_runs"]
        return {one["dag_run_id"]: one for one in found}

    def page(self, path: str) -> httpx.Response:
        """Ask for a page of ours as somebody who is logged in to the UI does."""
        self.runs_of("nightly_survey")
        headers = {"Authorization": f"Bearer {self.airflow._token}"}
        return httpx.get(f"{self.system.address.url}{path}", headers=headers, timeout=30.0)

    def survey(self, name: str, folder: Path) -> Survey:
        return Survey.register(name, folder, self.home, self.system.postgres)

    def component(self, name: str) -> Started:
        return read_started(self.home.folder / "components.json")[name]

    def ended_components(self) -> list[str]:
        """Return the parts that the supervisor saw end, in order."""
        lines = (self.home.logs / "supervisor.log").read_text().splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [one["component"] for one in events if one["event"] == "component.ended"]


@contextlib.contextmanager
def living_in(home: Home) -> Iterator[Living]:
    """Start the system of a home, and stop it at the end."""
    try:
        system = begin(home, print, scheduled=False)
        wait_until_ready(system)
        yield Living(home, system, Airflow(url=system.address.url, login=LOGIN, password=home.password()))
    finally:
        down(home)


@contextlib.contextmanager
def living_copy(home: Home, folder: Path) -> Iterator[Living]:
    """Start the system of a copy of a home that is down."""
    with living_in(copied(home, folder)) as living:
        yield living


def copied(home: Home, folder: Path) -> Home:
    """Return a copy of a home that is down."""
    # The database belongs to another user where tests run as root.
    subprocess.run(["cp", "-a", str(home.folder), str(folder)], check=True)
    (folder / "logs" / "supervisor.log").unlink()
    return Home.open(folder)


def told_by_demo(home: Path, *arguments: str) -> str:
    """Run the demonstration in a home to its end, which must be a good one; return what it told."""
    done = subprocess.run(
        [sys.executable, "-m", "include.local", "demo", *arguments], cwd=REPOSITORY, text=True, check=False,
        env=os.environ | {"ASTRID_HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout
    return done.stdout


def events_of(home: Home) -> int:
    """Count the events of the log, each of which must still fit the one before it."""
    with open_services(settings_of(home, database_of(home))) as services, services.transaction() as records:
        return verify_chain(records.events.all())


def kill_scheduler(living: Living, _: TaskState) -> None:
    """End the scheduler and, as it happens when a container dies, nothing else."""
    os.kill(living.component("scheduler").pid, signal.SIGKILL)


def kill_task(living: Living, running: TaskState) -> None:
    """End the process that computes, not the one that watches over it; ProcessLookupError where it has just ended."""
    scheduler = psutil.Process(living.component("scheduler").pid)
    for process in scheduler.children(recursive=True):
        # Airflow calls the process so, and pads it; the worker above has the same id in its name, after other words.
        if " ".join(process.cmdline()).rstrip() == f"airflow worker -- {running.id}":
            process.send_signal(signal.SIGKILL)
            return
    raise ProcessLookupError(running)


def restart_database(living: Living, _: TaskState) -> None:
    living.system.postgres.restart()


@dataclass(slots=True)
class When:
    """Does something once, as soon as a task of this name is running."""

    task: str
    living: Living
    harm: Callable[[Living, TaskState], None]
    is_time: Callable[[], bool] = lambda: True
    is_done: bool = False

    def __call__(self, run: Run) -> None:
        running = [one for one in run.tasks if one.task == self.task and one.state == "running"]
        if running and not self.is_done and self.is_time():
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                self.harm(self.living, running[0])
                self.is_done = True
