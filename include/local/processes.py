"""Processes that we started: remembered so that exactly these are stopped, also after a crash."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_POLL_S = 0.1
_left: list[subprocess.Popen[bytes]] = []
"""Children that may outlive us; those that end before are buried by ``stop``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """One process, leader of a group of its own."""

    pid: int
    created: float
    """Together with the number, the creation time tells it from a later process that got the same number."""

    def is_running(self) -> bool:
        """Tell whether it is still there."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def start(command: Sequence[str], environment: Mapping[str, str], log: Path, *, cwd: Path) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own; what it prints is appended to ``log``."""
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own commands
            command, env=dict(environment), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip


def leave(process: subprocess.Popen[bytes]) -> Started:
    """Let a process go on when we end; return how to recognise it."""
    _left.append(process)
    return started(process.pid)


def started(pid: int) -> Started:
    """Return how to recognise a process that runs now."""
    return Started(pid=pid, created=psutil.Process(pid).create_time())


def stop(processes: Sequence[Started], *, grace_s: float) -> None:
    """End these groups: TERM, and KILL for what is left of them after ``grace_s``."""
    running = [one for one in processes if one.is_running()]
    for one in running:
        one.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and any(one.is_running() for one in running):
        time.sleep(_POLL_S)
    for one in running:
        # Also where the leader is gone: the number of a group stays taken as long as it has a member.
        one.signal(signal.SIGKILL)
    while any(one.is_running() for one in running):
        time.sleep(_POLL_S)
    _left[:] = [one for one in _left if one.poll() is None]


def write_started(path: Path, processes: Mapping[str, Started]) -> None:
    """Remember processes in a file."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps({name: asdict(one) for name, one in processes.items()}))
    scratch.replace(path)


def read_started(path: Path) -> dict[str, Started]:
    """Return the processes in a file; none where there is no file."""
    if not path.exists():
        return {}
    return {name: Started(**one) for name, one in json.loads(path.read_text()).items()}
