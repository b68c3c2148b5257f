"""When the store is looked through and cleared out."""
# mypy: disallow-untyped-decorators=False

from airflow.sdk import CronTriggerTimetable, dag, task

from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START


@dag(
    schedule=CronTriggerTimetable("45 11 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "operations"],
)
def housekeeping() -> None:
    """Every day (UTC), read a part of the store; where it is sound, delete what no record names, drop old images."""

    @task
    def scrub() -> dict[str, int]:
        """Look for what is corrupt or missing; fails where a record has lost its bytes."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include import housekeeping as keeping

        with airflow_outcome(), open_services() as services:
            return keeping.scrub_store(services, load_pipeline())

    @task
    def collect() -> dict[str, int]:
        """Delete what no record names, or count it."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include import housekeeping as keeping

        with airflow_outcome(), open_services() as services:
            return keeping.collect_store(services, load_pipeline())

    @task
    def drop() -> dict[str, int]:
        """Drop difference images that are made again when somebody needs them."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include import housekeeping as keeping

        with airflow_outcome(), open_services() as services:
            return keeping.drop_old_images(services, load_pipeline())

    # A store that has lost something is not cleared out: what looks left over may be all that is left.
    scrub() >> collect() >> drop()


housekeeping()
