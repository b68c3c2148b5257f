"""How a person is asked one question per run."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param

from include.notices import QuestionNotifier

PATIENCE = timedelta(days=7)
"""How long a question waits for its answer, where nothing waits for the end of its run."""


def approval(*, task_id: str, subject: str, body: str) -> ApprovalOperator:
    """Return a question with Approve and Reject for an answer; what stands behind it is skipped after a Reject."""
    return ApprovalOperator(
        task_id=task_id, subject=subject, body=body, defaults=ApprovalOperator.REJECT, **_manner(PATIENCE)
    )


def choice(
    *, task_id: str, subject: str, body: str, options: Sequence[str], otherwise: str, patience: timedelta
) -> HITLOperator:
    """Return a question with several answers; ``otherwise`` is the one of nobody."""
    return HITLOperator(
        task_id=task_id, subject=subject, body=body, options=[*options], defaults=otherwise, **_manner(patience)
    )


def _manner(patience: timedelta) -> dict[str, Any]:
    return {
        "params": {"reason": Param("", type="string", title="Reason", description="Goes on record")},
        "notifiers": [QuestionNotifier()],
        # No answer is a no. The time of execution would end while it waits.
        "response_timeout": patience,
        "execution_timeout": None,
    }
