"""benchmarks/overhead.md, from what ``benchmarks.overhead`` has left of each night."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks.overhead_account import Account, account, outside_of_stages, starts, usual_s
from benchmarks.overhead_nights import CORNER_PIX
from benchmarks.overhead_system import HEALTH, PAGES_EVERY_S

PAGE = Path(__file__).resolve().parent / "overhead.md"
GOAL = 0.1
_N_TASKS = 6


def page(nights: Sequence[Mapping[str, Any]], note: str = "") -> str:
    """Return benchmarks/overhead.md; ``note`` tells what was special about the machine."""
    ranked = sorted(nights, key=lambda night: (night["side_pix"], night["where"], night["n_exposures"]))
    usual = {side: usual_s([one for one in ranked if one["side_pix"] == side]) for side in _sides(ranked)}
    accounts = [(night, account(night, usual[night["side_pix"]])) for night in ranked]
    largest = max(ranked, key=lambda night: int(night["n_full"]))
    return f"""# What Airflow costs

Written by `python -m benchmarks.overhead --page`: nights of simulated exposures (so many pixels square) are
searched by `nightly_survey` on a whole system on this machine, in Airflow's workers (local) and in pods that a server
on loopback runs as processes. Every process notes the CPU seconds of each item of a stage: that is the science, less
what the first exposure of a process costs beyond the mean of the later ones. Airflow's own are the CPU seconds of
**all** processes of the system (PostgreSQL, gates of Great Expectations, imports and the loading of the network
included) less the science and less what they spend in the same time when nothing is to do. The goal: at most
{100 * GOAL:.0f} % of the science at the default size of batches. CPU seconds of a busy machine are longer than those of
an idle one, both alike.
{note and chr(10) + fill(note, 120, break_on_hyphens=False) + chr(10)}
{_costs(accounts)}

{_verdict(accounts)}
{_corners(ranked)}
When nothing is to do, and somebody looks at the UI, the system spends {100 * sum(largest["idle"].values()):.0f} % of
one processor: {_idle(largest)}.

## Where Airflow's own seconds go

CPU seconds beyond idleness.

{_parts(accounts)}

The tasks that cost most outside of stages, in the night of {largest["n_exposures"]} exposures ({largest["where"]}),
mean CPU seconds of each:

{_tasks(largest)}

## Whether scheduler and UI answer meanwhile

`{HEALTH}` was asked every second, and every {PAGES_EVERY_S:.0f} s what the UI asks for when somebody looks at
the grid and the tasks of the run.

{_answers(ranked)}

{_pages(ranked)}

## How a pod starts

From the start of its process to the first exposure, and what the first exposure costs beyond a later one (TensorFlow
and the network, mostly); medians. In a cluster the pull of the image and, where nodes are made on demand, the start
of a node come on top; neither could be measured here.

{_starts([night for night in ranked if night["side_pix"] == min(_sides(ranked))], usual[min(_sides(ranked))])}
"""


def _sides(nights: Sequence[Mapping[str, Any]]) -> set[int]:
    return {int(night["side_pix"]) for night in nights}


def _is_whole(night: Mapping[str, Any]) -> bool:
    return bool(night["n_full"] == night["n_exposures"])


def _name(night: Mapping[str, Any]) -> str:
    return f"{night['where']}, {night['n_exposures']} of {night['side_pix']}{'' if _is_whole(night) else ' *'}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _costs(accounts: Sequence[tuple[Mapping[str, Any], Account]]) -> str:
    head = [
        "where, exposures", "science, s", "each, s", "Airflow's own, s", "each, s", "share", "tasks", "own by task, s",
        "wall, s",
    ]  # fmt: skip
    rows = [
        [
            _name(night), f"{one.science_s:.0f}", f"{one.science_s / one.n_exposures:.2f}", f"{one.own_s:.0f}",
            f"{one.own_s / one.n_exposures:.2f}", f"{100.0 * one.share:.0f} %", str(one.n_tasks),
            f"{one.own_s / one.n_tasks:.2f}", f"{night['wall_s']:.0f}",
        ]
        for night, one in accounts
    ]  # fmt: skip
    return _table(head, rows)


def _verdict(accounts: Sequence[tuple[Mapping[str, Any], Account]]) -> str:
    whole = [(night, one) for night, one in accounts if _is_whole(night)]
    if not whole:
        return ""
    night, one = max(whole, key=lambda pair: int(pair[0]["n_full"]))
    each_s, own_s = one.science_s / one.n_exposures, one.own_s / one.n_exposures
    met = "is met" if one.share <= GOAL else f"is missed; it would be met if an exposure cost {own_s / GOAL:.0f} s"
    return fill(
        f"With {night['n_exposures']} exposures of {each_s:.1f} s ({night['where']}) the goal {met}. What a night or a "
        "batch costs once weighs the less, the larger frames are.",
        120,
    )


def _corners(nights: Sequence[Mapping[str, Any]]) -> str:
    some = [night for night in nights if not _is_whole(night)]
    if not some:
        return ""
    mixed = " and ".join(f"{night['n_full']} of {night['n_exposures']}" for night in some)
    return f"""
