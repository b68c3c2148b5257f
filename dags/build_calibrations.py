"""When masters of bias, dark, flat and bad pixels are built."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Sequence

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from include.assets import CALIBRATIONS
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START, night_param, survey_param
from include.messages import CalibrationBatch


@dag(
    # Before the references of the week, which are coadded from calibrated exposures.
    schedule=CronTriggerTimetable("0 7 * * 1", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "calibration"],
    params={
        "survey": survey_param(),
        "first_night": night_param("Use no frames of earlier nights; empty: all there are"),
        "last_night": night_param("Use no frames of later nights; empty: all there are"),
    },
)
def build_calibrations() -> None:
    """Every Monday, or when asked, build masters from the bias, dark and flat frames of every detector."""

    @task
    def plan() -> Sequence[CalibrationBatch]:
        """Record what the surveys hold, and list the detectors with calibration frames."""
        from astrid_core.bootstrap import open_services
        from include import calibrations

        with airflow_outcome(), open_services() as services:
            return calibrations.plan_setups(services, get_current_context()["params"])

    @task(map_index_template="{{ label }}", outlets=[CALIBRATIONS])
    def build(batch: CalibrationBatch) -> Sequence[str]:
        """Build the masters of one detector."""
        from astrid_core.bootstrap import open_services
        from include.calibrations import build_setup

        with airflow_outcome(batch["label"]), open_services() as services:
            return build_setup(services, batch)

    build.expand(batch=plan())


build_calibrations()
