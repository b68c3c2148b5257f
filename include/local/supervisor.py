"""Keep the processes of Airflow running: start them in order, start again what ends, stop all on TERM."""

import contextlib
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog

from include.local.home import REPOSITORY, Home
from include.local.processes import Started, start, started, stop, write_started

AIRFLOW: Mapping[str, Sequence[str]] = {
    "api-server": (sys.executable, "-m", "airflow", "api-server", "--workers", "1"),
    "dag-processor": (sys.executable, "-m", "airflow", "dag-processor"),
    "scheduler": (sys.executable, "-m", "include.local.scheduler", "--skip-serve-logs"),
    "triggerer": (sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"),
}
"""Component to command."""
_AFTER_API_SERVER = ("scheduler", "triggerer")
"""A scheduler without API server would fail its tasks."""
_GRACE_S = 10.0
_POLL_S = 0.25
_LONGEST_WAIT_S = 30.0
_STABLE_S = 60.0

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Component:
    """One process and its history."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    identity: Started | None = None
    started_at: float = 0.0
    wait_s: float = 0.5
    not_before: float = 0.0


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Runs in the foreground of a process of its own until it is told to stop."""

    home: Home
    environment: Mapping[str, str]
    commands: Mapping[str, Sequence[str]]
    """Component to command; started in this order."""
    may_follow: Callable[[], bool]
    """Tells whether the API server answers, so that those who need it may start."""
    _components: dict[str, _Component] = field(init=False)
    _stopping: bool = False
    _api_server_is_up: bool = False

    def __post_init__(self) -> None:
        self._components = {name: _Component(name=name) for name in self.commands}

    def run(self) -> None:
        """Start everything, watch over it, and stop it after SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_soon)
        try:
            while not self._stopping:
                self.look()
                time.sleep(_POLL_S)
        finally:
            self.stop_all()

    def stop_all(self) -> None:
        """End every component with all its children."""
        stop([one.identity for one in self._components.values() if one.identity is not None], grace_s=_GRACE_S)
        for component in self._components.values():
            if component.process is not None:
                component.process.wait()
                component.process = component.identity = None
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        log.info("supervisor.stopped", cpu_s=round(used.ru_utime + used.ru_stime, 1))

    def _stop_soon(self, number: int, _: FrameType | None) -> None:
        log.info("supervisor.stopping", signal=number)
        self._stopping = True

    def look(self) -> None:
        """Start what is not running and may run."""
        now = time.monotonic()
        for component in self._components.values():
            self._bury(component, now)
            if component.process is not None or now < component.not_before:
                continue
            if component.name in _AFTER_API_SERVER and not self._api_server_answers():
                continue
            self._start(component, now)

    def _bury(self, component: _Component, now: float) -> None:
        """Notice the end of a process, end what is left of its group, and decide when to start it again."""
        if component.process is None or component.process.poll() is None or component.identity is None:
            return
        component.identity.signal(signal.SIGKILL)
        lived_s = now - component.started_at
        component.wait_s = 0.5 if lived_s > _STABLE_S else min(2.0 * component.wait_s, _LONGEST_WAIT_S)
        component.not_before = now + component.wait_s
        log.warning("component.ended", component=component.name, status=component.process.returncode, lived_s=lived_s)
        component.process = None
        component.identity = None

    def _api_server_answers(self) -> bool:
        self._api_server_is_up = self._api_server_is_up or self.may_follow()
        return self._api_server_is_up

    def _start(self, component: _Component, now: float) -> None:
        component.process = start(
            self.commands[component.name], self.environment, log_of(self.home, component.name), cwd=REPOSITORY
        )
        component.started_at = now
        with contextlib.suppress(ProcessLookupError):
            component.identity = started(component.process.pid)
        log.info("component.started", component=component.name, pid=component.process.pid)
        everybody = {one.name: one.identity for one in self._components.values() if one.identity is not None}
        write_started(self.home.processes.with_name("components.json"), everybody)


def log_of(home: Home, component: str) -> Path:
    """Return where a component writes."""
    return home.logs / f"{component}.log"
