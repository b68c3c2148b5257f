"""docs/scale.md from what was measured."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.load_formulas import Costs, Load, Plan, cpu_of_exposure, predict, requests_of_exposure

_PLANS = tuple((n, side) for side in (2048, 4096) for n in (100, 1_000, 10_000, 100_000))
_NOT_RUN = 10_000
_ANSWER_S = 0.1
"""In which a bucket is taken to answer a request that lists."""
_DIGEST_BYTES = sys.getsizeof("0" * 64)
_GIB = 2.0**30


def write(measured: Mapping[str, Any], costs: Costs) -> str:
    """Return the page; the same measurements give the same text."""
    plans = [Plan(n_exposures=n, side_pix=side) for n, side in _PLANS]
    loads = [predict(costs, plan) for plan in plans]
    largest = loads[-1]
    mpix = plans[-1].mpix
    return "\n".join([
        _HEAD, _night(plans, loads), _year(plans, loads), "## From what", "", _nights(measured), "",
        _per_stage(costs), "", _per_kind(costs), "", _airflow(measured, costs), "",
        _large(measured, costs), _check(measured, costs),
        _LIMITS.format(
            n_tasks=largest.n_tasks, batch_h=largest.batch_h, n_batches=largest.n_batches,
            events=largest.n_events_per_s, transactions=largest.n_transactions_per_s,
            lists=largest.n_lists, digests=largest.n_objects_per_year * _DIGEST_BYTES / _GIB,
            log=measured["home"].get("events_per_s", 0.0),
            list_h=largest.n_lists * _ANSWER_S / 3600.0, pib=largest.tib_per_year / 1024.0,
            images=_share_of_differences(costs, mpix), rows_per_year=largest.rows_per_year,
            rows=sum(line.at(mpix) for line in costs.rows.values()),
        ),
    ])  # fmt: skip


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def _frame(plan: Plan) -> str:
    return f"{plan.n_exposures:,} of {plan.side_pix} x {plan.side_pix}"


def _night(plans: Sequence[Plan], loads: Sequence[Load]) -> str:
    columns = (
        "exposures per night", "processor h", "of these Airflow", "cores busy for 8 h", "batches", "one batch, h",
        "tasks of Airflow", "requests to S3",
    )  # fmt: skip
    rows = [
        (
            _frame(plan), f"{one.cpu_h:,.1f}", f"{one.airflow_h:,.1f}", f"{one.n_cores:,}", one.n_batches,
            f"{one.batch_h:,.2f}", one.n_tasks, f"{one.n_requests:,.0f}",
        )
        for plan, one in zip(plans, loads, strict=True)
    ]  # fmt: skip
    return _table(columns, rows) + "\n"


def _year(plans: Sequence[Plan], loads: Sequence[Load]) -> str:
    columns = (
        "exposures per night", "artifacts, TiB a year", "objects in the store a year", "rows a year",
        "database, TiB a year", "transactions per s", "events per s",
    )  # fmt: skip
    rows = [
        (
            _frame(plan), f"{one.tib_per_year:,.1f}", f"{one.n_objects_per_year:,.0f}", f"{one.rows_per_year:.1e}",
            f"{one.database_tib_per_year:,.2f}", f"{one.n_transactions_per_s:,.2f}", f"{one.n_events_per_s:,.2f}",
        )
        for plan, one in zip(plans, loads, strict=True)
    ]  # fmt: skip
    return _table(columns, rows) + "\n"


def _nights(measured: Mapping[str, Any]) -> str:
    nights = ", ".join(f"{one['n_exposures']} of {one['side_pix']} pixels square" for one in measured["nights"])
    return (
        f"`astrid run` was metered on simulated nights: {nights}. What one exposure\nadds is the difference of a long "
        "and a short night of one size; two sizes give a part per exposure and a part per\nmegapixel, and beyond them "
        "a straight line. Processor time is that of the process, in one thread; a busy machine stretches the\nclock, "
        "and hardly this."
    )


def _per_stage(costs: Costs) -> str:
    rows = [
        (name, f"{line.fixed:.2f}", f"{line.per_mpix:.2f}", f"{costs.share.get(name, 1.0):g}")
        for name, line in costs.cpu_s.items()
        if line.at(1.0) > 0.0
    ]
    rows.append(("all", f"{cpu_of_exposure(costs, 0.0):.2f}", _slope(costs), ""))
    return _table(("stage", "processor s per exposure", "and per Mpix", "part of the exposures"), rows)


def _slope(costs: Costs) -> str:
    return f"{sum(costs.share.get(name, 1.0) * line.per_mpix for name, line in costs.cpu_s.items()):.2f}"


def _per_kind(costs: Costs) -> str:
    rows = [
        (f"MB of {name}", f"{line.fixed / 1e6:.3f}", f"{line.per_mpix / 1e6:.3f}")
        for name, line in costs.stored_bytes.items()
        if line.at(4.0) > 0.0
    ]
    rows += [
        (f"rows in {name} ({costs.row_bytes[name]:.0f} bytes each)", f"{line.fixed:.1f}", f"{line.per_mpix:.1f}")
        for name, line in costs.rows.items()
        if line.at(4.0) > 0.0
    ]
    rows.append(("transactions", f"{costs.n_transactions.fixed:.1f}", f"{costs.n_transactions.per_mpix:.1f}"))
    fixed, each = requests_of_exposure(costs, 0.0), requests_of_exposure(costs, 1.0)
    rows.append(("requests to S3", f"{fixed:.1f}", f"{each - fixed:.1f}"))
    return _table(("new", "per exposure", "and per Mpix"), rows)


def _airflow(measured: Mapping[str, Any], costs: Costs) -> str:
    empty = measured["home"]["empty"]
    return (
        f"On Airflow, a night of which all is done has {costs.tasks_per_night} tasks; each costs "
        f"{costs.task_s:.1f} processor seconds (start of the process, imports, adapters, scheduler), and the idle "
        f"components use {costs.idle_cpu_per_s:.2f} of a core. A batch is {costs.tasks_per_batch} tasks more, and "
        f"{costs.first_use_s:.1f} s until its network is loaded. That night took {empty['wall_s']:.0f} s."
    )


def _large(measured: Mapping[str, Any], costs: Costs) -> str:
    rows = [
        (
            f"{one['side_pix']} x {one['side_pix']}", stage, f"{costs.cpu_s[stage].at(one['side_pix'] ** 2 / 1e6):.1f}",
            f"{one[stage]:.1f}",
        )
        for one in measured.get("large", ())
        for stage in ("preprocess", "difference")
    ]  # fmt: skip
    if not rows:
        return ""
    return _table(("frame", "", "predicted, processor s", "measured"), rows) + "\n" + _LARGE


def _check(measured: Mapping[str, Any], costs: Costs) -> str:
    told = measured.get("replay")
    if told is None:
        return ""
    plan = Plan(n_exposures=told["n_exposures"], side_pix=told["side_pix"], n_slots=told["n_slots"],
                hours=told["run"]["wall_s"] / 3600.0)  # fmt: skip
    said = predict(costs, plan)
    rows: list[tuple[str, str, str]] = [
        ("processor s, Airflow and all", f"{said.cpu_h * 3600.0:.0f}", f"{told['run']['cpu_s']:.0f}"),
        ("tasks of Airflow", f"{said.n_tasks}", f"{sum(number for number, _, _ in told['run']['tasks'].values())}"),
        ("new artifacts", f"{_objects(costs, plan):.0f}", f"{told['stored'][0]}"),
        ("MB of artifacts", f"{_megabytes(costs, plan):.0f}", f"{told['stored'][1] / 1e6:.0f}"),
    ]
    rows += [
        (f"rows in {name}", f"{plan.n_exposures * costs.rows[name].at(plan.mpix):.0f}", f"{told['rows'][name]}")
        for name in ("preprocess_run", "difference_run", "candidate", "detection", "forced_point", "domain_event")
    ]
    large = predict(costs, Plan(n_exposures=_NOT_RUN, side_pix=plan.side_pix, n_slots=plan.n_slots))
    return _REPLAY.format(
        n=plan.n_exposures, side=plan.side_pix, slots=plan.n_slots, wall=told["run"]["wall_s"] / 60.0,
        state=told["run"]["state"], not_run=_NOT_RUN, hours=large.cpu_h / plan.n_slots,
        n_injected=told["rows"]["injection_run"], n_expected=plan.n_exposures * costs.share["inject"],
        table=_table(("", "predicted", "measured"), rows),
    )  # fmt: skip


def _share_of_differences(costs: Costs, mpix: float) -> float:
    kept = {name: line.at(mpix) for name, line in costs.stored_bytes.items()}
    return 100.0 * sum(size for name, size in kept.items() if name.endswith(" of difference")) / sum(kept.values())


def _objects(costs: Costs, plan: Plan) -> float:
    return plan.n_exposures * costs.n_objects.at(plan.mpix)


def _megabytes(costs: Costs, plan: Plan) -> float:
    return plan.n_exposures * sum(line.at(plan.mpix) for line in costs.stored_bytes.values()) / 1e6


_HEAD = """# Scale

