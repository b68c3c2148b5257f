"""Whether the processes of Airflow keep their memory over hours of work: ``python -m benchmarks.soak --home FOLDER``.

The folder must hold a demonstration (``ASTRID_HOME=FOLDER make demo``). Its system is started as ``make up`` does,
schedules included; one night after the other is asked for, all of whose exposures are searched already, so that the
scheduler has runs and tasks to handle all the time. What each process holds for itself (USS: what would be free if it
ended) goes into FOLDER/soak.jsonl. ``--page`` writes benchmarks/soak.md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from include.local.client import Airflow
from include.local.home import LOGIN, Home
from include.local.processes import read_started
from include.local.system import begin, down, wait_until_ready

PAGE = Path(__file__).resolve().parent / "soak.md"
SURVEY, NIGHT = "demo", "2024-03-17"
SAMPLE_S = 15.0
WARM_UP_S = 900.0
"""What is loaded and cached on first use is there by then."""
_MIB = 2**20
_RUN_TIMEOUT_S = 900.0


def samples(home: Home, hours: float, pause_s: float) -> Iterator[dict[str, float]]:
    """Keep the system busy; yield now and then the seconds since the start, and MiB by process."""
    system = begin(home, print)
    wait_until_ready(system)
    airflow = Airflow(url=system.address.url, login=LOGIN, password=home.password())
    started = time.monotonic()
    run_id, rested, n_runs = None, 0.0, 0
    while (now := time.monotonic() - started) < hours * 3600.0:
        if run_id is not None and airflow.run("nightly_survey", run_id).is_over:
            run_id, rested, n_runs = None, now, n_runs + 1
        if run_id is None and (now - rested >= pause_s or not n_runs):
            run_id = airflow.trigger("nightly_survey", {"survey": SURVEY}, night=NIGHT)
        parts = read_started(home.processes.with_name("components.json"))
        held = {name: psutil.Process(one.pid).memory_full_info().uss / _MIB for name, one in parts.items()}
        yield {"after_s": round(now, 1), "n_runs": n_runs, **{name: round(mib, 2) for name, mib in held.items()}}
        time.sleep(SAMPLE_S)


def slope(after_s: NDArray[np.float64], mib: NDArray[np.float64], *, n_parts: int = 12) -> tuple[float, float]:
    """Return MiB per hour and its standard error: of medians of parts, as neighbouring samples are not independent."""
    parts = np.array_split(np.arange(after_s.size), n_parts)
    x = np.array([np.median(after_s[one]) for one in parts]) / 3600.0
    y = np.array([np.median(mib[one]) for one in parts])
    (per_hour, _), covariance = np.polyfit(x, y, 1, cov=True)
    return float(per_hour), float(np.sqrt(covariance[0, 0]))


def page(rows: Sequence[dict[str, float]]) -> str:
    """Return benchmarks/soak.md."""
    warm = [row for row in rows if row["after_s"] >= WARM_UP_S]
    after_s = np.array([row["after_s"] for row in warm])
    names = [name for name in rows[-1] if name not in {"after_s", "n_runs"}]
    lines = []
    for name in names:
        mib = np.array([row.get(name, np.nan) for row in warm])
        held = np.isfinite(mib)
        per_hour, error = slope(after_s[held], mib[held])
        first, last = (statistics.median(mib[held][part]) for part in (slice(0, 40), slice(-40, None)))
        thirds = np.array_split(mib[held], 3)
        lines.append(
            f"| {name} | {first:.1f} | {last:.1f} | {thirds[0].max():.1f} | {thirds[-1].max():.1f} "
            f"| {per_hour:+.2f} ± {error:.2f} |"
        )
    table = "\n".join(lines)
    return f"""# Memory over hours

Written by `python -m benchmarks.soak --page`: {rows[-1]["after_s"] / 3600.0:.2f} hours, {rows[-1]["n_runs"]:.0f} runs
of `nightly_survey` one after the other. MiB that each process holds for itself (USS; tasks run in processes of their
own), from {WARM_UP_S / 60.0:.0f} minutes on: medians of the first and of the last ten minutes, the most in the first
and in the last third, and the straight line through twelve medians.

What a process shares with its children is not in it. The DAG processor forks for each file that it parses and shares
nearly all with such a child: what it holds for itself is small while one runs, as nearly always on a busy machine, and
all of it in between. Its medians and its line say how busy the machine was, and its most is what it holds.

| process | first | last | most, first third | most, last third | MiB per hour |
|---|---|---|---|---|---|
{table}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="of a demonstration")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--pause-s", type=float, default=60.0, help="between two runs")
    parser.add_argument("--page", action="store_true", help="write benchmarks/soak.md")
    arguments = parser.parse_args()
    home = Home.open(arguments.home)
    kept = home.folder / "soak.jsonl"
    try:
        with kept.open("w") as file:
            for row in samples(home, arguments.hours, arguments.pause_s):
                file.write(json.dumps(row) + "\n")
                file.flush()
    finally:
        down(home)
    text = page([json.loads(line) for line in kept.read_text().splitlines()])
    print(text)
    if arguments.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
