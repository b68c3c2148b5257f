"""What a survey costs in a year: ``python -m benchmarks.load_model --home FOLDER --page`` writes docs/scale.md.

The home must hold a demonstration (``ASTRID_HOME=FOLDER make demo``). Measured are: nights of two sizes of frames by
``--measure`` (processor time, artifacts, rows), Airflow of the home with ``--home`` (idle, and a night without work),
and with ``--replay N`` a night of N other exposures on that Airflow, which the model is held against. All is kept in
benchmarks/load_costs.json; the page is written from there alone.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.load_costs import AirflowCosts, MeteredNight, costs_of
from benchmarks.load_formulas import Costs, Requests
from benchmarks.load_measure import keep, kept, measure_home, metered_nights, replay, requests_per_call
from benchmarks.load_page import write

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
_NIGHTS = ((512, 2), (512, 8), (1024, 1), (1024, 4))
"""Side in pixels and exposures of the searched night: of each size a short night and a long one."""
_SURVEY, _NIGHT = "demo", "2024-03-17"
_OF_BATCH = ("search_batch.preprocess", "search_batch.difference", "search_batch.detect")
_MAPPED = (*_OF_BATCH, "inject")


def costs_from(measured: Mapping[str, Any]) -> Costs:
    """Return the costs behind what was kept."""
    home = measured["home"]
    empty = home["empty"]
    # Where there is nothing to do, mapped tasks are skipped, which costs nothing and is in the list all the same.
    n_skipped = sum(number for name, (number, _, _) in empty["tasks"].items() if name in _MAPPED)
    n_tasks = sum(number for number, _, _ in empty["tasks"].values()) - n_skipped
    busy_s = max(0.0, empty["cpu_s"] - home["idle_cpu_per_s"] * empty["wall_s"])
    task_cpu_s = busy_s / (empty["n_tasks_meanwhile"] - n_skipped)
    return costs_of(
        [
            MeteredNight(**{name: one[name] for name in ("side_pix", "n_exposures", "stages", "rows")})
            for one in measured["nights"]
        ],
        shadow_fraction=measured["shadow_fraction"],
        requests=Requests(**measured["requests"]),
        # The largest tables tell best what a row takes.
        tables={name: (rows, size) for name, (rows, size) in measured.get("replay", home)["tables"].items()},
        airflow=AirflowCosts(
            tasks_per_night=n_tasks,
            tasks_per_batch=len(_OF_BATCH),
            task_cpu_s=task_cpu_s,
            idle_cpu_per_s=home["idle_cpu_per_s"],
        ),
    )


def main() -> None:
    """Measure what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="meter nights of two sizes, some minutes")
    parser.add_argument("--work", type=Path, help="keep the surveys of --measure here")
    parser.add_argument("--home", type=Path, help="of a demonstration: measure its Airflow")
    parser.add_argument("--replay", type=int, metavar="N", help="search N exposures on the Airflow of the home")
    parser.add_argument("--side", type=int, default=640, help="of the frames of --replay, pixels")
    parser.add_argument("--page", action="store_true", help="write docs/scale.md")
    arguments = parser.parse_args()
    if arguments.measure:
        from astrid_core.bootstrap import load_pipeline  # noqa: PLC0415 - brings every adapter along

        with tempfile.TemporaryDirectory(prefix="astrid_load_") as work:
            nights = metered_nights(_NIGHTS, arguments.work or Path(work))
        keep(nights=nights, requests=requests_per_call(), shadow_fraction=load_pipeline().inject.shadow_fraction)
    if arguments.home is not None:
        keep(home=measure_home(arguments.home, _SURVEY, _NIGHT))
        if arguments.replay is not None:
            keep(replay=replay(arguments.home, n_exposures=arguments.replay, side_pix=arguments.side))
    measured = kept()
    text = write(measured, costs_from(measured))
    print(text)
    if arguments.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
