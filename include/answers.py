"""One question to a person per run: how it is asked, and who answered what."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypedDict

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param

from astrid_core.shared.events import Actor
from astrid_core.stages.services import Services
from include.notices import QuestionNotifier

PATIENCE = timedelta(days=7)
"""How long a question waits for its answer, where nothing waits for the end of its run."""


class Answer(TypedDict):
    """What a person chose, as Airflow hands it on."""

    chosen_options: list[str]
    params_input: dict[str, Any]
    responded_at: Any
    responded_by_user: dict[str, str] | None


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


def person_of(answer: Answer) -> str:
    """Return the name by which Airflow knows who answered; empty where nobody did."""
    return (answer["responded_by_user"] or {}).get("name", "")


def reason_of(answer: Answer) -> str:
    """Return the reason that they gave. Airflow does not check answers that come over its API against the form."""
    return str(answer["params_input"].get("reason") or "answered in Airflow without a reason")


def acting(services: Services, answer: Answer) -> Services:
    """Return services under which the log names who answered, with the roles that our own records give them."""
    login = person_of(answer)
    with services.transaction() as records:
        curator = records.curators.find(login)
    roles = () if curator is None else tuple(sorted(role.value for role in curator.roles))
    return services.acting_as(Actor(name=login, roles=roles, via="airflow"))


def _manner(patience: timedelta) -> dict[str, Any]:
    return {
        "params": {"reason": Param("", type="string", title="Reason", description="Goes on record")},
        "notifiers": [QuestionNotifier()],
        # No answer is a no. The time of execution would end while it waits.
        "response_timeout": patience,
        "execution_timeout": None,
    }
