"""When what people say of detections is enough for a training."""
# mypy: disallow-untyped-decorators=False

from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from include.assets import VERDICTS
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START


@dag(
    schedule=CronTriggerTimetable("45 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "model"],
)
def collect_verdicts() -> None:
    """Every hour, count the verdicts that no training has learnt from; tell of them once they are enough."""

    @task(outlets=[VERDICTS])
    def offer(*, outlet_events: Any = None) -> int:
        """Count; skipped, and nobody is told, where they are too few. The same verdicts are told of once."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include.promotion import offer_verdicts

        with airflow_outcome(), open_services() as services:
            n_new = offer_verdicts(services, load_pipeline(), run_id=get_current_context()["run_id"])
            outlet_events[VERDICTS].extra = {"n_new": n_new}
            return n_new

    offer()


collect_verdicts()
