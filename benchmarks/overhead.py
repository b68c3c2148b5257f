"""What Airflow itself costs per exposure, beside the science: ``python -m benchmarks.overhead --work DIR``.

A system in DIR searches nights of a simulated survey, in its workers and in pods that a server on loopback runs as
processes. Each process notes the CPU seconds of its stages (benchmarks/overhead_clock.py); what all processes together
spent beyond that, and beyond what they spend when nothing is to do, is the cost of running it on Airflow. Meanwhile
somebody looks at the health and the pages of the UI. Every night leaves DIR/<side>/<where>-<n>.json; ``--page`` writes
benchmarks/overhead.md of all that lie there.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.overhead_clock import source
from benchmarks.overhead_nights import NIGHT, copied, night_of, prepared
from benchmarks.overhead_page import PAGE, page
from benchmarks.overhead_system import DAG, Looking, spent_s
from include.local.client import Airflow
from include.local.environment import our_environment
from include.local.home import LOGIN, REPOSITORY, Home
from include.local.survey import Survey
from include.local.system import System, begin, down, wait_until_ready
from tests.fakes.kubernetes import Cluster

IDLE_S = 60.0
TOLD_EVERY_S = 60.0
_SETTLE_S = 30.0
_START_TIMEOUT_S = 900.0
_IMAGE = f"registry.example/astrid@sha256:{'0' * 64}"


@contextmanager
def system_in(home: Home, notes: Path, cluster: Cluster | None) -> Iterator[System]:
    """Start a system whose processes note what they spend, and stop it at the end."""
    for folder, name in ((home.airflow / "config", "airflow_local_settings"), (home.folder / "clock", "sitecustomize")):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(source(notes))
    pods = {} if cluster is None else {"ASTRID_COMPUTE": "kubernetes", "ASTRID_POD_IMAGE": _IMAGE}
    kubeconfig = {} if cluster is None else {"KUBECONFIG": str(cluster.kubeconfig)}
    with patch.dict(os.environ, pods | kubeconfig):
        try:
            system = begin(home, print, scheduled=False)
            wait_until_ready(system, timeout_s=_START_TIMEOUT_S)
            if cluster is not None:
                # What config maps and secrets are in a cluster.
                cluster.environment = our_environment(home, system.postgres) | {
                    "PYTHONPATH": f"{home.folder / 'clock'}:{REPOSITORY}", "ASTRID_ARRAYS": "numpy",
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                }  # fmt: skip
            yield system
        finally:
            down(home)


def idle(system: System, run_id: str) -> dict[str, float]:
    """Return the CPU seconds per second that each part spends while nothing is to do and somebody looks at a run."""
    time.sleep(_SETTLE_S)
    with Looking(system, run_id) as looking:
        before, began = spent_s(system), time.monotonic()
        while time.monotonic() - began < IDLE_S:
            time.sleep(1.0)
            looking.state()
        after, wall_s = spent_s(system), time.monotonic() - began
    return {name: (after[name] - before[name]) / wall_s for name in after}


def search(system: System, survey: str, folder: Path, notes: Path) -> Iterator[dict[str, Any]]:
    """Search a night, and yield now and then, and at its end, everything that was measured of it."""
    Survey.register(survey, folder, system.home, system.postgres)
    airflow = Airflow(url=system.address.url, login=LOGIN, password=system.home.password())
    before, began, n_notes = spent_s(system), time.monotonic(), len(_lines(notes))
    run_id = airflow.trigger(DAG, {"survey": survey}, night=NIGHT)
    state, told = "", began
    with Looking(system, run_id) as looking:
        while state not in {"success", "failed"}:
            time.sleep(1.0)
            state = looking.state()
            if time.monotonic() - told < TOLD_EVERY_S and state not in {"success", "failed"}:
                continue
            after, told = spent_s(system), time.monotonic()
            yield {
                "state": state, "run_id": run_id, "wall_s": told - began, "n_exposures": len([*folder.iterdir()]),
                "spent_s": {name: after[name] - before[name] for name in after}, "seen": looking.seen.summary(),
                "tasks": [
                    [one.task, one.map_index, one.state] for one in airflow.run(DAG, run_id).tasks if one.attempt
                ],
                "notes": [json.loads(line) for line in _lines(notes)[n_notes:]],
            }  # fmt: skip


def _lines(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []


def measure(work: Path, where: str, counts: Sequence[int], *, side_pix: int, n_simulated: int, n_corners: int) -> None:
    """Search nights of so many exposures, and corners, one after the other, in a fresh copy of the prepared home."""
    work = work / f"{side_pix}"
    work.mkdir(exist_ok=True, parents=True)
    name = f"{where}_corners" if n_corners else where
    home, notes = (
        copied(prepared(work, side_pix=side_pix, n_exposures=n_simulated), work / name),
        work / f"{name}.notes",
    )
    notes.unlink(missing_ok=True)
    with Cluster(work) as cluster, system_in(home, notes, cluster if where == "pods" else None) as system:
        nights: dict[Path, dict[str, Any]] = {}
        for n_full in counts:
            folder = night_of(work / f"{name}_{n_full}", work / "survey", n_full, n_corners)
            out = work / f"{name}-{n_full}.json"
            for found in search(system, f"n{n_full + n_corners}", folder, notes):
                nights[out] = found | {"where": where, "side_pix": side_pix, "n_full": n_full, "idle": {}}
                out.write_text(json.dumps(nights[out]))
                print(name, n_full, found["state"], round(found["wall_s"]), found["spent_s"], flush=True)
        # At the end: whoever looked at the pages of the nights costs now what it cost then.
        rates = idle(system, nights[out]["run_id"])
        print(name, "idle", rates, flush=True)
        for out, night in nights.items():
            out.write_text(json.dumps(night | {"idle": rates}))


def main() -> None:
    """Measure, and print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="for everything that is made; what is there is used")
    parser.add_argument("--local", type=int, nargs="*", default=(), metavar="N", help="exposures of a night")
    parser.add_argument("--pods", type=int, nargs="*", default=(), metavar="N", help="the same, in pods")
    parser.add_argument("--side", type=int, default=512, metavar="PIX", help="of exposures")
    parser.add_argument("--corners", type=int, default=0, metavar="N", help="of exposures, in each night besides")
    parser.add_argument("--note", default="", metavar="TEXT", help="what to tell about the machine, on the page")
    parser.add_argument("--page", action="store_true", help="write benchmarks/overhead.md")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    for where, counts in (("local", arguments.local), ("pods", arguments.pods)):
        if counts:
            measure(
                work, where, counts, side_pix=arguments.side, n_corners=arguments.corners,
                n_simulated=max(*arguments.local, *arguments.pods, 0),
            )  # fmt: skip
    text = page([json.loads(path.read_text()) for path in sorted(work.glob("*/*-*.json"))], arguments.note)
    print(text)
    if arguments.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
