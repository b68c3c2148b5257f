"""A bad recipe, mended later: a backfill shows what was wrong, and puts it right cell by cell."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.entities import CatalogEntry
from astrid_core.shared.errors import DatabaseUnavailable
from astrid_core.shared.sky import SkyPosition, separation_arcsec
from astrid_core.stages.backfill import (
    Backfill,
    commit_backfill,
    compare_backfill,
    comparison_lines,
    nights_in_range,
    plan_backfill,
)
from astrid_core.stages.chain import Recipe
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.remeasure import Remeasured
from tests.stages.scene import CENTRE, NEW, NIGHT, SHAPE, Scene, exposure, scene
from tests.stages.searched import searched
from tests.synthetic.fields import Source, wcs

FAINT = Source(x_pix=90.3, y_pix=210.6, flux=1000.0)
"""What the bad recipe does not see."""
NAMES = ("b", "c")
GOOD = Pipeline()
BAD = replace(GOOD, difference=replace(GOOD.difference, threshold_sigma=15.0))


class Night:
    """Exposures with a bright and a faint new star, searched and published with a threshold that is too high."""

    def __init__(self) -> None:
        more = {
            f"{NIGHT}/{name}.fits": exposure(NIGHT, seed=20 + number, extra=[NEW, FAINT], fwhm=3.2)
            for number, name in enumerate(NAMES)
        }
        self.made: Scene = scene(**more)
        _, _, model = searched(self.made, BAD)
        self.bad, self.good = BAD.recipe(model), GOOD.recipe(model)
        self.search(self.bad)
        run_publish(self.made.services, "demo", NIGHT, GOOD.publish, self.planned(self.bad).scored)

    def search(self, recipe: Recipe) -> None:
        for one in self.planned(recipe).pending:
            prepared = run_preprocess(self.made.services, one, recipe.preparation)
            subtracted = run_difference(self.made.services, prepared, recipe.difference)
            run_detect(self.made.services, subtracted, recipe.model.id, recipe.detect)

    def planned(self, recipe: Recipe) -> Backfill:
        nights = nights_in_range(self.made.services, "demo", first=NIGHT, last=NIGHT)
        return plan_backfill(self.made.services, recipe, survey="demo", nights=nights)

    def entries(self) -> Sequence[CatalogEntry]:
        with self.made.services.transaction() as records:
            return records.catalog.search()

    def compare(self) -> Remeasured:
        return compare_backfill(self.made.services, self.planned(self.good), GOOD.publish)


def _is_at(entry: CatalogEntry, source: Source) -> bool:
    sky = wcs(SHAPE, centre=CENTRE).pixel_to_world(source.x_pix, source.y_pix)
    place = SkyPosition(ra_deg=float(sky.ra.deg), dec_deg=float(sky.dec.deg))
    return separation_arcsec(entry.position, place) < 1.5


@pytest.fixture(scope="module")
def shared() -> Night:
    made = Night()
    assert [_is_at(one, NEW) for one in made.entries()] == [True]
    assert len(made.planned(made.good).pending) == 3
    made.search(made.good)
    return made


def test_the_comparison_shows_the_planted_difference_and_nothing_else(shared: Night) -> None:
    before = shared.entries()
    found = shared.compare()
    assert [_is_at(one, FAINT) for one in found.gained] == [True]
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
