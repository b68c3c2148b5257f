"""When references are built."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Sequence
from typing import Any

from airflow.sdk import CronTriggerTimetable, TriggerRule, dag, get_current_context, task
from airflow.sdk.configuration import conf

from include.acceptance_tasks import accept_drafts
from include.assets import REFERENCES
from include.batches import MAX_BATCHES
from include.boundary import airflow_outcome
from include.dag_settings import ARGUMENTS, START, reference_params
from include.messages import Batch, BuiltBatch, GroupBatch


@dag(
    schedule=CronTriggerTimetable("0 9 * * 1", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=ARGUMENTS,
    tags=["astrid", "references"],
    params=reference_params(),
)
def build_references() -> None:
    """Every Monday, or when asked, coadd the best exposures of each cell of the sky and band into references.

    A person is asked, once a run, about those that the rules do not bring into use by themselves.
    """

    @task
    def plan_inputs() -> Sequence[Batch]:
        """Record what the surveys hold, and cut what can be coadded into batches."""
        from astrid_core.bootstrap import open_services
        from include import references

        with airflow_outcome(), open_services() as services:
            n_slots = min(MAX_BATCHES, conf.getint("core", "parallelism"))
            return references.plan_inputs(services, get_current_context()["params"], n_slots=n_slots)

    @task(map_index_template="{{ label }}")
    def prepare(batch: Batch) -> int:
        """Prepare exposures."""
        from astrid_core.bootstrap import open_services
        from include.references import prepare_inputs

        with airflow_outcome(batch["label"]), open_services() as services:
            return prepare_inputs(services, batch)

    # A batch that failed does not hold up the others: coadding prepares what is missing.
    @task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def plan_coadds() -> Sequence[GroupBatch]:
        """Group exposures by cells and band."""
        from astrid_core.bootstrap import open_services
        from include import references

        with airflow_outcome(), open_services() as services:
            return references.plan_coadds(services, get_current_context()["params"])

    @task(map_index_template="{{ label }}")
    def coadd(batch: GroupBatch) -> BuiltBatch:
        """Build references."""
        from astrid_core.bootstrap import open_services
        from include.references import coadd_groups

        with airflow_outcome(batch["label"]), open_services() as services:
            return coadd_groups(services, batch, ask=get_current_context()["params"]["ask"])

    @task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    def check_references(batches: Sequence[BuiltBatch]) -> BuiltBatch:
        """Hold what was built against what must be true of references; nothing is announced where it is not."""
        from astrid_core.bootstrap import open_services
        from include.references import check_built

        with airflow_outcome(), open_services() as services:
            return check_built(services, batches, ask=get_current_context()["params"]["ask"])

    @task(outlets=[REFERENCES])
    def announce(checked: BuiltBatch, *, outlet_events: Any = None) -> int:
        """Tell who waits for references which of those built are in use; skipped where none is."""
        from include.references import require_in_use

        with airflow_outcome():
            outlet_events[REFERENCES].extra = {"digests": require_in_use(checked)}
            return len(checked["in_use"])

    planned = plan_coadds()
    prepare.expand(batch=plan_inputs()) >> planned
    checked = check_references(coadd.expand(batch=planned))
    announce(checked)
    accept_drafts(checked)


build_references()
