"""What the processes of a system have spent, and whether they answer meanwhile."""

import resource
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Self

import httpx
import psutil

from include.local.home import LOGIN
from include.local.processes import read_started
from include.local.system import System

DAG = "nightly_survey"
PAGES_EVERY_S = 10.0
_POLL_S = 1.0
_TIMEOUT_S = 60.0
HEALTH = "/api/v2/monitor/health"


def spent_s(system: System) -> dict[str, float]:
    """Return the CPU seconds that each part of a system has used since it began, its ended children included."""
    parts = read_started(system.home.processes.with_name("components.json"))
    found = {name: _tree_s(psutil.Process(one.pid)) for name, one in parts.items() if name != "scheduler"}
    scheduler = psutil.Process(parts["scheduler"].pid)
    own = scheduler.cpu_times()
    found["scheduler"] = own.user + own.system
    found["workers and tasks"] = _tree_s(scheduler) - found["scheduler"]
    server = int((system.home.postgres / "postmaster.pid").read_text().split(maxsplit=1)[0])
    found["PostgreSQL"] = _tree_s(psutil.Process(server))
    # Pods are the only children that this process has while it measures.
    pods = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["pods"] = pods.ru_utime + pods.ru_stime
    return found


def _tree_s(process: psutil.Process) -> float:
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass(slots=True)
class Seen:
    """What somebody saw who looked at a system all the time."""

    heartbeats: set[str] = field(default_factory=set)
    answers_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """How long each page took."""
    n_errors: int = 0
    n_unhealthy: int = 0

    def longest_gap_s(self) -> float:
        """Return the longest time between two heartbeats of the scheduler that followed each other."""
        times = sorted(datetime.fromisoformat(one) for one in self.heartbeats.copy())
        return max(((later - sooner).total_seconds() for sooner, later in pairwise(times)), default=0.0)

    def summary(self) -> dict[str, Any]:
        """Return it in numbers."""
        pages = {page: quantiles(values) for page, values in self.answers_s.copy().items()}
        return {
            "gap_s": self.longest_gap_s(), "n_errors": self.n_errors, "n_unhealthy": self.n_unhealthy, "pages": pages
        }  # fmt: skip


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Return the number, the median, the 95th percentile and the largest."""
    ranked = sorted(values)
    at = [ranked[min(len(ranked) - 1, int(part * len(ranked)))] for part in (0.5, 0.95)]
    return {"n": len(ranked), "p50": at[0], "p95": at[1], "max": ranked[-1]}


class Looking:
    """Asks a system for its health each second, and for the pages of the night as a person does; use as a context."""

    def __init__(self, system: System, run_id: str | None = None) -> None:
        self._system = system
        self._run_id = run_id
        self.seen = Seen()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._client = httpx.Client(base_url=system.address.url, timeout=_TIMEOUT_S, trust_env=False)
        known = self._client.post("/auth/token", json={"username": LOGIN, "password": system.home.password()})
        self._client.headers["Authorization"] = f"Bearer {known.raise_for_status().json()['access_token']}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._client.close()

    def state(self) -> str:
        """Return how the run gets on."""
        answer = self._ask(f"/api/v2/dags/{DAG}/dagRuns/{self._run_id}", "state")
        return "" if answer is None else str(answer["state"])

    def _look(self) -> None:
        pages_at = 0.0
        while not self._end.is_set():
            self._health()
            if time.monotonic() - pages_at >= PAGES_EVERY_S:
                pages_at = time.monotonic()
                for name, path in self._pages().items():
                    self._ask(path, name)
            self._end.wait(_POLL_S)

    def _health(self) -> None:
        body = self._ask(HEALTH, "health")
        if body is None:
            return
        self.seen.heartbeats.add(body["scheduler"]["latest_scheduler_heartbeat"])
        parts = [one for one in body.values() if isinstance(one, Mapping)]
        self.seen.n_unhealthy += any(one["status"] != "healthy" for one in parts)

    def _pages(self) -> dict[str, str]:
        run, run_id = f"/api/v2/dags/{DAG}/dagRuns", self._run_id
        pages = {
            "runs of the DAG": f"{run}?limit=25",
            "grid: runs": f"/ui/grid/runs/{DAG}?limit=25",
            "grid: structure": f"/ui/grid/structure/{DAG}?limit=25",
        }
        if run_id is not None:
            pages["grid: tasks of the run"] = f"/ui/grid/ti_summaries/{DAG}?run_ids={run_id}"
            pages["tasks of the run, page of 50"] = f"{run}/{run_id}/taskInstances?limit=50"
        return pages

    def _ask(self, path: str, name: str) -> Any:
        started = time.monotonic()
        try:
            answer = self._client.get(path).raise_for_status()
        except httpx.HTTPError:
            self.seen.n_errors += 1
            return None
        if name != "state":
            self.seen.answers_s[name].append(time.monotonic() - started)
        return None if "ndjson" in answer.headers["content-type"] else answer.json()
