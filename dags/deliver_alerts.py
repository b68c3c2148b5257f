"""When others are told of objects."""
# mypy: disallow-untyped-decorators=False

from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, get_current_context, task

from include.assets import ALERTS_RELEASED, DETECTIONS, HELD_ALERTS
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START


@dag(
    # The time is for what verdicts change, and for receivers that were away.
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/15 * * * *", timezone="UTC"), assets=(DETECTIONS | ALERTS_RELEASED)
    ),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    # Whoever names a channel switches it on.
    is_paused_upon_creation=True,
    default_args=ARGUMENTS,
    tags=["astrid", "catalog"],
)
def deliver_alerts() -> None:
    """After every night, and every quarter of an hour, send what is to be said of objects to those who are told."""

    @task
    def gate() -> dict[str, int]:
        """Let go what was raised, or hold it where it is a flood; skipped where no channel is configured."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include import alerts

        with airflow_outcome(), open_services() as services:
            return alerts.gate(services, load_pipeline(), run_id=get_current_context()["run_id"])

    @task
    def deliver() -> dict[str, int]:
        """Send what is due; a channel that is away is tried again, and holds up no other."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include import alerts

        with airflow_outcome(), open_services() as services:
            return alerts.deliver(services, load_pipeline())

    @task(outlets=[HELD_ALERTS])
    def tell_held(gated: dict[str, int], *, outlet_events: Any = None) -> int:
        """Have a person asked; skipped where this run held nothing."""
        from include import alerts

        with airflow_outcome():
            n_held = alerts.require_held(gated)
            outlet_events[HELD_ALERTS].extra = {"n_held": n_held}
            return n_held

    gated = gate()
    gated >> deliver()
    tell_held(gated)


deliver_alerts()