Written by `python -m benchmarks.load_model` from `benchmarks/load_costs.json`, where what was measured is kept;
formulas are in `benchmarks/load_formulas.py`. For operators who plan: what a survey will ask for, and what gives way
first.

A night is to be through in 8 hours. Cores are those of one machine like ours, in workers or pods alike: a GPU
[gains little](../benchmarks/gpu.md), because calibration and search stay on the CPU. References, exports and mirrors
of archives are not counted, and nothing is dropped ([the store](operations.md#the-store) may). The simulated sky has
far more transients per square degree than the real one, so rows are an upper limit.
"""
_LARGE = """
The straight line is long: this is one simulated pair each, the science of the stage alone, without files and records.
"""
_REPLAY = """## Held against another night

{n} exposures of {side} x {side} pixels, a size and a sky that the costs were not measured on, were searched by Airflow
with {slots} tasks at once on a machine that others used as well ({wall:.0f} minutes, {state}):

{table}

Candidates are what the sky holds, and the metered nights saw one field each. Which exposures are searched once more
with injected sources is drawn by a hash of their names: {n_injected}, where {n_expected:.0f} were expected.

`python -m benchmarks.load_model --home FOLDER --replay N --page` does so with N exposures (`--side PIX`).
N = {not_run:,} was not run: by the model it is {hours:.0f} hours with these {slots} tasks at once, if nobody else uses
the machine.
"""
_LIMITS = """## What gives way first

Figures are of 100,000 exposures of 4096 x 4096 a night. None of the ways out below was run at that size.

| What | Why | When, and what then |
|---|---|---|
| cores | they are most of it | as soon as the first table asks for more than one machine has. [LocalExecutor](operations.md#on-one-machine) is one machine; then Celery ([in containers](operations.md#in-containers), profile `celery`), then [Kubernetes](operations.md#on-kubernetes), where each task is a pod and nodes come and go |
| room for artifacts | {pib:,.1f} PiB a year, {images:.0f} % of it difference images | first of all: `difference_image_days` of `[retention]` [drops them](operations.md#the-store) when they can be made again; then a tier of the bucket for what is old |
| batches | a night is cut into at most {n_batches} (`include/batches.py`): Airflow refuses more than 1,024 mapped tasks, and nobody reads such a grid | beyond 2,500 exposures they grow: here {batch_h:.1f} h each on one core, and no more than {n_batches} tasks work at once. What a killed one has recorded is found again, but the night ends with its slowest. Cut the sky: a run of `region_on_demand` for each region, each with {n_batches} batches of its own |
| one night after another | `nightly_survey` has one active run | a night of more than 24 h queues up; add cores until the first table fits |
| scheduler | {n_tasks} tasks a night and no more, since there are so many batches | never by the number of exposures. Many regions at once: more schedulers (our Helm values start two); `ASTRID_PARALLELISM` bounds what runs at once |
| PostgreSQL: writes | {transactions:.1f} transactions and {events:.1f} events per second; the log is appended by one transaction at a time (`APPEND_EVENT`), because each event seals the one before. The server of this home took {log:.0f} events a second, on the busy machine | when the second table comes near to what yours takes: `measure_home` of `benchmarks/load_measure.py` tells. Fast disks first; then a database for each part of the sky |
| PostgreSQL: connections | a process may hold 15; four were open while two tasks and the API worked | from a hundred tasks at once on: PgBouncer, see below |
| PostgreSQL: size | {rows:,.0f} rows per exposure, {rows_per_year:.0e} a year; tables are not partitioned | indexes stay fast while they fit into memory; beyond that a database for each part of the sky, see below |
| S3: listing | `astrid store scrub` and `housekeeping` list the whole bucket every day: {lists:,.0f} requests after a year, one after the other; {list_h:.1f} h at a tenth of a second each | a bucket for each part of the sky |
| memory of scrub | it holds the digests of all records: {digests:,.0f} GiB after a year, and its tables about as much again | when that is more than a worker has: the same |
| S3: requests | see the first table; names begin with the digest, so that no prefix is asked more than others | when the bucket answers 503: fewer tasks at once, or several buckets |

## PgBouncer

Ours works in transaction mode, as far as reading the code tells; no PgBouncer was at hand to try. All locks are
`pg_advisory_xact_lock` and end with the transaction (`astrid_core/adapters/db/locks.py`; a test keeps it so). There is no
`LISTEN`, no temporary table and no `SET` that outlives a transaction; large reads use cursors inside of one. One thing needs
care: the driver prepares statements that it sees often. Psycopg's own documentation asks for PgBouncer 1.22 or later with
`max_prepared_statements` above 0, and libpq 17 or later, which our wheel has. Past PgBouncer, directly at the
server: `astrid backup` (`pg_dump`), migrations, `astrid audit protect`. For Airflow's own database the chart has
`pgbouncer.enabled`.

## Many readers

Let people who read much read [extracts](catalog.md), which are files: frozen, on any web server or bucket, with their own cone
search. A streaming replica serves SQL by hand. The API itself is not for a replica: it notes the use of keys.

## A database for each part of the sky

Everything that is found belongs to a HEALPix cell, and publishing locks cells, not the catalog. So parts can be homes of their
own - database, bucket, Airflow - that each take a region (`region` of an archive in surveys.toml, or the parameter of the
DAGs). Exposures are chosen by their centre: an object near the border is in both catalogs, under two names, each with a part
of its detections. Roles, verdicts and the log are per part. Nobody has done this so far.
"""  # noqa: E501 - rows of tables
