"""Heavy stages as pods: what is asked of Kubernetes, and what every end of a pod becomes in Airflow."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.sdk import dag, task
from airflow.settings import configure_orm, dispose_orm
from airflow.utils.db import initdb
from kubernetes.client import ApiClient

from astrid_core.settings import Settings
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import BatchResult
from include.compute import heavy_each
from include.messages import Batch, Request
from include.pod_profiles import read_pod_plan
from include.pods import StagePod, arguments_of, resources_of
from tests.fakes.kubernetes import Cluster

on_airflow = pytest.mark.usefixtures("airflow_database")
# Running tasks here loads much of Airflow, whose own warnings are no matter of ours.
pytestmark = pytest.mark.filterwarnings("ignore")

VERSIONS = ("1.33", "1.35", "1.37")
TRACE = f"00-{'1' * 32}-{'2' * 16}-01"
IMAGE = f"registry.example/astrid@sha256:{'a' * 64}"
REQUEST: Any = {"surveys": ["demo"], "nights": ["2024-01-20"], "region": None, "force": False,
                "model": {"name": "astrid", "version": 3, "digest": "d" * 64}}  # fmt: skip
# Stands in the image's place: what it does is named by the item that it is given.
STAND_IN = """#!{python}
import pathlib, sys, time
said = pathlib.Path({folder!r})
item = sys.argv[-1]
n_before = len(list(said.glob(item + ".*")))
(said / (item + "." + str(n_before))).write_text(" ".join(sys.argv[1:]))
print("astrid batch: begins", item, flush=True)
if item == "slow-1":
    time.sleep(3.0)
statuses = {{"skip-1": 99, "bad-1": 65, "usage-1": 2, "busy-1": 0 if n_before else 75, "odd-1": 0 if n_before else 1}}
status = statuses.get(item, 0)
if status:
    print("astrid batch: too few stars (n=3)", file=sys.stderr, flush=True)
else:
    time.sleep(0.3)
