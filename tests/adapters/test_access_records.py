"""Contract of Curators and ApiKeys."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from astrid_core.curation.access import Permission, Role
from astrid_core.curation.api_keys import ApiKey
from astrid_core.curation.entities import Curator
from tests.adapters.databases import AnyDatabase, SqlDatabase

ADA = Curator(login="ada", roles=frozenset({Role.REVIEWER, Role.ARBITER}))
BEN = Curator(login="ben")
AT = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
KEY = ApiKey(
    id="00ff00ff00ff00ff",
    owner="ada",
    name="nightly export",
    digest="d" * 64,
    scopes=frozenset({Permission.READ, Permission.RELEASE}),
    created=AT,
    expires=AT + timedelta(days=30),
)


def test_a_person_has_the_roles_that_were_given_last(database: AnyDatabase) -> None:
    viewer = Curator(login="ada", roles=frozenset({Role.VIEWER}))
    with database.transaction() as records:
        assert records.curators.find("ada") is None
        assert records.curators.add(viewer)
        assert not records.curators.add(viewer)
        assert records.curators.add(ADA)
        assert records.curators.add(BEN)
        assert not records.curators.add(BEN)
    with database.transaction() as records:
        assert records.curators.find("ada") == ADA
        assert records.curators.find("ben") == BEN
        assert records.curators.all() == (ADA, BEN)


def test_roles_of_several_sources_add_up_and_replace_only_their_own(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.curators.add(ADA)
        assert records.curators.add(Curator(login="ada", roles=frozenset({Role.ARBITER, Role.ADMIN})), source="token")
        assert records.curators.find("ada", source="astrid") == ADA
        assert records.curators.find("ada", source="airflow") == Curator(login="ada")
        both = records.curators.find("ada")
        assert both is not None
        assert both.roles == {Role.REVIEWER, Role.ARBITER, Role.ADMIN}
        assert records.curators.add(Curator(login="ada"), source="token")
        assert records.curators.find("ada") == ADA


def test_roles_that_are_granted_at_once_are_all_kept(sql_database: SqlDatabase) -> None:
    def grant(role: Role) -> None:
        with sql_database.transaction() as records:
            records.curators.lock()
            known = records.curators.find("ada") or Curator(login="ada")
            records.curators.add(Curator(login="ada", roles=known.roles | {role}))

    with ThreadPoolExecutor(len(Role)) as pool:
        list(pool.map(grant, Role))
    with sql_database.transaction() as records:
        assert records.curators.find("ada") == Curator(login="ada", roles=frozenset(Role))


def test_a_key_is_recorded_once_and_found_by_its_identity(database: AnyDatabase) -> None:
    older = replace(KEY, id="11ff", owner="ben", created=AT - timedelta(days=1))
    with database.transaction() as records:
        records.curators.add(ADA)
        records.curators.add(BEN)
        assert records.api_keys.add(KEY)
        assert not records.api_keys.add(replace(KEY, name="another"))
        records.api_keys.add(older)
    with database.transaction() as records:
        assert records.api_keys.find(KEY.id) == KEY
        assert records.api_keys.find("nothing") is None
        assert records.api_keys.all() == (older, KEY)
        assert records.api_keys.all(owner="ada") == (KEY,)


def test_a_key_is_revoked_once_and_remembers_its_last_use(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.curators.add(ADA)
        records.api_keys.add(KEY)
        records.api_keys.touch(KEY.id, at=AT)
        assert records.api_keys.revoke(KEY.id, at=AT)
        assert not records.api_keys.revoke(KEY.id, at=AT + timedelta(days=1))
        assert not records.api_keys.revoke("nothing", at=AT)
    with database.transaction() as records:
        assert records.api_keys.find(KEY.id) == replace(KEY, last_used=AT, revoked=AT)
