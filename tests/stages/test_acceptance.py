"""References that no rule took, over memory twins: accepted or retired by one person, all at once."""

from dataclasses import replace

import pytest

from astrid_core.curation.access import Role
from astrid_core.differencing.entities import ReferenceStatus
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import NotAllowed
from astrid_core.stages.acceptance import awaiting_acceptance, run_acceptance
from astrid_core.stages.access import grant_role
from astrid_core.stages.reference_status import retire_reference
from astrid_core.stages.services import Services
from tests.fakes.records import MemoryDatabase
from tests.stages.voting import REFERENCE, services_on

IN_USE, BLURRED, OTHER = ("1a" * 32, "2b" * 32, "3c" * 32)


@pytest.fixture
def services() -> Services:
    """One reference in use, a draft in its place, and a draft of another band."""
    services = services_on(MemoryDatabase().transaction)
    with services.transaction() as records:
        for digest, version, band in ((IN_USE, 1, "r"), (BLURRED, 2, "r"), (OTHER, 1, "g")):
            image = ArtifactRef(digest=digest, media_type="application/fits", n_bytes=1)
            status = ReferenceStatus.ACTIVE if digest == IN_USE else ReferenceStatus.DRAFT
            records.references.add(replace(REFERENCE, image=image, version=version, band=band, status=status))
    grant_role(services, login="olga", role=Role.OPERATOR)
    grant_role(services, login="ana", role=Role.ARBITER)
    return services


def _statuses(services: Services) -> list[str]:
    with services.transaction() as records:
        return [records.references.get(one).status.value for one in (IN_USE, BLURRED, OTHER)]


def test_drafts_wait_and_nothing_else_does(services: Services) -> None:
    assert [one.digest for one in awaiting_acceptance(services, [BLURRED, IN_USE, OTHER, OTHER])] == [OTHER, BLURRED]
    assert awaiting_acceptance(services, [IN_USE]) == ()


def test_what_is_accepted_is_used_in_the_place_of_what_was(services: Services) -> None:
    done = run_acceptance(services, [IN_USE, BLURRED, OTHER], is_accepted=True, login="olga", reason="looked at")
    assert sorted(done) == [BLURRED, OTHER]
    assert _statuses(services) == ["retired", "active", "active"]
    with services.transaction() as records:
        (event,) = records.events.of(OTHER)
    assert (event.name, event.facts["reason"]) == ("reference.activated", "looked at")
    assert run_acceptance(services, [BLURRED, OTHER], is_accepted=True, login="olga", reason="looked at") == ()


def test_what_is_refused_is_retired_and_the_old_one_stays(services: Services) -> None:
    run_acceptance(services, [BLURRED, OTHER], is_accepted=False, login="olga", reason="ghosts")
    assert _statuses(services) == ["active", "retired", "retired"]


def test_what_was_decided_since_the_question_stays(services: Services) -> None:
    retire_reference(services, BLURRED, reason="blurred")
    assert run_acceptance(services, [BLURRED, OTHER], is_accepted=True, login="olga", reason="fine") == (OTHER,)
    assert _statuses(services) == ["active", "retired", "active"]


@pytest.mark.parametrize("login", ["ana", "nobody", ""])
def test_only_an_operator_decides(services: Services, login: str) -> None:
    with pytest.raises(NotAllowed):
        run_acceptance(services, [BLURRED, OTHER], is_accepted=True, login=login, reason="mine")
    assert _statuses(services) == ["active", "draft", "draft"]
