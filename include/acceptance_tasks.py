"""The tasks behind a build of references that ask a person, once, about those which no rule brought into use."""
# mypy: disallow-untyped-decorators=False

from datetime import timedelta
from typing import Any

from airflow.sdk import task

from include.assets import REFERENCES
from include.boundary import airflow_outcome
from include.messages import ACCEPT, LEAVE, RETIRE, BuiltBatch, Drafts
from include.questions import choice

_PATIENCE = timedelta(days=5)
"""Shorter than the week between two builds: one waits until the other has ended."""


def accept_drafts(checked: Any) -> None:
    """Wire the tasks behind ``checked``, the output of the gate of references: nobody is asked where it is closed."""
    drafts = list_drafts(checked)
    ask = choice(
        task_id="accept",
        subject="Use {{ ti.xcom_pull(task_ids='list_drafts')['digests'] | length }} new references from now on?",
        body="{{ ti.xcom_pull(task_ids='list_drafts')['table'] }}",
        options=[ACCEPT, RETIRE, LEAVE],
        otherwise=LEAVE,
        patience=_PATIENCE,
    )
    drafts >> ask
    settle_drafts(drafts, ask.output)


@task
def list_drafts(checked: BuiltBatch) -> Drafts:
    """List what waits for a person; skipped, and nobody is asked, where nothing does."""
    from astrid_core.bootstrap import open_services
    from include import acceptance

    with airflow_outcome(), open_services() as services:
        return acceptance.list_drafts(services, checked["built"])


@task(outlets=[REFERENCES])
def settle_drafts(drafts: Drafts, answer: Any, *, outlet_events: Any = None) -> int:
    """Use them or retire them, in the name of the person; skipped where none comes into use."""
    from astrid_core.bootstrap import open_services
    from include import acceptance

    with airflow_outcome(), open_services() as services:
        digests = acceptance.settle_drafts(services, drafts, answer)
        outlet_events[REFERENCES].extra = {"digests": digests}
        return len(digests)
