"""A bad recipe, mended later: a backfill shows what was wrong, and puts it right cell by cell."""

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.shared.errors import DatabaseUnavailable
from astrid_core.stages.backfill import (
    commit_backfill,
    comparison_lines,
    nights_in_range,
)
from astrid_core.stages.remeasure import Remeasured
from tests.stages.backfilled import FAINT, Night, is_at
from tests.stages.scene import NEW, NIGHT

GOOD = Pipeline()


@pytest.fixture(scope="module")
def shared() -> Night:
    made = Night(GOOD)
    assert [is_at(one, NEW) for one in made.entries()] == [True]
    assert len(made.planned(made.good).pending) == 3
    made.search(made.good)
    return made


def test_the_comparison_shows_the_planted_difference_and_nothing_else(shared: Night) -> None:
    before = shared.entries()
    found = shared.compare()
    assert [is_at(one, FAINT) for one in found.gained] == [True]
    assert (found.lost, found.n_continued) == ((), 3)
    assert {old.id for old, _ in found.changed} <= {one.id for one in before}
    lines = [*comparison_lines(found)]
    assert lines[0].startswith("1 gained, 0 lost")
    assert any(line.startswith("gained") and str(found.gained[0].id) in line for line in lines)
    assert shared.entries() == before
    assert shared.planned(shared.good).pending == ()


def test_the_exchange_may_be_killed_at_any_point_and_goes_on(shared: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    before, expected = shared.entries(), shared.compare()

    def dies(*_: object) -> int:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr("astrid_core.stages.objects.announce_changes", dies)
        with pytest.raises(DatabaseUnavailable):
            commit_backfill(shared.made.services, shared.planned(shared.good), GOOD.publish)
    assert shared.entries() == before
    told: list[str] = []
    done = commit_backfill(shared.made.services, shared.planned(shared.good), GOOD.publish, progress=told.append)
    assert {one.id for one in done.gained} == {one.id for one in expected.gained}
    assert (done.n_put_in, done.n_taken_out) == (expected.n_put_in, expected.n_taken_out)
    assert sum("0 measurements out, 0 in" not in line for line in told) == 1
    assert {one.id for one in shared.entries()} == {one.id for one in (*before, *expected.gained)}
    assert commit_backfill(shared.made.services, shared.planned(shared.good), GOOD.publish) == Remeasured()


def test_nights_are_those_that_hold_exposures(shared: Night) -> None:
    services = shared.made.services
    assert nights_in_range(services, "demo", first="2024-01-11", last=NIGHT) == ("2024-01-11", NIGHT)
    assert nights_in_range(services, "demo", first="2025-01-01", last="2025-12-31") == ()
    with pytest.raises(ValueError, match="yesterday"):
        nights_in_range(services, "demo", first="yesterday", last=NIGHT)
