"""Search one night over and over while things break, and compare what comes out: ``python -m benchmarks.chaos``.

Each seed draws faults and their moments, starts a copy of the whole system on a store of its own (S3 on loopback), asks
for the night and hurts the system meanwhile. Runs that fail are asked for again, as an operator would, the faults being
over. Every fifth seed runs heavy stages in pods of a cluster on loopback. Rows go into FOLDER/chaos.jsonl; a seed that
is in it is not repeated. ``--page`` writes docs/chaos.md. As root, the system lies on a disk of its own, which can be
filled; with a C compiler its clock can be set.
"""

import argparse
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from astrid_core.bootstrap import open_services
from astrid_core.stages.scrub import scrub
from benchmarks.chaos_faults import (
    ANYWHERE,
    CLOCK,
    DISK,
    IN_PODS,
    Fault,
    NotYet,
    Victim,
    clock_library,
    wrong_clock,
)
from benchmarks.chaos_page import page
from benchmarks.chaos_stage import Stage, disk, environment, prepared_in
from include.local.client import Run
from include.local.environment import our_environment
from include.local.survey import settings_of
from include.local.system import begin
from tests.end_to_end.living import RUN_TIMEOUT_S, events_of, living_copy
from tests.end_to_end.small import NIGHT, SURVEY
from tests.fakes.kubernetes import Cluster

PAGE = Path(__file__).resolve().parents[1] / "docs" / "chaos.md"
N_FAULTS = 3
EVERY_IN_PODS = 5
MAX_RUNS = 4
DAG = "nightly_survey"


@dataclass(slots=True)
class Storm:
    """Faults with their moments; watches a run and strikes when their time has come."""

    victim: Victim
    due: list[tuple[float, str, Fault]]
    """Seconds after the start, soonest first."""
    started: float = field(default_factory=time.monotonic)
    struck: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, _: Run) -> None:
        """Look at the time."""
        now = time.monotonic() - self.started
        for moment in [one for one in self.due if one[0] <= now]:
            with contextlib.suppress(NotYet, psutil.NoSuchProcess, ProcessLookupError):
                what = moment[2](self.victim)
                self.struck.append({"fault": moment[1], "at_s": round(now, 1), "what": what})
                self.due.remove(moment)


