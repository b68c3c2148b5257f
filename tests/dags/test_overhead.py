import pytest

from benchmarks.overhead_account import account, by_stage, outside_of_stages, starts, usual_s
from benchmarks.overhead_system import Seen, quantiles


def _item(stage: str, pid: int, began: float, cpu_s: float) -> dict[str, object]:
    return {
        "kind": "item",
        "name": stage,
        "pid": pid,
        "created": 0.0,
        "began": began,
        "cpu_s": cpu_s,
        "began_cpu_s": 2.0,
    }


def _task(name: str, pid: int, began_cpu_s: float, cpu_s: float) -> dict[str, object]:
    return {
        "kind": "task", "name": name, "pid": pid, "created": 0.0, "began": 0.0, "cpu_s": cpu_s,
        "began_cpu_s": began_cpu_s,
    }  # fmt: skip


_NOTES = [
    _item("difference", 1, 1.0, 5.0), _item("difference", 1, 2.0, 1.0), _item("difference", 1, 3.0, 3.0),
    _item("difference", 2, 1.5, 4.0), _item("publish", 3, 9.0, 0.5),
    _task("difference", 1, 0.4, 9.5), _task("difference", 2, 0.6, 4.5), _task("publish", 3, 0.2, 1.0),
]  # fmt: skip
_NIGHT = {
    "where": "local", "n_exposures": 4, "n_full": 4, "notes": _NOTES, "wall_s": 100.0,
    "idle": {"scheduler": 0.1, "workers and tasks": 0.01, "pods": 0.0},
    "spent_s": {"scheduler": 12.0, "workers and tasks": 20.0, "pods": 0.0},
    "tasks": [
        ["difference", 0, "success"], ["difference", 1, "success"], ["publish", -1, "success"], ["a", -1, "skipped"],
    ],
}  # fmt: skip


def test_the_first_exposure_of_each_process_is_told_from_the_later_ones() -> None:
    found = by_stage(_NOTES)["difference"]
    assert sorted(found.first) == [4.0, 5.0]
    assert found.later == (1.0, 3.0)
    assert found.science_s(None) == pytest.approx(4 * 2.0)


def test_a_stage_without_later_exposures_costs_what_they_cost_elsewhere() -> None:
    (night,) = [by_stage([_item("difference", 7, 1.0, 6.0)])["difference"]]
    assert night.science_s(usual_s([_NIGHT])["difference"]) == pytest.approx(2.0)
    assert night.science_s(None) == pytest.approx(6.0)


def test_everything_but_science_and_idleness_is_airflows_own() -> None:
    found = account(_NIGHT, {})
    assert found.science_s == pytest.approx(8.0 + 0.5)
    assert found.own_s == pytest.approx((12.0 - 10.0) + (20.0 - 1.0) - 8.5)
    assert found.parts_s["scheduler"] == pytest.approx(2.0)
    assert found.parts_s["tasks: from the fork to their work"] == pytest.approx(1.2)
    assert found.parts_s["tasks: work outside of stages"] == pytest.approx(15.0 - 13.5)
    assert found.parts_s["tasks: first exposure beyond the later ones"] == pytest.approx(13.0 - 8.0)
    assert found.n_tasks == 3
    assert found.share == pytest.approx(12.5 / 8.5)


def test_idle_work_that_a_busy_machine_did_not_do_is_no_gain() -> None:
    night = _NIGHT | {"spent_s": {"scheduler": 4.0, "workers and tasks": 20.0, "pods": 0.0}}
    assert account(night, {}).parts_s["scheduler"] == 0.0


def test_what_pods_compute_is_science_there() -> None:
    in_pod = [_item("detect", 8, 1.0, 3.0), _item("detect", 8, 2.0, 1.0)]
    night = _NIGHT | {"where": "pods", "notes": [*_NOTES, *in_pod]}
    night["spent_s"] = {"scheduler": 12.0, "workers and tasks": 20.0, "pods": 7.0}
    found = account(night, {})
    assert found.science_s == pytest.approx(8.5 + 2.0)
    assert found.parts_s["pods: all but the science"] == pytest.approx(5.0)
    start = starts([night], {"detect": 1.0})["detect"]
    assert (start.n, start.wall_s, start.cpu_s, start.first_s) == (1, 1.0, 2.0, 2.0)


def test_what_a_task_does_outside_of_stages_is_told_by_task() -> None:
    n, before_s, outside_s = outside_of_stages(_NOTES)["difference"]
    assert n == 2
    assert before_s == pytest.approx(0.5)
    assert outside_s == pytest.approx((0.5 + 0.5) / 2)


def test_the_longest_time_without_a_heartbeat_is_seen() -> None:
    seen = Seen(heartbeats={f"2026-01-01T00:00:{second:02d}+00:00" for second in (0, 5, 12, 14)})
    assert seen.longest_gap_s() == pytest.approx(7.0)


def test_quantiles_of_answers() -> None:
    assert quantiles([float(one) for one in range(1, 101)]) == {"n": 100, "p50": 51.0, "p95": 96.0, "max": 100.0}
