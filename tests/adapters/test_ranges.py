"""Ranges of the position index: fewer of them, and still all that they hold."""

import numpy as np
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from astrid_core.adapters.db.ranges import coarser, in_ranges
from astrid_core.adapters.db.rows.catalog import CatalogEntryRow
from astrid_core.shared.sky import Region


def _size(ranges: "list[tuple[int, int]] | tuple[tuple[int, int], ...]") -> int:
    return sum(behind - first for first, behind in ranges)


def test_fewer_ranges_hold_all_that_more_did() -> None:
    random = np.random.default_rng(5)
    edges = np.sort(random.choice(10_000_000, 2_000, replace=False)).reshape(-1, 2).tolist()
    ranges = [(first, behind) for first, behind in edges]

    fewer = coarser(ranges, 40)

    assert len(fewer) == 40
    assert all(any(first <= one and other <= behind for first, behind in fewer) for one, other in ranges)
    assert fewer == sorted(fewer)


def test_narrow_gaps_are_closed_and_wide_ones_stay() -> None:
    cone = Region.parse("cone(10.68,41.27,1deg)").hpx29_ranges
    assert len(coarser(cone)) < len(cone) / 3
    assert _size(cone) < _size(coarser(cone)) <= 1.05 * _size(cone)
    assert coarser([(0, 100), (101, 200), (500, 600)]) == [(0, 200), (500, 600)]
    assert coarser([(0, 10), (500, 600)], 40) == [(0, 10), (500, 600)]


def test_postgresql_plans_for_the_numbers_of_every_search() -> None:
    statement = select(CatalogEntryRow.id).where(in_ranges(CatalogEntryRow.hpx29, [(7, 11), (40, 41)]))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    told = str(statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))
    assert ">= 7" in told
    assert "< 41" in told
    assert "%" not in told