sys.exit(status)
"""


class _Work:
    """Of the recipe only what a pod is told."""

    settings = "settings-0123"

    class recipe:  # noqa: N801 - stands for an attribute
        class model:  # noqa: N801
            id = "astrid/3"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    program = tmp_path / "bin" / "astrid"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, folder=str(tmp_path)))
    program.chmod(0o755)
    monkeypatch.setenv("ASTRID_COMPUTE", "kubernetes")
    monkeypatch.setenv("ASTRID_POD_IMAGE", IMAGE)
    monkeypatch.setattr("include.search.heavy_work", lambda *_: _Work)
    monkeypatch.setattr("astrid_core.stages.heavy.largest_mpix", lambda *_: 4.2)
    monkeypatch.setattr("astrid_core.stages.heavy.find_heavy", _found)
    monkeypatch.setattr("astrid_core.bootstrap.open_services", _Nothing)
    monkeypatch.setattr("astrid_core.telemetry.open.traceparent", lambda: {"TRACEPARENT": TRACE})
    with Cluster(tmp_path, {"PATH": f"{program.parent}:{os.environ['PATH']}"}) as made:
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", made.connection)
        yield made


@pytest.fixture(scope="module")
def airflow_database() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        initdb()
        DagBundlesManager().sync_bundles_to_db()
        yield
        # What Airflow leaves open would else be an error of whatever test comes next.
        dispose_orm()
        gc.collect()
        configure_orm()


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _found(_services: object, _work: object, items: list[str]) -> BatchResult:
    return BatchResult(keys=tuple(RunKey(f"done-{one}") for one in items))


def _states(*items: str, retries: int = 2) -> tuple[dict[str, str], list[Batch]]:
    """Run one pod for each item, and return the states of their tasks by item, and what came out."""
    batches = [Batch(label=f"exposures {item}", items=[item]) for item in items]

    @dag(schedule=None, default_args={"retries": retries, "retry_delay": 0.0})
    def pods() -> None:
        @task
        def plan() -> list[Batch]:
            return batches

        @task
        def request() -> Request:
            return REQUEST  # type: ignore[no-any-return]

        heavy_each("difference", plan(), request())

    made = pods()
    bag = DagBag(os.devnull)
    bag.bag_dag(made)
    sync_bag_to_db(bag, "dags-folder", None)
    run = made.test()
    tasks = {one.map_index: one for one in run.get_task_instances() if one.task_id == "difference"}
    states = {item: str(tasks[number].state) for number, item in enumerate(items)}
    out = [one.xcom_pull(task_ids="difference", map_indexes=number) for number, one in sorted(tasks.items())]
    return states, [one for one in out if one]


@on_airflow
def test_ends_of_pods_become_states_of_tasks_and_nothing_runs_twice(cluster: Cluster, tmp_path: Path) -> None:
    states, out = _states("good-1", "skip-1", "bad-1", "usage-1", "busy-1")
    assert states == {
        "good-1": "success", "skip-1": "skipped", "bad-1": "failed", "usage-1": "failed", "busy-1": "success",
    }  # fmt: skip
    assert out == [
        {"label": "exposures good-1", "items": ["done-good-1"]},
        {"label": "exposures busy-1", "items": ["done-busy-1"]},
    ]
    times = {item: len([*tmp_path.glob(f"{item}.*")]) for item in states}
    assert times == {"good-1": 1, "skip-1": 1, "bad-1": 1, "usage-1": 1, "busy-1": 2}
    told = (tmp_path / "good-1.0").read_text()
    assert told == "batch difference --model astrid/3 --settings settings-0123 -- good-1"
    for made in cluster.made:
        env = {one["name"]: one.get("value") for one in made["spec"]["containers"][0]["env"]}
        assert (env["TRACEPARENT"], env["ASTRID_ARRAYS"]) == (TRACE, "cupy")
    # What succeeded is gone; what did not is there to be looked at.
    left = [one.manifest["spec"]["containers"][0]["args"][-1] for one in cluster.pods.values()]
    assert sorted(left) == ["bad-1", "busy-1", "skip-1", "usage-1"]


@on_airflow
def test_a_pod_that_is_pushed_off_its_node_is_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    cluster.faults.evictions = 1
    states, _ = _states("good-1")
    assert states == {"good-1": "success"}
    assert len([*tmp_path.glob("good-1.*")]) == 2


@on_airflow
def test_a_pod_that_vanishes_is_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    cluster.faults.lost_pods = 1
    assert _states("slow-1")[0] == {"slow-1": "success"}
    assert len([*tmp_path.glob("slow-1.*")]) == 2


@on_airflow
def test_out_of_memory_gets_the_next_profile_once(cluster: Cluster) -> None:
    cluster.faults.out_of_memory = 1
    assert _states("good-1")[0] == {"good-1": "success"}
    asked = [one["spec"]["containers"][0]["resources"]["limits"]["memory"] for one in cluster.made]
    assert asked == ["6Gi", "16Gi"]


@on_airflow
def test_out_of_memory_twice_fails_whatever_tries_are_left(cluster: Cluster) -> None:
    cluster.faults.out_of_memory = 9
    assert _states("good-1", retries=5)[0] == {"good-1": "failed"}
    assert len(cluster.made) == 2


@on_airflow
def test_an_api_that_answers_500_and_a_watch_that_is_cut_cost_no_second_pod(cluster: Cluster, tmp_path: Path) -> None:
    cluster.faults.server_errors, cluster.faults.cut_logs = 2, 2
    assert _states("slow-1")[0] == {"slow-1": "success"}
    assert len([*tmp_path.glob("slow-1.*")]) == 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stage", ["difference", "detect", "inject"])
@pytest.mark.usefixtures("cluster")
def test_pods_are_what_kubernetes_knows(stage: str, version: str) -> None:
    for profile in read_pod_plan(Settings().compute_plan).profiles[stage]:
        kubernetes_validate.validate(_manifest(stage, resources_of(profile)), version, strict=True)


@pytest.mark.usefixtures("cluster")
def test_a_pod_that_kubernetes_would_not_know_is_seen() -> None:
    profile = read_pod_plan(Settings().compute_plan).choose("detect", 1.0)
    manifest = _manifest("detect", resources_of(profile))
    manifest["spec"]["nodeSelectr"] = manifest["spec"].pop("nodeSelector")
    with pytest.raises(kubernetes_validate.ValidationError, match="nodeSelectr"):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


@pytest.mark.usefixtures("cluster")
def test_a_pod_gets_a_gpu_a_node_for_it_and_no_rights() -> None:
    profile = read_pod_plan(Settings().compute_plan).choose("difference", 4.2)
    spec = _manifest("difference", resources_of(profile))["spec"]
    (container,) = spec["containers"]
    assert container["image"] == IMAGE
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["resources"]["limits"]["ephemeral-storage"] == "4Gi"
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["nodeSelector"]
    assert spec["tolerations"]
    assert spec["affinity"]
    assert spec["priorityClassName"]
    assert not spec["automountServiceAccountToken"]
    assert spec["activeDeadlineSeconds"] == 21600
    assert {one["name"] for one in container["volumeMounts"]} == {"scratch", "shared-memory"}


def test_an_image_without_digest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRID_POD_IMAGE", "registry.example/astrid:latest")
    with pytest.raises(BadConfiguration, match="digest"):
        arguments_of("detect")


def _manifest(stage: str, resources: Any) -> Any:
    pod = StagePod(**arguments_of(stage), batch=Batch(label="exposures 1-1", items=["a"]), request=REQUEST)
    pod.container_resources = resources
    pod.arguments = ["batch", stage, "a"]
    return ApiClient().sanitize_for_serialization(pod.build_pod_request_obj())
