"""Contract of Curators."""

from concurrent.futures import ThreadPoolExecutor

from astrid_core.curation.access import Role
from astrid_core.curation.entities import Curator
from tests.adapters.databases import AnyDatabase, SqlDatabase

ADA = Curator(login="ada", roles=frozenset({Role.REVIEWER, Role.ARBITER}))
BEN = Curator(login="ben")


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
