"""Who may do what."""

import pytest

from astrid_core.curation.access import (
    PERMISSIONS,
    Permission,
    Principal,
    Role,
    airflow_role_named,
    permissions_of,
    require,
    require_another,
    role_named,
)
from astrid_core.shared.errors import NotAllowed


def somebody(*roles: Role, scopes: frozenset[Permission] | None = None) -> Principal:
    return Principal(login="ada", roles=frozenset(roles), scopes=scopes, via="key")


def test_every_role_is_listed_and_may_at_least_look() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert all(Permission.READ in permitted for permitted in PERMISSIONS.values())


def test_nothing_is_permitted_without_a_role() -> None:
    assert somebody().permissions == frozenset()
    with pytest.raises(NotAllowed, match=r"login=ada, permission=read"):
        require(somebody(), Permission.READ)


@pytest.mark.parametrize("duty", [Permission.JUDGE, Permission.ARBITRATE, Permission.RELEASE])
def test_an_admin_needs_the_role_of_a_duty_to_exercise_it(duty: Permission) -> None:
    with pytest.raises(NotAllowed, match=f"permission={duty.value}"):
        require(somebody(Role.ADMIN), duty)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_but_an_admin_hands_out_roles_or_reads_the_log(role: Role) -> None:
    assert not {Permission.ADMINISTER, Permission.AUDIT} & PERMISSIONS[role]


def test_roles_add_up() -> None:
    both = somebody(Role.REVIEWER, Role.DATA_RELEASE)
    assert both.permissions == {Permission.READ, Permission.JUDGE, Permission.RELEASE}
    assert permissions_of(both.roles) == both.permissions


def test_scopes_narrow_and_never_widen() -> None:
    narrow = somebody(Role.REVIEWER, scopes=frozenset({Permission.READ, Permission.ADMINISTER}))
    require(narrow, Permission.READ)
    for beyond in (Permission.JUDGE, Permission.ADMINISTER):
        with pytest.raises(NotAllowed):
            require(narrow, beyond)
    assert somebody(Role.ADMIN, scopes=frozenset()).permissions == frozenset()


def test_the_log_names_a_principal_with_their_roles() -> None:
    actor = somebody(Role.REVIEWER, Role.ADMIN).actor(request="r-1")
    assert (actor.name, actor.roles, actor.via, actor.request) == ("ada", ("admin", "reviewer"), "key", "r-1")


def test_a_second_person_is_another_person() -> None:
    require_another(somebody(Role.DATA_RELEASE), "ben", "release")
    with pytest.raises(NotAllowed, match=r"second person \(login=ada, duty=release\)"):
        require_another(somebody(Role.DATA_RELEASE), "ada", "release")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("reviewer", Role.REVIEWER),
        ("Data release", Role.DATA_RELEASE),
        ("data_release", Role.DATA_RELEASE),
        ("authenticated", None),
        ("AstrID Viewer", None),
        ("", None),
    ],
)
def test_roles_that_an_issuer_claims_are_told_by_their_names(name: str, role: Role | None) -> None:
    assert role_named(name) is role


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("AstrID Reviewer", Role.REVIEWER),
        ("AstrID Data release", Role.DATA_RELEASE),
        ("AstrID Chief", None),
        ("AstrID", None),
        ("AstrIDAdmin", None),
        ("Admin", None),
        ("Viewer", None),
    ],
)
def test_roles_of_airflow_count_only_if_they_are_made_for_us(name: str, role: Role | None) -> None:
    assert airflow_role_named(name) is role
