"""When archives and records are compared."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Mapping
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from include.assets import OBSERVATIONS
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START, retry_param, survey_param


@dag(
    schedule=CronTriggerTimetable("30 10 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "archive"],
    params={"survey": survey_param(), "retry": retry_param()},
)
def reconcile_archive() -> None:
    """Every morning (UTC), ask the archives for what is missing, and say what they list no more."""

    @task(outlets=[OBSERVATIONS])
    def reconcile(*, outlet_events: Any = None) -> Mapping[str, int]:
        """Compare, ask again, count."""
        from astrid_core.bootstrap import open_services
        from include.intake import reconcile_wanted

        params = get_current_context()["params"]
        with airflow_outcome(), open_services() as services:
            counts = reconcile_wanted(services, params["survey"], retry=params["retry"])
            outlet_events[OBSERVATIONS].extra = counts
            return counts

    reconcile()


reconcile_archive()
