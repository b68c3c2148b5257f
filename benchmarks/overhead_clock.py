"""CPU seconds of every item of a stage and of the body of every task, noted by the processes that compute them.

The benchmark has this installed in each process of a system: in Airflow's by ``airflow_local_settings.py``, in pods by
``sitecustomize.py``. The product knows nothing of it; both modules below are changed as soon as they are imported.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil


def source(notes: Path) -> str:
    """Return the lines of Python that install the clock in a process."""
    return f"from benchmarks.overhead_clock import install\n\ninstall({str(notes)!r})\n"


def install(notes: str) -> None:
    """Have this process and its children append to the file ``notes`` what they spend."""
    clock = _Clock(Path(notes))
    changes = {"astrid_core.shared.watching": clock.watch_items, "include.boundary": clock.watch_tasks}
    sys.meta_path.insert(0, _Finder(changes))


@dataclass(slots=True)
class _Clock:
    notes: Path
    is_inside: bool = False
    """Of an item: those within it are part of it."""

    def watch_items(self, module: ModuleType) -> None:
        """Note the items of every stage."""
        bare = module.Unwatched()

        class Watch:
            def __init__(self, stage: str) -> None:
                self._stage = stage

            @contextmanager
            def item(_self, name: str) -> Iterator[Any]:  # noqa: N805 - the clock is called self
                with self._timed("item", lambda: _self._stage), bare.item(name) as ending:
                    yield ending

        vars(module)["unwatched"] = Watch

    def watch_tasks(self, module: ModuleType) -> None:
        """Note the bodies of tasks."""
        bare = module.airflow_outcome

        @contextmanager
        def airflow_outcome(label: str = "") -> Iterator[None]:
            with self._timed("task", _task_id), bare(label):
                yield

        vars(module)["airflow_outcome"] = airflow_outcome

    @contextmanager
    def _timed(self, kind: str, name: Callable[[], str]) -> Iterator[None]:
        if self.is_inside:
            yield
            return
        self.is_inside = kind == "item"
        began, began_cpu_s = time.time(), time.process_time()
        try:
            yield
        finally:
            self.is_inside = False
            spent = {"cpu_s": time.process_time() - began_cpu_s, "began_cpu_s": began_cpu_s}
            self._note({"kind": kind, "name": name(), "began": began, "ended": time.time(), **spent})

    def _note(self, what: dict[str, Any]) -> None:
        process = psutil.Process()
        line = json.dumps({**what, "pid": process.pid, "created": process.create_time()}) + "\n"
        # One write each: many processes append.
        file = os.open(self.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


def _task_id() -> str:
    from airflow.sdk import get_current_context  # noqa: PLC0415 - there in tasks only

    return str(get_current_context()["ti"].task_id)


class _Finder(MetaPathFinder):
    def __init__(self, changes: Mapping[str, Callable[[ModuleType], None]]) -> None:
        self._changes = changes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the modules that are to be changed, and no other."""
        if fullname not in self._changes:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Changing(spec.loader, self._changes[fullname])
        return spec


class _Changing(Loader):
    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the real one."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then change it."""
        self._loader.exec_module(module)
        self._change(module)
