"""The page that says what came of chaos runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def page(rows: Sequence[Row]) -> str:
    """Return docs/chaos.md."""
    rows = sorted(rows, key=lambda row: row["seed"])
    done = [row for row in rows if "error" not in row]
    equal = [row for row in done if row["is_equal"]]
    whole = [row for row in done if not row["processes_left"] and not row["pods_left"]]
    again = [row for row in done if _asked_again(row)]
    return f"""# What breaks, and what comes of it

Written by `python -m benchmarks.chaos`. A night of four exposures of one field, more than twenty broken files beside
them, is searched {len(rows)} times on Airflow, with a store that speaks S3. Every time three faults are drawn with
their moments; every fifth time differencing, detection and injections run in pods of a Kubernetes API on loopback.
What is compared is an extract of the whole catalog, file by file, with that of the undisturbed night. A run that failed
is asked for again, as an operator would, and so is a night that has exposures left. Pods that failed are kept to be
looked at (`keep_failed`), and count as left behind.

Where a catalog differed and was kept, entries and light curves were the same, and forced photometry was not: a
brightness is measured at the place that an object has at that time, which moves a little when an exposure comes late,
and what was measured before stays.

| | |
|---|---|
| nights | {len(rows)} |
| ended with the same catalog, byte for byte | {len(equal)} |
| whose event log is a whole chain | {len(done)} |
| without a process or a pod left behind | {len(whole)} |
| where Airflow needed nobody | {len(done) - len(again)} |
| where the night was asked for again | {len(again)} |
| retries of tasks | {sum(row["retries"] for row in done)} |
| undisturbed, seconds | {_spread([row["calm_s"] for row in done])} |
| disturbed, seconds | {_spread([row["wall_s"] for row in done])} |

## By fault

| fault | struck | same catalog | asked for again |
|---|---|---|---|
{_by_fault(done)}

## By seed

| seed | faults (seconds after the start) | runs | retries | same catalog |
|---|---|---|---|---|
{chr(10).join(map(_line, rows))}
"""


def _asked_again(row: Row) -> bool:
    """Tell whether somebody had to ask again, beside the second time that is itself a fault."""
    asked = 1 + sum(one["fault"] == "night asked for twice" for one in row["faults"])
    return bool(len(row["runs"]) > asked)


def _by_fault(rows: Sequence[Row]) -> str:
    struck: Counter[str] = Counter()
    same: Counter[str] = Counter()
    again: Counter[str] = Counter()
    for row in rows:
        for name in {one["fault"] for one in row["faults"]}:
            struck[name] += 1
            same[name] += row["is_equal"]
            again[name] += _asked_again(row)
    return "\n".join(f"| {name} | {struck[name]} | {same[name]} | {again[name]} |" for name in sorted(struck))


def _line(row: Row) -> str:
    if "error" in row:
        return f"| {row['seed']} | {row['error'].splitlines()[0][:200]} | | | no |"
    faults = ", ".join(f"{one['fault']} ({one['at_s']:.0f})" for one in row["faults"])
    where = ", in pods" if row["in_pods"] else ""
    same = "yes" if row["is_equal"] else "no"
    return f"| {row['seed']}{where} | {faults} | {len(row['runs'])} | {row['retries']} | {same} |"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    ordered = sorted(values)
    return f"{ordered[0]:.0f} to {ordered[-1]:.0f}, median {ordered[len(ordered) // 2]:.0f}"
