"""The page of scale is what the formulas make of what was measured; the formulas are right on numbers made by hand."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.load_costs import AirflowCosts, MeteredNight, costs_of, row_bytes
from benchmarks.load_formulas import (
    Costs,
    Line,
    Plan,
    Requests,
    line_through,
    per_exposure,
    predict,
    requests_of_exposure,
)
from benchmarks.load_measure import kept, requests_per_call
from benchmarks.load_meter import Meter
from benchmarks.load_model import PAGE, costs_from
from benchmarks.load_page import write
from tests.architecture.repository import ROOT, modules

_NOTHING = Line(fixed=0.0, per_mpix=0.0)
_REQUESTS = Requests(put=3.0, again=5.0, get=1.0, part=2.0, contains=1.0, size=1.0)
_COSTS = Costs(
    cpu_s={"preprocess": Line(fixed=1.0, per_mpix=2.0), "inject": Line(fixed=10.0, per_mpix=0.0)},
    share={"inject": 0.1},
    first_use_s=4.0,
    stored_bytes={"image/fits": Line(fixed=0.0, per_mpix=2.0**20)},
    n_objects=Line(fixed=3.0, per_mpix=0.0),
    calls={"put": Line(fixed=3.0, per_mpix=0.0), "get": Line(fixed=7.0, per_mpix=0.0)},
    requests=_REQUESTS,
    rows={"candidate": Line(fixed=0.0, per_mpix=10.0), "domain_event": Line(fixed=5.0, per_mpix=0.0)},
    row_bytes={"candidate": 200.0, "domain_event": 1000.0},
    n_transactions=Line(fixed=8.0, per_mpix=0.0),
    tasks_per_night=17,
    tasks_per_batch=3,
    task_s=6.0,
    idle_cpu_per_s=0.05,
)


def test_the_page_of_scale_is_fresh() -> None:
    measured = kept()

    assert write(measured, costs_from(measured)) == PAGE.read_text(), "run: python -m benchmarks.load_model --page"


def test_a_night_costs_its_exposures_its_tasks_and_the_idle_components() -> None:
    # 2000 x 2000 pixels: 4 Mpix, 1 + 2 x 4 + 0.1 x 10 = 10 s each.
    load = predict(_COSTS, Plan(n_exposures=100, side_pix=2000, n_slots=8, hours=1.0))

    # 8 batches of three tasks; 10 exposures with injections in 8 tasks of their own.
    assert (load.n_batches, load.n_tasks) == (8, 17 + 24 + 8)
    assert load.airflow_h * 3600.0 == pytest.approx(49 * 6.0 + 16 * 4.0 + 0.05 * 3600.0)
    assert load.cpu_h * 3600.0 == pytest.approx(100 * 10.0 + load.airflow_h * 3600.0)
    assert load.batch_h * 3600.0 == pytest.approx(12.5 * 10.0)
    assert load.n_cores == 1


def test_a_year_has_as_many_rows_bytes_and_objects_as_its_nights() -> None:
    load = predict(_COSTS, Plan(n_exposures=100, side_pix=2000))

    assert load.tib_per_year == pytest.approx(36500 * 4 / 2**20)
    assert load.n_objects_per_year == pytest.approx(36500 * 3)
    assert load.n_lists == pytest.approx(109.5)
    assert load.rows_per_year == pytest.approx(36500 * 45)
    assert load.database_tib_per_year * 2**40 == pytest.approx(36500 * (40 * 200 + 5 * 1000))
    assert load.n_requests == pytest.approx(100 * (3 * 3 + 7))
    assert load.n_events_per_s == pytest.approx(500 / (8 * 3600))


def test_large_nights_have_no_more_batches_but_larger_ones() -> None:
    small, large = (predict(_COSTS, Plan(n_exposures=n, side_pix=2000)) for n in (25_000, 250_000))

    assert small.n_tasks == large.n_tasks == 17 + 4 * 100
    assert large.batch_h == pytest.approx(10 * small.batch_h)


def test_what_would_be_less_than_nothing_is_nothing() -> None:
    assert Line(fixed=-1.0, per_mpix=2.0).at(0.25) == 0.0


def test_lines_need_two_sizes_and_slopes_two_numbers() -> None:
    assert line_through((1.0, 3.0), (3.0, 7.0)) == Line(fixed=1.0, per_mpix=2.0)
    assert per_exposure((2, 10.0), (6, 30.0)) == 5.0
    with pytest.raises(ValueError, match="two sizes"):
        line_through((1.0, 3.0), (1.0, 7.0))
    with pytest.raises(ValueError, match="two numbers"):
        per_exposure((2, 3.0), (2, 7.0))


def test_calls_of_the_store_are_counted_in_requests() -> None:
    costs = replace(_COSTS, calls={"again": Line(fixed=2.0, per_mpix=1.0), "part": Line(fixed=1.0, per_mpix=0.0)})

    assert requests_of_exposure(costs, 4.0) == 6 * 5 + 2


def tally(**quantities: Any) -> Mapping[str, Any]:
    nothing = {
        "n_calls": 0,
        "cpu_s": 0.0,
        "wall_s": 0.0,
        "n_transactions": 0,
        "store": {},
        "written": {},
        "objects": {},
    }
    return nothing | quantities


def night(side_pix: int, n: int, mpix: float) -> MeteredNight:
    """Preparation costs 3 s/Mpix and detection 1 s behind 5 s of loading; references 50 s, injections 7 s/Mpix."""
    written = {"image/fits": int(1e6 * mpix * n)}
    return MeteredNight(
        side_pix=side_pix, n_exposures=n,
        stages={
            "preprocess": tally(
                cpu_s=3.0 * mpix * (n + 3), written=written, objects={"image/fits": n}, store={"put": n}
            ),
            "detect": tally(cpu_s=5.0 + n, n_transactions=2 * n),
            "build_reference": tally(cpu_s=50.0, written={"image/fits": 10**9}),
            "inject": tally(n_calls=1, cpu_s=7.0 * mpix, written={"text/ecsv": 100}, objects={"text/ecsv": 1}),
        },
        rows={"candidate": int(40 * mpix) * n, "observation": n + 3, "injected_seed": 20},
    )  # fmt: skip


def test_costs_are_what_one_exposure_more_adds() -> None:
    nights = [night(1000, 1, 1.0), night(1000, 4, 1.0), night(2000, 1, 4.0), night(2000, 2, 4.0)]
    airflow = AirflowCosts(tasks_per_night=17, tasks_per_batch=3, task_cpu_s=6.0, idle_cpu_per_s=0.1)
    costs = costs_of(
        nights, shadow_fraction=0.1, requests=_REQUESTS, tables={"candidate": (1000, 10**5)}, airflow=airflow
    )

    assert costs.cpu_s["preprocess"].at(16.0) == pytest.approx(48.0)
    assert costs.cpu_s["detect"].at(16.0) == pytest.approx(1.0)
    assert costs.first_use_s == pytest.approx(5.0)
    assert costs.cpu_s["inject"].at(1.0) == pytest.approx(7.0)
    assert "build_reference" not in costs.cpu_s
    assert costs.stored_bytes["image/fits of preprocess"].at(4.0) == pytest.approx(4e6)
    assert costs.stored_bytes["text/ecsv of inject"].at(4.0) == pytest.approx(10.0)
    assert costs.rows["observation"] == Line(fixed=1.0, per_mpix=0.0)
    assert costs.rows["candidate"].at(2.0) == pytest.approx(80.0)
    assert costs.rows["injected_seed"].at(2.0) == pytest.approx(2.0)
    assert costs.n_transactions.at(2.0) == pytest.approx(2.0)


def test_what_seems_to_fall_with_size_is_taken_for_constant() -> None:
    nights = [night(1000, 1, 1.0), night(1000, 4, 1.0), night(2000, 1, 4.0), night(2000, 2, 4.0)]
    fewer = [
        replace(one, rows={"domain_event": (8 if one.side_pix == 1000 else 6) * one.n_exposures}) for one in nights
    ]
    airflow = AirflowCosts(tasks_per_night=17, tasks_per_batch=3, task_cpu_s=6.0, idle_cpu_per_s=0.1)
    costs = costs_of(fewer, shadow_fraction=0.1, requests=_REQUESTS, tables={"seed": (1000, 10**5)}, airflow=airflow)

    assert costs.rows["domain_event"] == Line(fixed=7.0, per_mpix=0.0)


def test_a_row_of_a_small_table_is_taken_for_a_typical_one() -> None:
    sizes = row_bytes({"candidate": (1000, 200_000), "event": (500, 500_000), "seed": (2, 65_536)}, ["seed", "event"])

    assert sizes == {"seed": 600.0, "event": 1000.0}


def test_the_meter_puts_down_costs_to_the_stage_that_runs() -> None:
    meter = Meter()

    def inner() -> None:
        meter.transacted(lambda: None)()

    meter.stage("detect", inner)()
    meter.transacted(lambda: None)()

    assert meter.tallies["detect"].n_calls == 1
    assert meter.tallies["detect"].n_transactions == 1
    assert meter.tallies["outside"].n_transactions == 1


def test_requests_are_counted_at_a_server() -> None:
    found = requests_per_call()

    assert found["get"] == found["contains"] == found["size"] == 1.0
    assert found["again"] > found["put"] >= 2.0
    assert found == kept()["requests"]


def test_locks_of_the_database_end_with_the_transaction() -> None:
    # What a pool that hands out connections by transaction cannot do; docs/scale.md says so.
    of_a_session = re.compile(
        r"pg_(try_)?advisory_lock|\bLISTEN [a-z]|CREATE TEMP|SET SESSION|set_config\(", re.IGNORECASE
    )

    assert [
        path for path in modules("astrid_core", "include", "plugins") if of_a_session.search(path.read_text())
    ] == []
    assert "pg_advisory_xact_lock" in (ROOT / "astrid_core" / "adapters" / "db" / "locks.py").read_text()
