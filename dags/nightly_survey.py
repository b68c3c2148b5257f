"""When the nights are searched."""
# mypy: disallow-untyped-decorators=False

from airflow.sdk import CronPartitionTimetable, dag, get_current_context, task

from include.boundary import airflow_outcome
from include.dag_settings import (
    NIGHTLY_FIRST,
    START,
    force_param,
    max_failed_param,
    night_param,
    region_param,
    survey_param,
)
from include.messages import Request
from include.search_tasks import search


@dag(
    # Partitioned by night: only so does a backfill keep the earlier runs of a night beside the new one.
    schedule=CronPartitionTimetable("0 12 * * *", timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"),
    start_date=START,
    catchup=False,
    # One after the other, in the order of time: so no night renames the objects of another.
    max_active_runs=1,
    default_args=NIGHTLY_FIRST,
    tags=["astrid", "night"],
    params={
        "survey": survey_param(),
        "region": region_param(),
        "night": night_param("Only for a run that is started by hand: UTC date of the evening, YYYY-MM-DD"),
        "force": force_param(),
        "max_failed": max_failed_param(),
    },
)
def nightly_survey() -> None:
    """Every noon (UTC), search the night that ended, from raw files to the catalog."""

    @task
    def begin() -> Request:
        """Know the night and pin the model."""
        from astrid_core.bootstrap import open_services
        from include.request import night_of_run, pin_request

        context = get_current_context()
        params = context["params"]
        with airflow_outcome(), open_services() as services:
            night = night_of_run(context["dag_run"].partition_key, params["night"])
            return pin_request(
                services, nights=[night], survey=params["survey"], region=params["region"], force=params["force"]
            )

    search(begin())


nightly_survey()
