"""Tell people how a run gets on, and why it failed."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from include.local.client import Run, TaskState
from include.local.home import Home

Say = Callable[[str], None]

_QUIET_S = 20.0
"""A line that has not changed is said again after this long."""
_N_LINES = 6
_FAILED = "Task failed with exception"
"""Airflow's own words; what led to it stands behind."""


class Progress:
    """Says a line about a run whenever there is something new."""

    def __init__(self, what: str, say: Say) -> None:
        self._what = what
        self._say = say
        self._last = ""
        self._said_at = 0.0

    def __call__(self, run: Run) -> None:
        """Look at the run."""
        line = told(run)
        now = time.monotonic()
        if line != self._last or now - self._said_at > _QUIET_S:
            self._say(f"{self._what}: {line}")
            self._last, self._said_at = line, now


def told(run: Run) -> str:
    """Return one line: how many tasks are done, and which ones run."""
    counts = Counter(one.state for one in run.tasks)
    over = sum(counts[state] for state in ("success", "skipped", "failed", "upstream_failed"))
    parts = [f"{over}/{len(run.tasks)} tasks done"]
    running = Counter(one.task.rpartition(".")[2] for one in run.tasks if one.state == "running")
    if running:
        parts.append("now " + ", ".join(f"{name} ({n} batches)" if n > 1 else name for name, n in running.items()))
    parts += [f"{counts[state]} {state.replace('_', ' ')}" for state in ("up_for_retry", "failed") if counts[state]]
    return ", ".join(parts)


def why_failed(home: Home, run: Run) -> str:
    """Return what the tasks that failed wrote last, and where to read more."""
    parts = [f"{run.dag} failed"]
    for task in run.failed:
        log = task_log(home, run, task)
        parts += [
            f"  {task.task} {task.label or ''} (attempt {task.attempt}), {log}:",
            *(f"    {line}" for line in _end(log)),
        ]
    parts.append("next: read the log, mend the cause and run the same command again; finished work is not repeated")
    return "\n".join(parts)


def task_log(home: Home, run: Run, task: TaskState) -> Path:
    """Return the file where Airflow keeps what the last attempt of a task wrote."""
    where = home.logs / "tasks" / f"dag_id={run.dag}" / f"run_id={run.id}" / f"task_id={task.task}"
    if task.map_index >= 0:
        where /= f"map_index={task.map_index}"
    return where / f"attempt={task.attempt}.log"


def _end(log: Path) -> list[str]:
    """Return the last warnings and errors of a log of JSON lines; the last lines where there are none."""
    if not log.exists():
        return ["no log was written"]
    events = [_event(line) for line in log.read_text(errors="replace").splitlines()]
    grave = [text for level, text in events if level in {"warning", "error", "critical"}]
    failures = [text for text in grave if text.startswith(_FAILED)]
    return failures[-1:] or (grave or [text for _, text in events])[-_N_LINES:]


def _event(line: str) -> tuple[str, str]:
    try:
        entry = json.loads(line)
    except ValueError:
        return "", line
    if not isinstance(entry, dict):
        return "", line
    # The outermost of the exceptions: the others led to it.
    causes = [f"{one.get('exc_type')}: {one.get('exc_value')}" for one in (entry.get("error_detail") or [])[:1]]
    return str(entry.get("level", "")), ": ".join([str(entry.get("event", "")), *causes])