def choose(
    seed: int, *, duration_s: float, in_pods: bool, can_fill: bool, can_jump: bool
) -> list[tuple[float, str, Fault]]:
    """Draw the faults of a seed and their moments within the time that an undisturbed night takes."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    kinds = {**ANYWHERE, **(IN_PODS if in_pods else {}), **(DISK if can_fill else {})}
    kinds |= CLOCK if can_jump else {}
    names = draw.sample(sorted(kinds), N_FAULTS)
    return sorted((draw.uniform(0.0, duration_s), name, kinds[name]) for name in names)


def search(stage: Stage, victim: Victim, storm: Storm) -> list[Run]:
    """Ask for the night until everything in it is done; return all runs."""
    living, runs = victim.living, list[Run]()
    survey = living.survey(SURVEY, stage.survey)
    while len(runs) < MAX_RUNS:
        run_id = living.airflow.trigger(DAG, {"survey": SURVEY}, night=NIGHT)
        runs.append(living.airflow.wait(DAG, run_id, timeout_s=RUN_TIMEOUT_S, watch=storm))
        while victim.runs:
            runs.append(living.airflow.wait(DAG, victim.runs.pop(), timeout_s=RUN_TIMEOUT_S, watch=storm))
        victim.wait()
        begin(living.home, print, scheduled=False)
        if not restored(victim) and runs[-1].state == "success" and not survey.left(NIGHT).n_pending:
            break
    return runs


def restored(victim: Victim) -> bool:
    """Bring back what rotted, as the handbook says, once a look at the store has named exactly that."""
    if not victim.rotten:
        return False
    with open_services(settings_of(victim.living.home, victim.living.system.postgres)) as services:
        named = scrub(services).corrupt
    if set(named) != {name.rpartition("/")[2] for name in victim.rotten}:
        raise AssertionError(named, victim.rotten.keys())
    for name, content in victim.rotten.items():
        victim.store.client().put_object(Bucket=victim.bucket, Key=name, Body=content)
    victim.rotten.clear()
    return True


def left_over(folder: Path) -> list[str]:
    """Return the processes that still work on a system after it was stopped."""
    told = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    return [" ".join(command) for command in told if any(f"{folder}/" in part for part in command)]


def once(stage: Stage, name: str, seed: int | None, duration_s: float) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Search the night in a new copy, with the faults of a seed; return what happened, and the catalog."""
    in_pods = seed is not None and seed % EVERY_IN_PODS == 0
    stage.fresh_bucket(name)
    here = stage.folder / name
    with contextlib.ExitStack() as stack:
        can_fill = stack.enter_context(disk(here, stage.prepared.folder))
        clock = clock_library(here)
        due = (
            []
            if seed is None
            else choose(seed, duration_s=duration_s, in_pods=in_pods, can_fill=can_fill, can_jump=clock is not None)
        )
        stack.enter_context(environment(ASTRID_ARTIFACTS=f"s3://{name}"))
        cluster = stack.enter_context(Cluster(here)) if in_pods else None
        if cluster is not None:
            image = f"registry.example/astrid@sha256:{'0' * 64}"
            told = {"ASTRID_COMPUTE": "kubernetes", "ASTRID_POD_IMAGE": image, "KUBECONFIG": str(cluster.kubeconfig)}
            stack.enter_context(environment(**told))
        if clock is not None and any(fault in CLOCK for _, fault, _ in due):
            stack.enter_context(environment(**wrong_clock(here, clock)))
        living = stack.enter_context(living_copy(stage.prepared, here / "home"))
        if cluster is not None:
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            ours = our_environment(living.home, living.system.postgres)
            cluster.environment = os.environ | ours | {"PATH": path, "ASTRID_ARRAYS": "numpy"}
        victim = Victim(
            living=living, store=stage.store, bucket=name, known=frozenset(stage.objects), folder=here,
            random=random.Random(seed), cluster=cluster,  # noqa: S311 - no secret
        )  # fmt: skip
        storm = Storm(victim, due)
        runs = search(stage, victim, storm)
        row = {
            "seed": seed, "wall_s": round(time.monotonic() - storm.started, 1), "faults": storm.struck,
            "store": dict(stage.store.quiet()), "runs": [run.state for run in runs],
            "retries": sum(max(0, task.attempt - 1) for run in runs for task in run.tasks),
            "n_events": events_of(living.home), "in_pods": in_pods,
            "pods_made": len(cluster.made) if cluster else 0, "pods_left": len(cluster.pods) if cluster else 0,
        }  # fmt: skip
        catalog = living.survey(SURVEY, stage.survey).export()
    return row | {"processes_left": left_over(here)}, catalog


def keep(folder: Path, catalog: Mapping[str, bytes]) -> None:
    """Write the files of a catalog, to be looked at."""
    for name, content in catalog.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run(stage: Stage, seeds: Sequence[int], kept: Path) -> None:
    """Run every seed that was not run yet, and write what came of it into a file."""
    calm, wanted = once(stage, "undisturbed", None, 0.0)
    keep(stage.folder / "different" / "undisturbed", wanted)
    done = {json.loads(line)["seed"] for line in kept.read_text().splitlines()} if kept.exists() else set()
    for seed in sorted(set(seeds) - done):
        try:
            row, catalog = once(stage, f"seed-{seed}", seed, calm["wall_s"])
            row["is_equal"] = catalog == wanted
            if not row["is_equal"]:
                keep(stage.folder / "different" / f"seed-{seed}", catalog)
        except Exception as error:  # noqa: BLE001 - one line of the table; the other seeds go on
            row = {"seed": seed, "error": f"{type(error).__name__}: {error}"[:2000]}
            stage.store.quiet()
        row["calm_s"] = calm["wall_s"]
        with kept.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="for everything that is made; used again")
    parser.add_argument("--seeds", type=int, nargs=2, default=(0, 50), metavar=("FIRST", "BEHIND"))
    parser.add_argument("--page", action="store_true", help="only write docs/chaos.md from what was run")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    kept = folder / "chaos.jsonl"
    if not arguments.page:
        with prepared_in(folder) as stage:
            run(stage, range(*arguments.seeds), kept)
    text = page([json.loads(line) for line in kept.read_text().splitlines()])
    print(text)
    if arguments.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
