"""How the network is trained, and how a new one comes into use."""
# mypy: disallow-untyped-decorators=False

from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from include.assets import MODEL, VERDICTS
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START
from include.questions import approval


@dag(
    schedule=[VERDICTS],
    start_date=START,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "model"],
    params={
        "nights": Param(
            [],
            type="array",
            items={"type": "string"},
            title="Nights",
            description="Learn, too, from the exposures of these nights with sources put into them",
        )
    },
)
def train_detector() -> None:
    """When asked, or after enough new verdicts, train the network, hold it against the one in use, and ask a person."""

    @task
    def train() -> str:
        """Train, measure and register; the first network is in use at once."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include.promotion import train_challenger

        with airflow_outcome(), open_services() as services:
            return train_challenger(services, load_pipeline(), get_current_context()["params"]["nights"])

    @task
    def gate(model_id: str) -> str:
        """Compare with the champion; nothing that fails goes further."""
        from astrid_core.bootstrap import load_pipeline, open_services
        from include.promotion import gate_challenger

        with airflow_outcome(), open_services() as services:
            return gate_challenger(services, load_pipeline(), model_id)

    @task(outlets=[MODEL])
    def promote(model_id: str, answer: Any, *, outlet_events: Any = None) -> str:
        """Use it from now on; runs that are under way keep the version that they began with."""
        from astrid_core.bootstrap import open_services
        from include.promotion import promote_challenger, settings_of

        with airflow_outcome(), open_services(settings_of(answer)) as services:
            outlet_events[MODEL].extra = {"model": promote_challenger(services, model_id, answer)}
            return model_id

    trained = train()
    approve = approval(
        task_id="approve",
        subject="Use {{ ti.xcom_pull(task_ids='train') }} from now on?",
        body="{{ ti.xcom_pull(task_ids='gate') }}",
    )
    gate(trained) >> approve
    promote(trained, approve.output)


train_detector()
