"""Contract of EntryContexts."""

from dataclasses import replace

import pytest

from astrid_core.catalog.context import EntryContext, KnownMatch, ObjectClass
from astrid_core.catalog.known_sources import SourceKind
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import entry, position

MATCH = KnownMatch(
    kind=SourceKind.GALAXY, catalog="glade 2 0123456789ab", source_id="NGC 1365", source_type="Sy1.8",
    position=position(10.1, 20.2), separation_arcsec=1.0 / 3.0, err_arcsec=0.31, chance=1.0 / 7.0, redshift=0.0055,
)  # fmt: skip
BODY = replace(MATCH, kind=SourceKind.MINOR_PLANET, source_id="(1) Ceres", reliability=0.99, observation_id="ztf:one")
CONTEXT = EntryContext(
    entry_id=entry().id, object_class=ObjectClass.AGN, reason="lies on the nucleus of NGC 1365",
    matches=(MATCH, BODY), looked_in=("glade 2 0123456789ab",),
)  # fmt: skip


def test_what_is_known_comes_back_bit_for_bit(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.catalog.put(entry())
        assert records.contexts.put(CONTEXT)
    with database.transaction() as records:
        assert records.contexts.of([entry().id]) == {entry().id: CONTEXT}


def test_the_same_again_changes_nothing(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.catalog.put(entry())
        records.contexts.put(CONTEXT)
    with database.transaction() as records:
        assert not records.contexts.put(CONTEXT)


@pytest.mark.parametrize(
    "learnt",
    [
        replace(CONTEXT, matches=()),
        replace(CONTEXT, object_class=ObjectClass.STAR),
        replace(CONTEXT, looked_in=("another",)),
        replace(CONTEXT, reason="so"),
    ],
)
def test_what_is_learnt_replaces_what_was_known(database: AnyDatabase, learnt: EntryContext) -> None:
    with database.transaction() as records:
        records.catalog.put(entry())
        records.contexts.put(CONTEXT)
        assert records.contexts.put(learnt)
    with database.transaction() as records:
        assert records.contexts.of([entry().id]) == {entry().id: learnt}


def test_an_entry_that_nobody_looked_up_is_not_there(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.catalog.put(entry())
        records.catalog.put(entry(2))
        records.contexts.put(CONTEXT)
        assert list(records.contexts.of([entry(2).id, entry().id])) == [entry().id]
        assert records.contexts.of([]) == {}
