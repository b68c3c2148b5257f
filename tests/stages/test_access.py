"""Roles are granted, taken back and checked."""

import pytest

from astrid_core.curation.access import Permission, Role
from astrid_core.curation.entities import Curator
from astrid_core.shared.errors import NotAllowed
from astrid_core.shared.events import Actor
from astrid_core.stages.access import admit, grant_role, people, require_permission, revoke_role, set_roles
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase


@pytest.fixture
def services() -> Services:
    return Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )


def _changes(services: Services, login: str) -> list[tuple[str, object, object]]:
    with services.transaction() as records:
        return [(event.actor, event.facts["before"], event.facts["after"]) for event in records.events.of(login)]


def _may(services: Services, login: str, permission: Permission) -> bool:
    with services.transaction() as records:
        try:
            require_permission(records, login, permission)
        except NotAllowed:
            return False
        return True


def test_roles_are_granted_and_taken_back_and_the_log_tells_before_and_after(services: Services) -> None:
    assert grant_role(services, login="ada", role=Role.REVIEWER)
    assert not grant_role(services, login="ada", role=Role.REVIEWER)
    assert grant_role(services.acting_as(Actor(name="chief")), login="ada", role=Role.OPERATOR)
    assert _may(services, "ada", Permission.JUDGE)
    assert revoke_role(services, login="ada", role=Role.REVIEWER)
    assert not _may(services, "ada", Permission.JUDGE)
    assert set_roles(services, login="ada", roles=[])
    assert people(services) == (Curator(login="ada"),)
    assert not _may(services, "ada", Permission.READ)
    assert _changes(services, "ada") == [
        ("test", [], ["reviewer"]),
        ("chief", ["reviewer"], ["operator", "reviewer"]),
        ("test", ["operator", "reviewer"], ["operator"]),
        ("test", ["operator"], []),
    ]


def test_who_asks_in_vain_reads_what_is_missing(services: Services) -> None:
    grant_role(services, login="eve", role=Role.VIEWER)
    with services.transaction() as records:
        with pytest.raises(NotAllowed, match=r"no role of theirs .*login=eve, permission=judge, roles=viewer"):
            require_permission(records, "eve", Permission.JUDGE)
        with pytest.raises(NotAllowed, match=r"nobody of this name is known .*login=mallory"):
            require_permission(records, "mallory", Permission.READ)


def test_nobody_grants_roles_to_themselves_but_may_give_some_up(services: Services) -> None:
    set_roles(services, login="ada", roles=[Role.ADMIN, Role.VIEWER])
    with pytest.raises(NotAllowed, match="nobody grants roles to themselves"):
        grant_role(services, login="ada", role=Role.ARBITER, by="ada")
    with pytest.raises(NotAllowed, match="nobody grants roles to themselves"):
        set_roles(services, login="ada", roles=[Role.ARBITER], by="ada")
    assert set_roles(services, login="ada", roles=[Role.VIEWER], by="ada")
    assert grant_role(services, login="ada", role=Role.ARBITER, by="ben")


@pytest.mark.parametrize("login", ["", "  ", " ada"])
def test_a_person_needs_a_login(services: Services, login: str) -> None:
    with pytest.raises(ValueError, match="needs a login"):
        grant_role(services, login=login, role=Role.VIEWER)


def test_roles_of_an_issuer_count_until_it_says_something_else(services: Services) -> None:
    grant_role(services, login="ada", role=Role.VIEWER)
    admitted = admit(services, login="ada", via="token", roles=[Role.REVIEWER])
    assert admitted.permissions == {Permission.READ, Permission.JUDGE}
    assert _may(services, "ada", Permission.JUDGE)
    assert admit(services, login="ada", via="token", roles=[Role.REVIEWER]) == admitted
    assert len(_changes(services, "ada")) == 2
    # What the issuer says counts for whoever shows its token, and for nobody else.
    assert admit(services, login="ada", via="airflow").roles == {Role.VIEWER}
    assert admit(services, login="ada", via="token").roles == {Role.VIEWER}
    assert not _may(services, "ada", Permission.JUDGE)


def test_a_stranger_without_a_role_may_do_nothing_and_leaves_no_trace(services: Services) -> None:
    assert admit(services, login="eve", via="airflow").permissions == frozenset()
    assert people(services) == ()