\\* {mixed} exposures are whole; the others are corners of such, {CORNER_PIX} x {CORNER_PIX} pixels, which
preparation looks at and skips with its reason: too few stars. They are recorded, planned, mapped, checked and reported
like all others; batches in which whole ones are go on to the later steps, which the others skip. No share can
be read from such a night. It shows what the scheduler and the UI do with so many.
"""


def _idle(night: Mapping[str, Any]) -> str:
    parts = sorted(night["idle"].items(), key=lambda one: -one[1])
    return ", ".join(f"{name} {100 * rate:.1f} %" for name, rate in parts if rate >= 0.001)


def _parts(accounts: Sequence[tuple[Mapping[str, Any], Account]]) -> str:
    names = list(accounts[0][1].parts_s)
    rows = [[name, *(f"{one.parts_s[name]:.1f}" for _, one in accounts)] for name in names]
    return _table(["", *(_name(night) for night, _ in accounts)], rows)


def _tasks(night: Mapping[str, Any]) -> str:
    found = outside_of_stages(night["notes"])
    ranked = sorted(found, key=lambda name: -found[name][0] * sum(found[name][1:]))[:_N_TASKS]
    rows = [[name, str(found[name][0]), f"{found[name][1]:.2f}", f"{found[name][2]:.2f}"] for name in ranked]
    return _table(["task", "times", "before its work", "in it, outside of stages"], rows)


def _answers(nights: Sequence[Mapping[str, Any]]) -> str:
    head = ["where, exposures", "state", "longest time between heartbeats, s", "not healthy", "errors", "answers"]
    rows = [
        [
            _name(night), night["state"], f"{night['seen']['gap_s']:.1f}", str(night["seen"]["n_unhealthy"]),
            str(night["seen"]["n_errors"]), str(sum(one["n"] for one in night["seen"]["pages"].values())),
        ]
        for night in nights
    ]  # fmt: skip
    return _table(head, rows)


def _pages(nights: Sequence[Mapping[str, Any]]) -> str:
    most = max(nights, key=lambda night: int(night["n_exposures"]))
    rows = [
        [name, str(one["n"]), f"{one['p50']:.2f}", f"{one['p95']:.2f}", f"{one['max']:.2f}"]
        for name, one in most["seen"]["pages"].items()
    ]
    return f"In the night of {most['n_exposures']} exposures, seconds until the answer was there:\n\n" + _table(
        ["page", "answers", "median", "95 %", "longest"], rows
    )


def _starts(nights: Sequence[Mapping[str, Any]], usual: Mapping[str, float]) -> str:
    head = ["stage", "pods", "to the first exposure, s", "CPU s of it", "first exposure beyond later ones, CPU s"]
    rows = [
        [stage, str(one.n), f"{one.wall_s:.1f}", f"{one.cpu_s:.1f}", _or_none(one.first_s)]
        for stage, one in starts(nights, usual).items()
    ]
    return _table(head, rows)


def _or_none(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
