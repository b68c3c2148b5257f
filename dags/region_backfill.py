"""Bring the exposures of a region to today's settings, and see what changes before it counts."""
# mypy: disallow-untyped-decorators=False

from airflow.sdk import Param, dag, get_current_context, task

from include.backfill_tasks import bring_up_to_date
from include.boundary import airflow_outcome
from include.dag_settings import BACKFILL, START, max_failed_param, region_param, required_night_param
from include.messages import Request


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=BACKFILL,
    tags=["astrid", "region"],
    params={
        "survey": Param(
            type="string", pattern="^[a-z0-9][a-z0-9-]*$", title="Survey", description="Name in surveys.toml"
        ),
        "region": region_param(),
        "first_night": required_night_param("First night"),
        "last_night": required_night_param("Last night"),
        "mode": Param(
            "shadow", type="string", enum=["dry", "shadow", "commit"], title="Mode",
            description="dry: only say what is to do. shadow: search, and compare with the catalog, which stays as it "
            "is. commit: search, and exchange what the exposures measured, each cell of the sky at once",
        ),
        "max_hours": Param(
            2.0, type="number", minimum=0, title="Hours without asking",
            description="A person is asked before more than this begins, by what exposures have cost so far",
        ),
        "max_failed": max_failed_param(),
    },
)  # fmt: skip
def region_backfill() -> None:
    """After settings, references or the network have changed: plan, search, compare, and exchange where asked for."""

    @task
    def begin() -> Request:
        """List the nights and pin the model."""
        from astrid_core.bootstrap import open_services
        from include.backfill import pin_backfill

        asked = get_current_context()["params"]
        with airflow_outcome(), open_services() as services:
            return pin_backfill(
                services, survey=asked["survey"], first_night=asked["first_night"], last_night=asked["last_night"],
                region=asked["region"],
            )  # fmt: skip

    bring_up_to_date(begin())


region_backfill()
