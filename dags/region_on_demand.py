"""Search now, for whom asks."""
# mypy: disallow-untyped-decorators=False

from airflow.sdk import dag, get_current_context, task

from include.boundary import airflow_outcome
from include.dag_settings import (
    ON_DEMAND,
    START,
    force_param,
    max_failed_param,
    region_param,
    required_night_param,
    survey_param,
)
from include.messages import Request
from include.search_tasks import search


@dag(
    schedule=None,
    start_date=START,
    max_active_runs=1,
    default_args=ON_DEMAND,
    tags=["astrid", "region"],
    params={
        "survey": survey_param(),
        "region": region_param(),
        "first_night": required_night_param("First night"),
        "last_night": required_night_param("Last night"),
        "force": force_param(),
        "max_failed": max_failed_param(),
    },
)
def region_on_demand() -> None:
    """Search a part of the sky in some nights now, by the same tasks as every night."""

    @task
    def begin() -> Request:
        """List the nights and pin the model."""
        from astrid_core.bootstrap import open_services
        from include.request import nights_between, pin_request

        params = get_current_context()["params"]
        with airflow_outcome(), open_services() as services:
            nights = nights_between(params["first_night"], params["last_night"])
            return pin_request(
                services, nights=nights, survey=params["survey"], region=params["region"], force=params["force"]
            )

    search(begin())


region_on_demand()
