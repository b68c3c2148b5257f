"""Who answered what to a question of a run."""

from typing import Any, TypedDict

from astrid_core.shared.events import Actor
from astrid_core.stages.services import Services


class Answer(TypedDict):
    """What a person chose, as Airflow hands it on."""

    chosen_options: list[str]
    params_input: dict[str, Any]
    responded_at: Any
    responded_by_user: dict[str, str] | None


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
