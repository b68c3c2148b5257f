"""One night of a survey, metered: ``python -m benchmarks.load_meter --data FOLDER --night NIGHT`` prints JSON.

It is ``astrid run`` in a home of its own (records in SQLite, artifacts in a folder), with a counter around every stage:
processor time, calls of the artifact store and bytes, transactions. What a stage costs is put down to the stage that
was called last and has not returned.
"""

import argparse
import functools
import importlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from astrid_core.adapters.db.engine import Database
from astrid_core.adapters.storage.folder import FolderArtifacts
from astrid_core.cli.main import main as astrid
from astrid_core.shared.artifacts import ArtifactRef

STAGES = {
    name: (f"astrid_core.stages.{name}", f"run_{name}")
    for name in (
        "ingest", "preprocess", "build_reference", "difference", "detect", "curate", "publish", "forced", "context",
        "track", "report", "export",
    )
} | {"inject": ("astrid_core.stages.inject", "run_injection")}  # fmt: skip
"""Module and function of each stage of ``astrid run``."""
_CALLS = ("put", "put_file", "get", "part", "contains", "size")
OUTSIDE = "outside"
"""What no stage has asked for: the plan of a night, above all."""


@dataclass(slots=True)
class Tally:
    """What one stage has cost so far."""

    n_calls: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    n_transactions: int = 0
    store: dict[str, int] = field(default_factory=dict)
    """Calls of the artifact store by name; ``put`` and ``again`` tell new bytes from known ones."""
    written: dict[str, int] = field(default_factory=dict)
    """New bytes by type of artifact."""
    objects: dict[str, int] = field(default_factory=dict)
    """New artifacts by type."""


class Meter:
    """Counts by stage while it is open."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self._open: list[str] = []
        self._is_inside = False
        self._known: set[str] = set()

    @property
    def now(self) -> Tally:
        """The tally of the stage that runs."""
        return self.tallies.setdefault(self._open[-1] if self._open else OUTSIDE, Tally())

    def stage(self, name: str, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return a stage that is metered."""

        @functools.wraps(run)
        def metered(*values: Any, **named: Any) -> Any:
            self._open.append(name)
            cpu_s, wall_s = time.process_time(), time.monotonic()
            try:
                return run(*values, **named)
            finally:
                tally = self.now
                self._open.pop()
                tally.n_calls += 1
                tally.cpu_s += time.process_time() - cpu_s
                tally.wall_s += time.monotonic() - wall_s

        return metered

    def stored(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method of the artifact store that is counted, but not where the store calls itself."""

        @functools.wraps(call)
        def counted(store: FolderArtifacts, *values: Any, **named: Any) -> Any:
            if self._is_inside:
                return call(store, *values, **named)
            self._is_inside = True
            try:
                result = call(store, *values, **named)
            finally:
                self._is_inside = False
            tally = self.now
            if name.startswith("put"):
                self._put(result)
            else:
                tally.store[name] = tally.store.get(name, 0) + 1
            return result

        return counted

    def _put(self, ref: ArtifactRef) -> None:
        word, tally, kind = "again" if ref.digest in self._known else "put", self.now, ref.media_type
        tally.store[word] = tally.store.get(word, 0) + 1
        if word == "put":
            self._known.add(ref.digest)
            tally.written[kind] = tally.written.get(kind, 0) + ref.n_bytes
            tally.objects[kind] = tally.objects.get(kind, 0) + 1

    def transacted(self, begin: Callable[..., Any]) -> Callable[..., Any]:
        """Return what begins transactions, counted."""

        @functools.wraps(begin)
        def counted(*values: Any, **named: Any) -> Any:
            self.now.n_transactions += 1
            return begin(*values, **named)

        return counted


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Meter every stage that begins inside of the block."""
    with ExitStack() as patches:
        for name, (module, function) in STAGES.items():
            run = getattr(importlib.import_module(module), function)
            patches.enter_context(patch(f"{module}.{function}", meter.stage(name, run)))
        for name in _CALLS:
            patches.enter_context(
                patch.object(FolderArtifacts, name, meter.stored(name, getattr(FolderArtifacts, name)))
            )
        patches.enter_context(patch.object(Database, "transaction", meter.transacted(Database.transaction)))
        yield


def measure(data: Path, night: str, home: Path) -> Mapping[str, Any]:
    """Run one night of a survey in an empty home; return tallies by stage, rows by table and events by name."""
    os.environ["ASTRID_HOME"] = str(home)
    os.environ.pop("ASTRID_DATABASE_URL", None)
    meter = Meter()
    with metered(meter), redirect_stdout(StringIO()):
        status = astrid(["run", "--data", str(data), "--survey", "load", "--night", night])
    if status:
        message = f"astrid run ended with {status}"
        raise RuntimeError(message)
    records = home / "astrid.sqlite"
    rows, events = counts(records)
    return {"stages": {name: asdict(tally) for name, tally in meter.tallies.items()}, "rows": rows, "events": events}


def counts(records: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return rows by table and events by name of an SQLite database of ours."""
    with sqlite3.connect(records) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        # The names are the database's own.
        rows = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(tables)}  # noqa: S608
        events = dict(connection.execute("SELECT name, count(*) FROM domain_event GROUP BY name ORDER BY name"))
    return rows, events


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--night", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="astrid_load_") as home:
        print(json.dumps(measure(arguments.data, arguments.night, Path(home)), indent=1))


if __name__ == "__main__":
    main()
