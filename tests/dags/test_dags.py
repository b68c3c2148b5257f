import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.encoders import coerce_to_core_timetable
from pendulum import datetime

from astrid_core.catalog.context import ObjectClass
from astrid_core.catalog.entities import EntryStatus
from astrid_core.catalog.exports.config import Format
from include.batches import MAX_BATCHES
from include.dag_settings import CLASSES, FORMATS, STATUSES
from include.messages import KEEP, LEAVE
from include.notices import QuestionNotifier

REPOSITORY = Path(__file__).resolve().parents[2]
DAG_FILES = sorted(path for path in (REPOSITORY / "dags").glob("*.py") if path.name != "__init__.py")
HEAVY = {"numpy", "astropy", "tensorflow", "keras", "mlflow", "great_expectations", "pandas", "scipy", "sep"}
SEARCHES = ("nightly_survey", "region_on_demand")
NIGHT = {"first_night": "2026-11-20", "last_night": "2026-11-21"}


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


def _tasks(dags: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(dag_id, task) for dag_id, dag in dags.items() for task in dag.tasks]


def test_every_file_holds_the_dag_of_its_name(dags: dict[str, Any]) -> None:
    assert sorted(dags) == [path.stem for path in DAG_FILES]
    assert {"nightly_survey", "build_references", "train_detector", "region_on_demand", "region_backfill"} <= set(dags)
    assert {"build_calibrations", "ingest_observations", "reconcile_archive", "collect_verdicts"} <= set(dags)


def test_dag_files_stay_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in DAG_FILES}
    assert {name: length for name, length in lengths.items() if length >= 100} == {}


