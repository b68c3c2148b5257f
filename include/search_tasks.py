"""The tasks that search nights, from ingested files to a report; DAGs differ in which nights they ask for."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import TriggerRule, get_current_context, task, task_group
from airflow.sdk.configuration import conf

from include.assets import DETECTIONS, OBSERVATIONS
from include.batches import MAX_BATCHES
from include.boundary import airflow_outcome
from include.compute import heavy, heavy_each
from include.messages import Batch, Request
from include.pools import ARCHIVE


def search(request: Any) -> None:
    """Wire the tasks behind ``request``, the output of the task that pinned what is asked for."""
    checked = check_observations(request)
    ingest(request) >> checked
    planned = plan(request)
    checked >> planned
    gathered = gather(request, planned)
    search_batch.partial(request=request).expand(batch=planned) >> gathered
    published, reported = publish(request), report(request)
    # A catalog of others that does not answer, and light curves, hold up neither the catalog nor its first report.
    looked_up, measured = look_up(request), measure_objects(request)
    published >> [looked_up, measured]
    (
        gathered
        >> check_preparations(request)
        >> check_candidates(request)
        >> breaker(request)
        >> curate(request)
        >> published
        >> reported
    )
    # Beside the way to the catalog: neither the time nor a failure of injections holds it up.
    shadows = plan_injections(request)
    gathered >> shadows
    injected = heavy_each("inject", shadows, request)
    completed = complete_report(request, reported)
    injected >> track_models(request) >> completed
    [looked_up, measured] >> completed


@task(outlets=[OBSERVATIONS], pool=ARCHIVE)
def ingest(request: Request, *, outlet_events: Any = None) -> Mapping[str, int]:
    """Record what the surveys hold."""
    from astrid_core.bootstrap import open_services
    from include.search import ingest_surveys

    with airflow_outcome(), open_services() as services:
        outlet_events[OBSERVATIONS].extra = ingested = ingest_surveys(services, request)
        return ingested


@task
def check_observations(request: Request) -> int:
    """Gate: Great Expectations on the exposures."""
    from astrid_core.bootstrap import open_services
    from include.gates import check_ingested

    with airflow_outcome(), open_services() as services:
        return check_ingested(services, request)


@task
def plan(request: Request) -> Sequence[Batch]:
    """Cut what is left to do into batches."""
    from astrid_core.bootstrap import open_services
    from include.search import plan_batches

    with airflow_outcome(), open_services() as services:
        return plan_batches(services, request, n_slots=min(MAX_BATCHES, conf.getint("core", "parallelism")))


@task_group
def search_batch(batch: Any, request: Any) -> None:
    """Search the exposures of one batch."""
    heavy("detect", heavy("difference", preprocess(batch), request), request)


@task(map_index_template="{{ label }}")
def preprocess(batch: Batch) -> Batch:
    """Prepare exposures."""
    from astrid_core.bootstrap import open_services
    from include.search import preprocess_batch

    with airflow_outcome(batch["label"]), open_services() as services:
        return preprocess_batch(services, batch)


# Not ALL_DONE_MIN_ONE_SUCCESS: that rule skips its task as soon as one batch is skipped, or none was planned.
@task(trigger_rule=TriggerRule.ALL_DONE)
def gather(request: Request, planned: Sequence[Batch] | None) -> Mapping[str, int]:
    """Report failed exposures, and stop where they are too many."""
    from astrid_core.bootstrap import open_services
    from include.search import gather as gather_batches

    with airflow_outcome(), open_services() as services:
        return gather_batches(services, request, planned, max_failed=get_current_context()["params"]["max_failed"])


@task
def check_preparations(request: Request) -> int:
    """Gate: Great Expectations on the prepared exposures."""
    from astrid_core.bootstrap import open_services
    from include.gates import check_prepared

    with airflow_outcome(), open_services() as services:
        return check_prepared(services, request)


@task
def check_candidates(request: Request) -> int:
    """Gate: Great Expectations on the candidates."""
    from astrid_core.bootstrap import open_services
    from include.gates import check_found

    with airflow_outcome(), open_services() as services:
        return check_found(services, request)


@task
def breaker(request: Request) -> int:
    """Set aside exposures and instruments that show far more than they used to."""
    from astrid_core.bootstrap import open_services
    from include.gates import trip_breaker

    with airflow_outcome(), open_services() as services:
        return trip_breaker(services, request)


@task
def curate(request: Request) -> int:
    """Queue detections for people."""
    from astrid_core.bootstrap import open_services
    from include.search import curate_all

    with airflow_outcome(), open_services() as services:
        return curate_all(services, request)


@task(outlets=[DETECTIONS])
def publish(request: Request, *, outlet_events: Any = None) -> Mapping[str, int]:
    """Bring detections into the catalog."""
    from astrid_core.bootstrap import open_services
    from include.search import publish_all

    with airflow_outcome(), open_services() as services:
        published = publish_all(services, request)
        outlet_events[DETECTIONS].extra = {**published, "nights": request["nights"]}
        return published


@task
def look_up(request: Request) -> Mapping[str, int]:
    """Match entries with known objects, and say what they are."""
    from astrid_core.bootstrap import open_services
    from include.search import look_up_all

    with airflow_outcome(), open_services() as services:
        return look_up_all(services, request)


@task
def measure_objects(request: Request) -> Mapping[str, int]:
    """Measure objects in every exposure that covers them."""
    from astrid_core.bootstrap import open_services
    from include.search import measure_all

    with airflow_outcome(), open_services() as services:
        return measure_all(services, request)


@task
def report(request: Request) -> Sequence[str]:
    """Measure the nights and draw their pages."""
    from astrid_core.bootstrap import open_services
    from include.report_links import links_of_search
    from include.search import report_all

    with airflow_outcome(), open_services() as services:
        return report_all(services, request, links_of_search())


@task
def plan_injections(request: Request) -> Sequence[Batch]:
    """Choose exposures for injections."""
    from astrid_core.bootstrap import open_services
    from include.search import plan_injections as plan_batches

    with airflow_outcome(), open_services() as services:
        return plan_batches(services, request, n_slots=min(MAX_BATCHES, conf.getint("core", "parallelism")))


# Without injections there is less to compare, and still much.
@task(trigger_rule=TriggerRule.ALL_DONE)
def track_models(request: Request) -> int:
    """Compare the network with earlier nights, and count alarms."""
    from astrid_core.bootstrap import open_services
    from include.search import track_models as track

    with airflow_outcome(), open_services() as services:
        return track(services, request)


# Failed injections must not fail the night: what decides is whether it has been reported.
@task(trigger_rule=TriggerRule.ALL_DONE)
def complete_report(request: Request, reported: Sequence[str] | None) -> Sequence[str]:
    """Draw the pages again, with what injections measured."""
    from astrid_core.bootstrap import open_services
    from include.report_links import links_of_search
    from include.search import complete_reports

    with airflow_outcome(), open_services() as services:
        return complete_reports(services, request, reported, links_of_search())
