"""Where heavy stages run: in the worker that has the task, or in a pod on a GPU node; the DAG looks the same.

``ASTRID_COMPUTE`` decides when DAGs are parsed. Task ids, what goes in, what is on record afterwards and what comes out
are equal, so that a night that began in one way may be ended in the other.
"""
# mypy: disallow-untyped-decorators=False

from typing import TYPE_CHECKING, Any

from airflow.sdk import task

from astrid_core.settings import Settings
from include.boundary import airflow_outcome
from include.messages import Batch, Request
from include.pools import GPU

if TYPE_CHECKING:
    from astrid_core.stages.services import Services


def heavy(stage: str, batch: Any, request: Any) -> Any:
    """Return the task that computes ``stage`` for one batch, and hands on the keys of its runs."""
    if _in_pods():
        from include.pods import StagePod, arguments_of

        return StagePod(**arguments_of(stage), batch=batch, request=request).output
    return _here(stage)(batch, request)


def heavy_each(stage: str, batches: Any, request: Any) -> Any:
    """Return the tasks that compute ``stage``, one for each of ``batches``."""
    if _in_pods():
        from include.pods import StagePod, arguments_of

        return StagePod.partial(**arguments_of(stage), request=request).expand(batch=batches).output
    return _here(stage).partial(request=request).expand(batch=batches)


def least_items(services: "Services") -> int:
    """Return how many exposures a batch needs to be worth its start, by what exposures have cost so far.

    A task in a worker is worth it with one. Before anything was subtracted nobody knows, and one will do.
    """
    if not _in_pods():
        return 1
    from include.pod_profiles import read_pod_plan

    with services.transaction() as records:
        seconds = records.difference_runs.typical_s()
    return read_pod_plan(Settings().compute_plan).rules.least_items(seconds or 0.0)


def _in_pods() -> bool:
    return Settings().compute == "kubernetes"


def _here(stage: str) -> Any:
    @task(task_id=stage, map_index_template="{{ label }}", pool=GPU)
    def compute(batch: Batch, request: Request) -> Batch:
        """Compute a heavy stage in this worker."""
        from astrid_core.bootstrap import open_services
        from astrid_core.stages.heavy import HeavyStage
        from include.search import heavy_batch

        with airflow_outcome(batch["label"]), open_services() as services:
            return heavy_batch(services, HeavyStage(stage), batch, request)

    return compute
