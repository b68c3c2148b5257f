"""How an extract of the catalog becomes public."""
# mypy: disallow-untyped-decorators=False

from typing import Any

from airflow.sdk import dag, get_current_context, task

from include.assets import RELEASES
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START, release_params
from include.messages import Extract
from include.questions import approval


@dag(
    schedule=None,
    start_date=START,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "catalog"],
    params=release_params(),
)
def release_catalog() -> None:
    """When an operator asks, freeze the catalog, or its part in a region; public once another person says so."""

    @task
    def freeze() -> Extract:
        """Write the tables, named by their content; skipped where the same are public already."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include import releases

        context = get_current_context()
        login = context["dag_run"].triggering_user_name or ""
        with airflow_outcome(), open_services() as services:
            return releases.freeze(services, load_pipeline(), requested_by=login, **dict(context["params"]))

    @task(outlets=[RELEASES])
    def release(wanted: Extract, answer: Any, *, outlet_events: Any = None) -> str:
        """Record that it is public, in the name of whoever approved it."""
        from astrid_core.bootstrap import open_services
        from include import releases

        with airflow_outcome(), open_services() as services:
            releases.release(services, wanted, answer)
            outlet_events[RELEASES].extra = {"run": wanted["key"]}
            return wanted["key"]

    frozen = freeze()
    approve = approval(
        task_id="approve",
        subject="Release the catalog as {{ ti.xcom_pull(task_ids='freeze')['key'] }}?",
        body="{{ ti.xcom_pull(task_ids='freeze')['text'] }}",
    )
    frozen >> approve
    release(frozen, approve.output)


release_catalog()
