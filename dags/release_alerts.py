"""How alerts that are held go out."""
# mypy: disallow-untyped-decorators=False

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from include.assets import ALERTS_RELEASED, HELD_ALERTS
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START
from include.messages import DROP, KEEP, SEND, HeldAlerts
from include.questions import choice

_PATIENCE = timedelta(days=1)
"""After a night and a day a flood is no news; what is held then stays so, for a person to settle by hand."""


@dag(
    schedule=[HELD_ALERTS],
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "catalog"],
)
def release_alerts() -> None:
    """When alerts are held, ask a person, once a run, about everything that is; deliveries go on meanwhile."""

    @task
    def list_held() -> HeldAlerts:
        """List what waits for a person; skipped, and nobody is asked, where nothing does any more."""
        from astrid_core.bootstrap import open_services
        from include import alerts

        with airflow_outcome(), open_services() as services:
            return alerts.list_held(services)

    @task(outlets=[ALERTS_RELEASED])
    def settle(held: HeldAlerts, answer: Any, *, outlet_events: Any = None) -> int:
        """Let them go or drop them, in the name of the person; skipped where nothing goes out."""
        from astrid_core.bootstrap import open_services
        from include import alerts

        with airflow_outcome(), open_services() as services:
            n_released = alerts.settle(services, held, answer)
            outlet_events[ALERTS_RELEASED].extra = {"n_released": n_released}
            return n_released

    held = list_held()
    ask = choice(
        task_id="ask",
        subject="Send {{ ti.xcom_pull(task_ids='list_held')['n_alerts'] }} alerts that are held?",
        body="{{ ti.xcom_pull(task_ids='list_held')['text'] }}",
        options=[SEND, DROP, KEEP],
        otherwise=KEEP,
        patience=_PATIENCE,
    )
    held >> ask
    settle(held, ask.output)


release_alerts()
