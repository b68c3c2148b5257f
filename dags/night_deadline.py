"""When somebody looks whether the last night is done."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Sequence

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START


@dag(
    schedule=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    # Whoever sets a deadline switches it on.
    is_paused_upon_creation=True,
    default_args=ARGUMENTS,
    tags=["astrid", "night"],
)
def night_deadline() -> None:
    """Every quarter of an hour, tell people of a night that is not in the catalog by ``ASTRID_NIGHT_DEADLINE``."""

    @task
    def check() -> Sequence[str]:
        """Name the surveys that are late; skipped where no deadline is set."""
        from astrid_core.bootstrap import open_services
        from include.deadline import check_now

        with airflow_outcome(), open_services() as services:
            return check_now(services, get_current_context())

    check()


night_deadline()
