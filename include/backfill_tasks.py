"""The tasks of a backfill, from what it costs to the exchange in the catalog."""
# mypy: disallow-untyped-decorators=False

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import TriggerRule, get_current_context, task

from include.assets import DETECTIONS
from include.boundary import airflow_outcome
from include.messages import LEAVE_IT, START_IT, Estimate, Request
from include.questions import PATIENCE, choice
from include.search_tasks import plan, report, search_batch


def bring_up_to_date(request: Any) -> None:
    """Wire the tasks behind ``request``, the output of the task that pinned what is asked for."""
    estimated = estimate(request)
    dear = is_dear(estimated)
    ask = choice(
        task_id="ask",
        subject="Begin this backfill?",
        body="{{ ti.xcom_pull(task_ids='is_dear')['text'] }}",
        options=[START_IT, LEAVE_IT],
        otherwise=LEAVE_IT,
        patience=PATIENCE,
    )
    dear >> ask
    started = start(request, ask.output)
    planned = plan(started)
    tallied = tally(started, estimated, ask.output, planned)
    search_batch.partial(request=started).expand(batch=planned) >> tallied
    tallied >> compare(started) >> exchange(started) >> report(started)


@task
def estimate(request: Request) -> Estimate:
    """Say what is to do, and what it costs."""
    from astrid_core.bootstrap import open_services
    from include import backfill

    with airflow_outcome(), open_services() as services:
        return backfill.estimate(services, request)


@task
def is_dear(estimated: Estimate) -> Estimate:
    """Have a person asked; skipped, and nobody is asked, where it is cheap."""
    from include.backfill import require_dear

    with airflow_outcome():
        return require_dear(estimated, max_hours=get_current_context()["params"]["max_hours"])


# A question that was not asked is skipped, and holds up nothing.
@task(trigger_rule=TriggerRule.NONE_FAILED)
def start(request: Request, answer: Any) -> Request:
    """Go on; skipped where only the plan was wanted, or a person said no."""
    from include.backfill import require_start

    with airflow_outcome():
        return require_start(request, get_current_context()["params"]["mode"], answer)


# Whatever became of the batches: one that failed or was skipped does not hold up the others.
@task(trigger_rule=TriggerRule.ALL_DONE)
def tally(request: Request | None, estimated: Estimate | None, answer: Any, planned: Any) -> Mapping[str, int]:
    """Report failed exposures, and stop where they are too many; skipped where nothing was begun."""
    from astrid_core.bootstrap import open_services
    from include.backfill import tally as count

    asked = get_current_context()["params"]
    with airflow_outcome(), open_services() as services:
        return count(
            services, request, planned, mode=asked["mode"], estimated=estimated, answer=answer,
            max_failed=asked["max_failed"],
        )  # fmt: skip


@task
def compare(request: Request) -> Sequence[str]:
    """Tell what an exchange would change."""
    from astrid_core.bootstrap import open_services
    from include import backfill

    with airflow_outcome(), open_services() as services:
        return backfill.compare(services, request)


@task(outlets=[DETECTIONS])
def exchange(request: Request, *, outlet_events: Any = None) -> Sequence[str]:
    """Exchange cell by cell; skipped unless that was asked for."""
    from astrid_core.bootstrap import open_services
    from include import backfill

    with airflow_outcome(), open_services() as services:
        done = backfill.exchange(services, request, get_current_context()["params"]["mode"])
        outlet_events[DETECTIONS].extra = {"told": done[0], "nights": request["nights"]}
        return done
