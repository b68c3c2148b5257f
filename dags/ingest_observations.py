"""When archives are looked at."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Mapping
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from include.assets import OBSERVATIONS
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START, night_param, region_param, survey_param


@dag(
    schedule=CronTriggerTimetable("0 */3 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    # One after the other: two at once would ask the archive for the same files.
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "archive"],
    params={
        "survey": survey_param(),
        "region": region_param(),
        "first_night": night_param("Leave out what the archive lists before this night", title="First night"),
        "last_night": night_param("Leave out what the archive lists behind this night", title="Last night"),
    },
)
def ingest_observations() -> None:
    """Every three hours, or when asked, record what the surveys hold; of a region and some nights if so asked."""

    @task(outlets=[OBSERVATIONS])
    def ingest(*, outlet_events: Any = None) -> Mapping[str, int]:
        """Download, describe and record."""
        from astrid_core.bootstrap import open_services
        from include.intake import ingest_wanted

        with airflow_outcome(), open_services() as services:
            ingested = ingest_wanted(services, get_current_context()["params"])
            outlet_events[OBSERVATIONS].extra = ingested
            return ingested

    ingest()


ingest_observations()
