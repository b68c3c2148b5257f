"""When the report of a night is drawn anew."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Sequence

from airflow.sdk import dag, get_current_context, task

from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START, required_night_param, survey_param


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "night"],
    params={"survey": survey_param(), "night": required_night_param("Night")},
)
def nightly_report() -> None:
    """By hand: draw the report of a night again, with the verdicts, injections and earlier nights of today.

    ``nightly_survey`` draws it, too, when it has searched a night.
    """

    @task
    def report() -> Sequence[str]:
        """Measure the night and draw its pages, one per survey."""
        from astrid_core.bootstrap import open_services
        from include.report_links import links_of_records
        from include.search import report_again

        params = get_current_context()["params"]
        with airflow_outcome(), open_services() as services:
            return report_again(services, params["survey"], params["night"], links_of_records())

    report()


nightly_report()
