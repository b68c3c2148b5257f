"""How the network is trained."""
# mypy: disallow-untyped-decorators=False

from typing import Any

from airflow.sdk import dag, task

from include.assets import MODEL
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START


@dag(
    schedule=None,
    start_date=START,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "model"],
)
def train_detector() -> None:
    """When asked, train the network on simulated skies, and use it if it is good enough."""

    @task(outlets=[MODEL])
    def train(*, outlet_events: Any = None) -> str:
        """Train, measure, register and promote."""
        from astrid_core.bootstrap import load_pipeline, open_services, training_frames
        from astrid_core.stages.train import run_train

        with airflow_outcome(), open_services() as services:
            pipeline = load_pipeline()
            model = run_train(services, pipeline.train, training_frames(pipeline), progress=print)
            outlet_events[MODEL].extra = {"model": model.id}
            return model.id

    train()


train_detector()
