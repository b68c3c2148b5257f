"""What becomes of a person's answer, as the tasks behind a question do it, over memory twins."""

from dataclasses import replace
from typing import Any

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.curation.access import Role
from astrid_core.differencing.entities import ReferenceStatus
from astrid_core.shared.errors import NotAllowed, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import grant_role
from astrid_core.stages.release import is_released
from astrid_core.stages.services import Services
from include import releases
from include.acceptance import list_drafts, settle_drafts
from include.answers import Answer, person_of, reason_of
from include.messages import ACCEPT, LEAVE, RETIRE
from tests.fakes.records import MemoryDatabase
from tests.stages.voting import REFERENCE, Voting, releasable, services_on


def _answer(chosen: str, name: str | None = "olga", **given: Any) -> Answer:
    user = None if name is None else {"id": "7", "name": name}
    return Answer(chosen_options=[chosen], params_input=given, responded_at=None, responded_by_user=user)


@pytest.fixture
def services() -> Services:
    """A reference that no rule took."""
    services = services_on(MemoryDatabase().transaction)
    with services.transaction() as records:
        records.references.add(replace(REFERENCE, status=ReferenceStatus.DRAFT))
        facts = {"reason": "its stars are wider by 20 %"}
        records.events.append("reference.recorded", subject=REFERENCE.digest, facts=facts)
    grant_role(services, login="olga", role=Role.OPERATOR)
    grant_role(services, login="ana", role=Role.REVIEWER)
    return services


def _status(services: Services) -> ReferenceStatus:
    with services.transaction() as records:
        return records.references.get(REFERENCE.digest).status


def test_a_person_sees_what_waits_and_why(services: Services) -> None:
    drafts = list_drafts(services, [REFERENCE.digest])
    assert drafts["digests"] == [REFERENCE.digest]
    row = drafts["table"].splitlines()[-1]
    assert REFERENCE.digest[:12] in row
    assert "its stars are wider by 20 %" in row


def test_what_is_accepted_is_used_and_on_record_with_person_role_and_reason(services: Services) -> None:
    drafts = list_drafts(services, [REFERENCE.digest])
    assert settle_drafts(services, drafts, _answer(ACCEPT, reason="deep enough")) == [REFERENCE.digest]
    assert _status(services) is ReferenceStatus.ACTIVE
    with services.transaction() as records:
        event = records.events.of(REFERENCE.digest)[-1]
    assert (event.actor, event.facts["reason"]) == ("olga", "deep enough")
    assert event.facts["by"] == {"roles": ["operator"], "via": "airflow"}
    with pytest.raises(Unprocessable, match="no reference waits"):
        list_drafts(services, [REFERENCE.digest])


def test_what_is_refused_is_retired_and_nobody_is_told_of_references(services: Services) -> None:
    drafts = list_drafts(services, [REFERENCE.digest])
    with pytest.raises(Unprocessable, match=r"no reference came into use.*n_retired=1, answered_by=olga"):
        settle_drafts(services, drafts, _answer(RETIRE))
    assert _status(services) is ReferenceStatus.RETIRED


@pytest.mark.parametrize("answer", [_answer(LEAVE), _answer(LEAVE, None), _answer(RETIRE, None), _answer(ACCEPT, None)])
def test_no_answer_changes_nothing(services: Services, answer: Answer) -> None:
    with pytest.raises(Unprocessable, match="references stay drafts"):
        settle_drafts(services, list_drafts(services, [REFERENCE.digest]), answer)
    assert _status(services) is ReferenceStatus.DRAFT


@pytest.mark.parametrize("name", ["ana", "eve"])
@pytest.mark.parametrize("chosen", [ACCEPT, RETIRE])
def test_a_user_of_airflow_without_the_role_decides_nothing(services: Services, name: str, chosen: str) -> None:
    with pytest.raises(NotAllowed):
        settle_drafts(services, list_drafts(services, [REFERENCE.digest]), _answer(chosen, name))
    assert _status(services) is ReferenceStatus.DRAFT


def test_a_reason_of_another_kind_is_kept_as_text() -> None:
    assert reason_of(_answer(ACCEPT, reason=["<b>"])) == "['<b>']"
    assert reason_of(_answer(ACCEPT)) == "answered in Airflow without a reason"
    assert person_of(_answer(ACCEPT, None)) == ""


@pytest.fixture
def night() -> Voting:
    """A published night; Olga may do everything, Dan may release."""
    return releasable()


def test_a_catalog_goes_out_once_by_a_second_person(night: Voting) -> None:
    wanted = releases.freeze(night.services, Pipeline(), region=None, requested_by="olga")
    assert "olga asks for the release of 3 objects" in wanted["text"]
    with pytest.raises(NotAllowed, match="second person"):
        releases.release(night.services, wanted, _answer("Approve", "olga"))
    assert not is_released(night.services, RunKey(wanted["key"]))
    assert releases.release(night.services, wanted, _answer("Approve", "dan", reason="DR 1"))
    with night.services.transaction() as records:
        event = records.events.of(wanted["key"])[-1]
    assert (event.name, event.actor, event.facts["requested_by"]) == ("catalog.released", "dan", "olga")
    with pytest.raises(Unprocessable, match="public already"):
        releases.freeze(night.services, Pipeline(), region=None, requested_by="olga")


def test_whoever_releases_is_told_what_changed_since_the_last_release(night: Voting) -> None:
    first = releases.freeze(night.services, Pipeline(), region=None, requested_by="olga", formats=["csv"])
    assert "first release" in first["text"]
    releases.release(night.services, first, _answer("Approve", "dan", reason="DR 1"))
    second = releases.freeze(
        night.services, Pipeline(), region=None, requested_by="olga", formats=["csv", "hats"], min_detections=2,
        statuses=None,
    )  # fmt: skip
    assert f"Since release 1, `{first['key']}`" in second["text"]
    assert "| catalog | 0 | 3 | 0 | 0 |" in second["text"]
    assert "| hats: " in second["text"]


@pytest.mark.parametrize("name", ["dan", "eve", ""])
def test_nobody_but_an_operator_asks_for_a_release(night: Voting, name: str) -> None:
    with pytest.raises(NotAllowed):
        releases.freeze(night.services, Pipeline(), region=None, requested_by=name)
