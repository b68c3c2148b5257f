"""From what was measured of a few nights to what an exposure costs; values in, values out."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load_formulas import Costs, Line, Requests, line_through, per_exposure

_ON_TOP = "inject"
"""A part of the exposures is searched once more: its costs are those of each such search."""
_NOT_NIGHTLY = frozenset({"export", "build_reference", _ON_TOP})
_ROWS_ON_TOP = frozenset({"injection_run", "injected_seed"})
_FEWEST_ROWS = 100
"""A smaller table is mostly empty pages: a row is taken to be as large as that of the median table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredNight:
    """One night as ``benchmarks.load_meter`` tells it."""

    side_pix: int
    n_exposures: int
    stages: Mapping[str, Mapping[str, Any]]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowCosts:
    """What Airflow adds."""

    tasks_per_night: int
    tasks_per_batch: int
    task_cpu_s: float
    """Of a task besides its work."""
    idle_cpu_per_s: float
    """Of all components while nothing is to do."""


def costs_of(
    nights: Sequence[MeteredNight], *, shadow_fraction: float, requests: Requests,
    tables: Mapping[str, tuple[int, int]], airflow: AirflowCosts,
) -> Costs:  # fmt: skip
    """Return the costs behind two nights of each of two sizes, a short one and a long one."""
    look = _Look(nights=nights, shadow_fraction=shadow_fraction)
    stages = [name for name in _names(one.stages for one in nights) if name not in _NOT_NIGHTLY]
    calls = _names(tally["store"] for one in nights for tally in one.stages.values())
    rows = _names(one.rows for one in nights)
    return Costs(
        cpu_s={name: look.line(lambda tally: tally["cpu_s"], only=name) for name in stages}
        | {_ON_TOP: look.on_top(lambda tally: tally["cpu_s"])},
        share={_ON_TOP: shadow_fraction},
        first_use_s=look.first_use_s(),
        stored_bytes=look.stored_bytes(),
        n_objects=look.both(lambda tally: sum(tally["objects"].values())),
        calls={name: look.both(_part("store", name)) for name in calls},
        requests=requests,
        rows={name: look.rows(name) for name in rows},
        row_bytes=row_bytes(tables, rows),
        n_transactions=look.both(lambda tally: tally["n_transactions"]),
        tasks_per_night=airflow.tasks_per_night,
        tasks_per_batch=airflow.tasks_per_batch,
        task_s=airflow.task_cpu_s,
        idle_cpu_per_s=airflow.idle_cpu_per_s,
    )


def row_bytes(tables: Mapping[str, tuple[int, int]], wanted: Iterable[str]) -> dict[str, float]:
    """Return bytes per row, indexes and all, of ``tables`` (rows, bytes)."""
    full = {name: size / rows for name, (rows, size) in tables.items() if rows >= _FEWEST_ROWS}
    typical = statistics.median(full.values())
    return {name: full.get(name, typical) for name in wanted}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    nights: Sequence[MeteredNight]
    shadow_fraction: float

    def line(self, quantity: Callable[[Mapping[str, Any]], float], *, only: str | None = None) -> Line:
        """Return what an exposure more adds to a quantity of one stage, or of all that a night has."""
        return self._line(lambda night: sum(quantity(tally) for name, tally in night.stages.items() if _is(name, only)))

    def on_top(self, quantity: Callable[[Mapping[str, Any]], float]) -> Line:
        """Return a quantity of one search with injections."""
        points = []
        for mpix, pair in self._sizes():
            tallies = [night.stages[_ON_TOP] for night in pair]
            points.append((mpix, sum(map(quantity, tallies)) / sum(tally["n_calls"] for tally in tallies)))
        return line_through(points[0], points[1])

    def both(self, quantity: Callable[[Mapping[str, Any]], float]) -> Line:
        """Return what an exposure adds to a quantity, its share of searches with injections included."""
        return _sum(self.line(quantity), self.on_top(quantity), self.shadow_fraction)

    def stored_bytes(self) -> dict[str, Line]:
        """Return new bytes per exposure by type of artifact and stage that makes it."""
        found = {}
        for stage in _names(night.stages for night in self.nights):
            for kind in _names(night.stages.get(stage, {}).get("written", {}) for night in self.nights):
                name = f"{kind} of {stage}"
                if stage == _ON_TOP:
                    nothing = Line(fixed=0.0, per_mpix=0.0)
                    found[name] = _sum(nothing, self.on_top(_part("written", kind)), self.shadow_fraction)
                elif stage not in _NOT_NIGHTLY:
                    found[name] = self.line(_part("written", kind), only=stage)
        return found

    def rows(self, table: str) -> Line:
        """Return rows that an exposure adds to a table."""
        if table not in _ROWS_ON_TOP:
            return self._line(lambda night: night.rows.get(table, 0))
        points = []
        for mpix, pair in self._sizes():
            n_searches = sum(night.stages[_ON_TOP]["n_calls"] for night in pair)
            points.append((mpix, sum(night.rows.get(table, 0) for night in pair) / n_searches))
        return _sum(Line(fixed=0.0, per_mpix=0.0), line_through(points[0], points[1]), self.shadow_fraction)

    def first_use_s(self) -> float:
        """Return processor seconds of a process before its first exposure is scored: what no exposure more adds to."""
        each = []
        for _, (few, many) in self._sizes():
            totals = [(one.n_exposures, float(one.stages["detect"]["cpu_s"])) for one in (few, many)]
            each.append(totals[1][1] - totals[1][0] * per_exposure(*totals))
        return max(0.0, statistics.mean(each))

    def _line(self, total: Callable[[MeteredNight], float]) -> Line:
        points = []
        for mpix, (few, many) in self._sizes():
            points.append((mpix, per_exposure((few.n_exposures, total(few)), (many.n_exposures, total(many)))))
        line = line_through(points[0], points[1])
        # Larger frames make nothing less: what seems to fall is a quantity that does not depend on size, and chance.
        return line if line.per_mpix >= 0.0 else Line(fixed=statistics.mean(each for _, each in points), per_mpix=0.0)

    def _sizes(self) -> list[tuple[float, list[MeteredNight]]]:
        sides = sorted({one.side_pix for one in self.nights})
        return [
            (
                side**2 / 1e6,
                sorted((one for one in self.nights if one.side_pix == side), key=lambda one: one.n_exposures),
            )
            for side in sides
        ]


def _part(what: str, name: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda tally: float(tally[what].get(name, 0))


def _is(name: str, only: str | None) -> bool:
    return name == only if only else name not in _NOT_NIGHTLY


def _sum(each: Line, on_top: Line, share: float) -> Line:
    return Line(fixed=each.fixed + share * on_top.fixed, per_mpix=each.per_mpix + share * on_top.per_mpix)


def _names(many: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({name for one in many for name in one})
