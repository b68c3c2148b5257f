"""What a night on Airflow cost, taken apart: the science, and everything else."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Note = Mapping[str, Any]
"""What a process noted of an item of a stage, or of the body of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """CPU seconds of the items of a stage."""

    first: tuple[float, ...]
    """Of those that were the first of the stage in their process: with imports, loading of the network, and plans."""
    later: tuple[float, ...]

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.first) + len(self.later)

    @property
    def spent_s(self) -> float:
        """All of them."""
        return sum(self.first) + sum(self.later)

    def science_s(self, usual_s: float | None) -> float:
        """Return what they would have cost in a process that is warm; ``usual_s`` is what a later item costs elsewhere.

        A stage that looks at a night as a whole has no later items: all that it costs counts as science.
        """
        each_s = statistics.fmean(self.later) if self.later else usual_s
        return self.spent_s if each_s is None else min(self.spent_s, each_s * self.n)


def by_stage(notes: Sequence[Note]) -> dict[str, Items]:
    """Return the items of each stage."""
    first: defaultdict[str, list[float]] = defaultdict(list)
    later: defaultdict[str, list[float]] = defaultdict(list)
    seen: set[tuple[Any, ...]] = set()
    for note in sorted(notes, key=lambda note: float(note["began"])):
        if note["kind"] == "item":
            process = (note["pid"], note["created"], note["name"])
            (later if process in seen else first)[note["name"]].append(note["cpu_s"])
            seen.add(process)
    return {name: Items(first=tuple(first[name]), later=tuple(later[name])) for name in first}


def usual_s(nights: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean CPU seconds of later items of each stage, over all nights of whole exposures."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for night in nights:
        if night["n_full"] == night["n_exposures"]:
            for stage, items in by_stage(night["notes"]).items():
                found[stage] += items.later
    return {stage: statistics.fmean(values) for stage, values in found.items() if values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """CPU seconds of one night."""

    science_s: float
    parts_s: Mapping[str, float]
    """Of everything else, by where they went."""
    n_exposures: int
    n_tasks: int

    @property
    def own_s(self) -> float:
        """Everything else."""
        return sum(self.parts_s.values())

    @property
    def share(self) -> float:
        """Everything else, as a part of the science."""
        return self.own_s / self.science_s


def account(night: Mapping[str, Any], usual: Mapping[str, float]) -> Account:
    """Take a night apart."""
    notes = night["notes"]
    in_tasks = {_process(note) for note in notes if note["kind"] == "task"}
    inside = [note for note in notes if _process(note) in in_tasks]
    outside = [note for note in notes if _process(note) not in in_tasks]
    # A busy machine leaves less for idle work: no part has spent less than nothing on the night.
    spent = {name: max(0.0, s - night["idle"].get(name, 0.0) * night["wall_s"]) for name, s in night["spent_s"].items()}
    tasks_s, pods_s = spent.pop("workers and tasks"), spent.pop("pods")
    stages = {True: by_stage(inside), False: by_stage(outside)}
    science = {
        where: sum(items.science_s(usual.get(stage)) for stage, items in found.items())
        for where, found in stages.items()
    }
    items_s = sum(items.spent_s for items in stages[True].values())
    starts_s, bodies_s = _starts_s(inside), sum(note["cpu_s"] for note in inside if note["kind"] == "task") - items_s
    first_s = items_s - science[True]
    parts = {
        **spent,
        "tasks: from the fork to their work": starts_s,
        "tasks: work outside of stages": bodies_s,
        "tasks: first exposure beyond the later ones": first_s,
        "tasks: their workers, and their end": tasks_s - starts_s - bodies_s - items_s,
        "pods: all but the science": pods_s - science[False],
    }
    n_tasks = sum(state != "skipped" for _, _, state in night["tasks"])
    return Account(
        science_s=sum(science.values()), parts_s=parts, n_exposures=night["n_exposures"], n_tasks=n_tasks
    )  # fmt: skip


def _process(note: Note) -> tuple[int, float]:
    return note["pid"], note["created"]


def _starts_s(inside: Sequence[Note]) -> float:
    """Return what tasks spent before their body began, for the first time where there are more."""
    began: dict[tuple[int, float], float] = {}
    for note in inside:
        if note["kind"] == "task":
            process = _process(note)
            began[process] = min(began.get(process, note["began_cpu_s"]), note["began_cpu_s"])
    return sum(began.values())


def outside_of_stages(notes: Sequence[Note]) -> dict[str, tuple[int, float, float]]:
    """Return for each task how often it ran, and mean CPU seconds before its body, and in it outside of stages."""
    items: defaultdict[tuple[int, float], float] = defaultdict(float)
    for note in notes:
        if note["kind"] == "item":
            items[_process(note)] += note["cpu_s"]
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for note in notes:
        if note["kind"] == "task":
            found[note["name"]].append((note["began_cpu_s"], note["cpu_s"] - items[_process(note)]))
    return {
        name: (len(rows), statistics.fmean(row[0] for row in rows), statistics.fmean(row[1] for row in rows))
        for name, rows in found.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What pods of one stage need until an exposure is at work as usual; medians."""

    n: int
    wall_s: float
    """From the start of the process to its first exposure."""
    cpu_s: float
    """The same."""
    first_s: float | None
    """CPU seconds of the first exposure beyond the later ones: the network is loaded there; None: there were none."""


def starts(nights: Sequence[Mapping[str, Any]], usual: Mapping[str, float]) -> dict[str, Start]:
    """Return how pods start, by stage."""
    found: defaultdict[str, list[Note]] = defaultdict(list)
    for night in nights:
        if night["where"] != "pods":
            continue
        in_tasks = {_process(note) for note in night["notes"] if note["kind"] == "task"}
        first: dict[tuple[int, float], Note] = {}
        for note in night["notes"]:
            if note["kind"] == "item" and _process(note) not in in_tasks:
                first.setdefault(_process(note), note)
        for note in first.values():
            found[note["name"]].append(note)
    return {
        stage: Start(
            n=len(notes),
            wall_s=statistics.median(note["began"] - note["created"] for note in notes),
            cpu_s=statistics.median(note["began_cpu_s"] for note in notes),
            first_s=statistics.median(note["cpu_s"] for note in notes) - usual[stage] if stage in usual else None,
        )
        for stage, notes in found.items()
    }
