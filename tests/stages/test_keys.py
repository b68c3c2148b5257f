"""Keys for programs open what their owner may do, until they are revoked or too old."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from astrid_core.curation.access import Permission, Principal, Role
from astrid_core.curation.api_keys import LONGEST_LIFE, ShownKey, read_key
from astrid_core.shared.errors import NotAllowed, NotIdentified, UnknownRecord
from astrid_core.stages.access import grant_role, revoke_role
from astrid_core.stages.keys import NewKey, authenticate_key, create_key, list_keys, revoke_key
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
CHIEF = Principal(login="chief", roles=frozenset({Role.ADMIN}), via="airflow")
ADA = Principal(login="ada", roles=frozenset({Role.REVIEWER}), via="airflow")


@pytest.fixture
def services() -> Services:
    made = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )
    grant_role(made, login="ada", role=Role.REVIEWER)
    return made


def make(
    services: Services,
    *scopes: Permission,
    owner: str = "ada",
    by: Principal | None = None,
    life: timedelta = MONTH,
    name: str = "notebook",
) -> NewKey:
    return create_key(services, owner=owner, name=name, scopes=scopes, expires=AT + life, at=AT, by=by)


def test_a_key_acts_for_its_owner_within_its_scopes(services: Services) -> None:
    made = make(services, Permission.READ)
    principal = authenticate_key(services, text=made.shown.text, at=AT)
    assert principal == Principal(
        login="ada", roles=frozenset({Role.REVIEWER}), scopes=frozenset({Permission.READ}), via="key"
    )
    assert principal.permissions == {Permission.READ}


def test_a_key_never_opens_more_than_its_owner_may_do_now(services: Services) -> None:
    text = make(services, Permission.READ, Permission.JUDGE).shown.text
    assert authenticate_key(services, text=text, at=AT).permissions == {Permission.READ, Permission.JUDGE}
    grant_role(services, login="ada", role=Role.VIEWER)
    revoke_role(services, login="ada", role=Role.REVIEWER)
    assert authenticate_key(services, text=text, at=AT).permissions == {Permission.READ}


def test_the_secret_is_shown_once_and_kept_nowhere(
    services: Services, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    made = make(services, Permission.READ)
    with pytest.raises(NotIdentified) as refused:
        authenticate_key(services, text=made.shown.text, at=AT + MONTH)
    with services.transaction() as records:
        told = json.dumps([dict(event.facts) for event in records.events.all()])
    seen = "".join([repr(made), repr(list_keys(services)), told, str(refused.value), caplog.text, *capsys.readouterr()])
    assert made.key.id in seen
    assert made.shown.secret not in seen


@pytest.mark.parametrize("wrong", ["", "astrid_", "Bearer x", "astrid_0123_abc", "astrid_" + "0" * 16 + "_" + "a" * 44])
def test_what_is_no_key_is_refused(services: Services, wrong: str) -> None:
    assert read_key(wrong) is None
    with pytest.raises(NotIdentified, match="no key"):
        authenticate_key(services, text=wrong, at=AT)


def test_the_right_name_with_a_wrong_secret_is_refused(services: Services) -> None:
    shown, other = make(services, Permission.READ).shown, make(services, Permission.READ).shown
    flipped = shown.secret[:-1] + ("A" if shown.secret[-1] != "A" else "B")
    for forged in (
        replace(shown, secret=flipped),
        replace(shown, secret=other.secret),
        ShownKey(id="0" * 16, secret=shown.secret),
    ):
        with pytest.raises(NotIdentified, match="nobody has this key"):
            authenticate_key(services, text=forged.text, at=AT)


def test_a_key_ends_at_its_time_or_when_it_is_revoked(services: Services) -> None:
    made = make(services, Permission.READ)
    authenticate_key(services, text=made.shown.text, at=AT + MONTH - timedelta(seconds=1))
    with pytest.raises(NotIdentified, match="key is expired"):
        authenticate_key(services, text=made.shown.text, at=AT + MONTH)
    assert revoke_key(services, key_id=made.key.id, at=AT)
    assert not revoke_key(services, key_id=made.key.id, at=AT)
    with pytest.raises(NotIdentified, match="key is revoked"):
        authenticate_key(services, text=made.shown.text, at=AT)
    with services.transaction() as records:
        assert [event.name for event in records.events.of(made.key.id)] == ["key.created", "key.revoked"]


def test_the_last_use_is_kept_to_the_minute(services: Services) -> None:
    text = make(services, Permission.READ).shown.text
    for seconds, kept in ((0, 0), (59, 0), (60, 60), (100, 60)):
        authenticate_key(services, text=text, at=AT + timedelta(seconds=seconds))
        assert [key.last_used for key in list_keys(services)] == [AT + timedelta(seconds=kept)]


def test_a_key_is_not_made_beyond_what_its_owner_may_do(services: Services) -> None:
    with pytest.raises(NotAllowed, match=r"owner may not do this .*permission=arbitrate"):
        make(services, Permission.READ, Permission.ARBITRATE)
    with pytest.raises(UnknownRecord):
        make(services, Permission.READ, owner="mallory")
    assert list_keys(services) == ()


@pytest.mark.parametrize("life", [timedelta(0), -MONTH, LONGEST_LIFE + timedelta(seconds=1)])
def test_a_key_without_an_end_is_not_made(services: Services, life: timedelta) -> None:
    with pytest.raises(ValueError, match="expires within"):
        make(services, Permission.READ, life=life)


def test_a_key_needs_a_name_and_a_scope(services: Services) -> None:
    with pytest.raises(ValueError, match="name"):
        make(services, Permission.READ, name=" ")
    with pytest.raises(ValueError, match="scope"):
        make(services)


def test_a_person_makes_and_revokes_their_own_keys_and_an_admin_those_of_others(services: Services) -> None:
    own = make(services, Permission.JUDGE, by=ADA)
    others = make(services, Permission.READ, by=CHIEF)
    ben = Principal(login="ben", roles=frozenset({Role.REVIEWER}), via="airflow")
    with pytest.raises(NotAllowed, match="permission=administer"):
        make(services, Permission.READ, by=ben)
    with pytest.raises(NotAllowed, match="permission=administer"):
        revoke_key(services, key_id=own.key.id, at=AT, by=ben)
    assert revoke_key(services, key_id=own.key.id, at=AT, by=CHIEF)
    assert revoke_key(services, key_id=others.key.id, at=AT, by=ADA)
    with pytest.raises(UnknownRecord):
        revoke_key(services, key_id="0" * 16, at=AT, by=CHIEF)
    assert list_keys(services, owner="ben") == ()


def test_an_admin_makes_no_key_that_judges_in_the_name_of_another(services: Services) -> None:
    with pytest.raises(NotAllowed, match="only its owner makes such a key"):
        make(services, Permission.JUDGE, by=CHIEF)


def test_a_key_makes_no_keys(services: Services) -> None:
    with pytest.raises(NotAllowed, match="a key makes no keys"):
        make(services, Permission.READ, by=replace(ADA, via="key"))