def test_every_dag_is_described_tagged_and_limited(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert dag.doc_md, dag_id
        assert "astrid" in dag.tags, dag_id
        assert dag.max_active_runs == 1, dag_id
        assert dag.catchup is False, dag_id


def test_every_task_has_an_owner_and_is_retried_with_back_off(dags: dict[str, Any]) -> None:
    for dag_id, task in _tasks(dags):
        where = f"{dag_id}.{task.task_id}"
        assert task.owner == "astrid", where
        assert task.retries >= 2, where
        assert task.retry_exponential_backoff, where
        assert task.retry_delay.total_seconds() <= 10.0, where
        # A person is given days; what waits for one does not execute meanwhile.
        assert task.execution_timeout is not None or task.response_timeout is not None, where


def test_every_mapped_task_has_a_readable_name(dags: dict[str, Any]) -> None:
    mapped = [(dag_id, task) for dag_id, task in _tasks(dags) if task.get_closest_mapped_task_group() or task.is_mapped]
    assert len(mapped) == 14
    for dag_id, task in mapped:
        assert task.map_index_template == "{{ label }}", f"{dag_id}.{task.task_id}"


def test_batches_stay_far_below_what_airflow_maps() -> None:
    assert conf.getint("core", "max_map_length") >= 10 * MAX_BATCHES


@pytest.mark.parametrize("dag_id", SEARCHES)
def test_gates_stand_before_planning_and_before_publishing(dags: dict[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert "check_observations" in dag.get_task("plan").upstream_task_ids
    assert "plan" in dag.get_task("search_batch.preprocess").get_flat_relative_ids(upstream=True)
    assert "check_preparations" in dag.get_task("publish").get_flat_relative_ids(upstream=True)
    assert "check_candidates" in dag.get_task("publish").get_flat_relative_ids(upstream=True)
    assert "publish" in dag.get_task("report").upstream_task_ids


def test_references_pass_their_gate_before_anybody_is_told(dags: dict[str, Any]) -> None:
    dag = dags["build_references"]
    assert dag.get_task("check_references").upstream_task_ids == {"coadd"}
    # One batch that failed does not hold up the others; a closed gate holds up all.
    assert dag.get_task("check_references").trigger_rule == "all_done_min_one_success"
    announce = dag.get_task("announce")
    assert (announce.upstream_task_ids, announce.trigger_rule) == ({"check_references"}, "all_success")
    assert [asset.name for asset in announce.outlets] == ["references"]


def test_enough_verdicts_start_a_training(dags: dict[str, Any]) -> None:
    (outlet,) = dags["collect_verdicts"].get_task("offer").outlets
    assert [asset.uri for asset in dags["train_detector"].timetable.asset_condition.objects] == [outlet.uri]


def test_a_new_network_is_compared_and_approved_by_a_person_before_it_is_used(dags: dict[str, Any]) -> None:
    dag = dags["train_detector"]
    assert dag.get_task("gate").upstream_task_ids == {"train"}
    approve, promote = dag.get_task("approve"), dag.get_task("promote")
    assert isinstance(approve, ApprovalOperator)
    assert approve.upstream_task_ids == {"gate"}
    # Neither silence nor a failed gate lets a network through.
    assert approve.defaults == [ApprovalOperator.REJECT]
    assert (approve.trigger_rule, promote.trigger_rule) == ("all_success", "all_success")
    assert promote.upstream_task_ids == {"train", "approve"}
    assert [task.task_id for task in dag.leaves] == ["promote"]
    assert [asset.name for asset in promote.outlets] == ["model"]


def test_a_person_is_asked_about_references_once_a_run_and_behind_their_gate(dags: dict[str, Any]) -> None:
    dag = dags["build_references"]
    listed, ask, settle = (dag.get_task(one) for one in ("list_drafts", "accept", "settle_drafts"))
    # A gate that is closed asks nobody; nothing is asked once per reference.
    assert (listed.upstream_task_ids, listed.trigger_rule) == ({"check_references"}, "all_success")
    assert ask.upstream_task_ids == {"list_drafts"}
    assert not ask.is_mapped
    assert ask.defaults == [LEAVE]
    assert ask.response_timeout < timedelta(days=7)
    assert settle.upstream_task_ids == {"list_drafts", "accept"}
    assert [asset.name for asset in settle.outlets] == ["references"]


def test_a_catalog_is_released_behind_the_answer_of_a_person(dags: dict[str, Any]) -> None:
    dag = dags["release_catalog"]
    assert dag.timetable.can_be_scheduled is False
    approve, release = dag.get_task("approve"), dag.get_task("release")
    assert isinstance(approve, ApprovalOperator)
    assert approve.defaults == [ApprovalOperator.REJECT]
    assert approve.upstream_task_ids == {"freeze"}
    assert (release.upstream_task_ids, release.trigger_rule) == ({"freeze", "approve"}, "all_success")


def test_the_form_of_a_release_offers_what_there_is() -> None:
    assert set(CLASSES) == {one.value for one in ObjectClass}
    assert set(STATUSES) == {one.value for one in EntryStatus} - {EntryStatus.WITHDRAWN.value}
    assert set(FORMATS) == {one.value for one in Format}


def test_alerts_that_are_held_wait_for_a_person_and_hold_up_no_delivery(dags: dict[str, Any]) -> None:
    deliver, release = dags["deliver_alerts"], dags["release_alerts"]
    assert deliver.is_paused_upon_creation
    assert deliver.get_task("deliver").upstream_task_ids == {"gate"}
    assert not any(isinstance(task, HITLOperator) for task in deliver.tasks)
    (told,) = deliver.get_task("tell_held").outlets
    assert [asset.uri for asset in release.timetable.asset_condition.objects] == [told.uri]
    ask = release.get_task("ask")
    assert (ask.defaults, ask.upstream_task_ids) == ([KEEP], {"list_held"})
    assert release.get_task("settle").upstream_task_ids == {"list_held", "ask"}
    assert [asset.name for asset in release.get_task("settle").outlets] == ["alerts-released"]


def test_whoever_is_to_answer_is_told_of_every_question(dags: dict[str, Any]) -> None:
    questions = [task for _, task in _tasks(dags) if isinstance(task, HITLOperator)]
    assert len(questions) == 5
    assert all([type(one) for one in task.notifiers] == [QuestionNotifier] for task in questions)


@pytest.mark.parametrize("dag_id", SEARCHES)
def test_the_reducer_survives_failed_and_missing_batches(dags: dict[str, Any], dag_id: str) -> None:
    gather = dags[dag_id].get_task("gather")
    assert gather.trigger_rule == "all_done"
    assert {"plan", "search_batch.detect"} <= gather.upstream_task_ids


@pytest.mark.parametrize("dag_id", SEARCHES)
def test_objects_are_measured_after_publishing_and_hold_up_no_report(dags: dict[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert "publish" in dag.get_task("measure_objects").upstream_task_ids
    assert dag.get_task("measure_objects").downstream_task_ids == {"complete_report"}
    assert "measure_objects" not in dag.get_task("report").get_flat_relative_ids(upstream=True)


@pytest.mark.parametrize("dag_id", SEARCHES)
def test_known_objects_are_looked_up_after_publishing_and_hold_up_no_report(dags: dict[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert "publish" in dag.get_task("look_up").upstream_task_ids
    assert "look_up" not in dag.get_task("report").get_flat_relative_ids(upstream=True)
    assert "look_up" in dag.get_task("complete_report").upstream_task_ids


@pytest.mark.parametrize("dag_id", SEARCHES)
def test_injections_stand_beside_the_way_to_the_catalog(dags: dict[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    injections = {"plan_injections", "inject", "track_models"}
    for task_id in ("check_preparations", "check_candidates", "curate", "publish", "report"):
        assert not injections & dag.get_task(task_id).get_flat_relative_ids(upstream=True), task_id
    assert "gather" in dag.get_task("plan_injections").upstream_task_ids
    assert dag.get_task("inject").is_mapped
    # The one last task: it runs whatever became of the injections, and asks whether the night was reported.
    assert [task.task_id for task in dag.leaves] == ["complete_report"]
    last = dag.get_task("complete_report")
    assert last.trigger_rule == "all_done"
    assert {"track_models", "report"} <= last.upstream_task_ids
    track = dag.get_task("track_models")
    assert track.trigger_rule == "all_done"
    assert "inject" in track.upstream_task_ids


def test_a_night_is_a_partition_named_by_its_evening(dags: dict[str, Any]) -> None:
    timetable = coerce_to_core_timetable(dags["nightly_survey"].timetable)
    assert timetable.partitioned
    _, key = timetable._get_partition_info(datetime(2026, 11, 21, 12))
    assert key == "2026-11-20"


@pytest.mark.parametrize(
    ("dag_id", "asked"),
    [
        ("nightly_survey", {"region": "circle(1,2,3)"}),
        ("nightly_survey", {"night": "20 November"}),
        ("nightly_survey", {"survey": "No such name"}),
        ("nightly_survey", {"max_failed": 1.5}),
        ("nightly_survey", {"force": "perhaps"}),
        ("region_on_demand", {"first_night": "2026-11-20"}),
        ("region_on_demand", {**NIGHT, "region": "M31"}),
        ("build_references", {"exclude_night": "yesterday"}),
        ("build_calibrations", {"first_night": "yesterday"}),
        ("build_references", {"before_mjd": "2026-11-20"}),
        ("build_references", {"ask": "perhaps"}),
        ("release_catalog", {"region": "M31"}),
        ("release_catalog", {"formats": ["xls"]}),
        ("release_catalog", {"statuses": ["splendid"]}),
        ("release_catalog", {"classes": ["comet"]}),
        ("release_catalog", {"min_detections": 0}),
        ("ingest_observations", {"first_night": "yesterday"}),
        ("ingest_observations", {"region": "M31"}),
        ("reconcile_archive", {"retry": "perhaps"}),
    ],
)
def test_a_form_refuses_what_makes_no_sense(dags: dict[str, Any], dag_id: str, asked: dict[str, object]) -> None:
    with pytest.raises(ParamValidationError):
        _filled(dags[dag_id], asked)


@pytest.mark.parametrize(
    ("dag_id", "asked"),
    [
        ("nightly_survey", {}),
        (
            "nightly_survey",
            {"region": "cone(10.68,41.27,0.5deg)", "night": "2026-11-20", "survey": "demo", "force": True},
        ),
        ("region_on_demand", {**NIGHT, "region": "polygon(10 41, 11 41, 11 42)"}),
        ("build_references", {"exclude_night": "2026-11-20"}),
        ("build_calibrations", {"first_night": "2026-11-20", "survey": "demo"}),
        ("build_references", {"exclude": ["demo:a.fits"], "before_mjd": 61000.5}),
        ("release_catalog", {}),
        ("release_catalog", {"classes": ["agn"], "min_detections": 2, "formats": ["csv", "hats"]}),
        ("ingest_observations", {**NIGHT, "region": "cone(10.68,41.27,0.5deg)", "survey": "m31-hst"}),
        ("reconcile_archive", {"survey": "m31-hst", "retry": True}),
    ],
)
def test_a_form_takes_what_makes_sense(dags: dict[str, Any], dag_id: str, asked: dict[str, object]) -> None:
    assert _filled(dags[dag_id], asked).items() >= asked.items()


@pytest.mark.parametrize(
    ("dag_id", "times", "asset"),
    [
        ("ingest_observations", 8, "observations"),
        ("reconcile_archive", 1, "observations"),
        ("collect_verdicts", 24, "verdicts"),
    ],
)
def test_archives_and_verdicts_are_looked_at_by_themselves(
    dags: dict[str, Any], dag_id: str, times: int, asset: str
) -> None:
    timetable = coerce_to_core_timetable(dags[dag_id].timetable)
    now, n_runs = datetime(2026, 11, 21), 0
    while (now := timetable._get_next(now)) <= datetime(2026, 11, 22):
        n_runs += 1
    assert n_runs == times
    (task,) = dags[dag_id].tasks
    assert [one.name for one in task.outlets] == [asset]


def _filled(dag: Any, asked: dict[str, object]) -> dict[str, Any]:
    params = dag.params.__copy__()
    params.update(asked)
    return dict(params.validate())


def _imported_by(statement: str) -> set[str]:
    code = f"import runpy, sys\n{statement}\nprint(*{{one.partition('.')[0] for one in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split()) & HEAVY


@pytest.mark.parametrize("compute", ["local", "kubernetes"])
def test_parsing_imports_nothing_heavy(compute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRID_COMPUTE", compute)
    monkeypatch.setenv("ASTRID_POD_IMAGE", f"registry.example/astrid@sha256:{'0' * 64}")
    parse = "; ".join(f"runpy.run_path({str(path)!r}, run_name='dag_file')" for path in DAG_FILES)
    assert _imported_by(parse) == set()
    assert "numpy" in _imported_by("import include.search")
