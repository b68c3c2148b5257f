"""Contract of the records of what is kept of difference images."""

from dataclasses import replace
from datetime import UTC, datetime

from astrid_core.curation.entities import Seed, Verdict
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.retention import DroppedImage, recipe_of
from astrid_core.shared.runs import RunKey
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import DIFFERENCE, difference_run, entry, model_run, point, record_difference

GONE = DroppedImage(digest="a" * 64, n_bytes=10**10, run=DIFFERENCE, at=datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC))


def test_a_recipe_is_recorded_once_and_comes_back(database: AnyDatabase) -> None:
    recipes = [recipe_of(DifferenceConfig(threshold_sigma=sigma), version=7) for sigma in (5.0, 6.0)]
    with database.transaction() as records:
        assert [records.difference_recipes.add(one) for one in (*recipes, recipes[0])] == [True, True, False]
    with database.transaction() as records:
        found = records.difference_recipes.all()
    assert sorted(found, key=lambda one: one.digest) == sorted(recipes, key=lambda one: one.digest)
    assert {one.config.threshold_sigma for one in found} == {5.0, 6.0}


def test_what_is_dropped_is_known_until_it_is_there_again(database: AnyDatabase) -> None:
    with database.transaction() as records:
        record_difference(records)
        assert [records.dropped_images.add(GONE) for _ in range(2)] == [True, False]
    with database.transaction() as records:
        assert records.dropped_images.find(GONE.digest) == GONE
        assert records.dropped_images.find("b" * 64) is None
        assert records.dropped_images.all() == (GONE,)
        records.dropped_images.remove(GONE.digest)
    with database.transaction() as records:
        assert records.dropped_images.all() == ()


def test_an_image_is_unneeded_until_somebody_deals_with_a_detection_of_it(database: AnyDatabase) -> None:
    with database.transaction() as records:
        record_difference(records)
        records.model_runs.add(model_run())
        assert records.dropped_images.unneeded() == (DIFFERENCE,)
    with database.transaction() as records:
        records.seeds.add(Seed(detection_id=f"{model_run().key}:1", answer=Verdict.REAL, origin="known"))
        assert records.dropped_images.unneeded() == ()


def test_a_point_of_an_object_needs_its_image(database: AnyDatabase) -> None:
    with database.transaction() as records:
        record_difference(records)
        records.model_runs.add(model_run())
        records.catalog.put(entry())
        records.catalog.put_points([replace(point(), detection_id=f"{model_run().key}:1")])
        assert records.dropped_images.unneeded() == ()


def test_the_same_bytes_stay_if_another_run_needs_them(database: AnyDatabase) -> None:
    other = difference_run(RunKey("difference-9"), candidates=())
    with database.transaction() as records:
        record_difference(records)
        records.model_runs.add(model_run())
        records.difference_runs.add(other)
        assert set(records.dropped_images.unneeded()) == {DIFFERENCE, other.key}
        records.seeds.add(Seed(detection_id=f"{model_run().key}:1", answer=Verdict.REAL, origin="known"))
        assert records.dropped_images.unneeded() == ()


def test_what_is_not_kept_needs_no_second_drop(database: AnyDatabase) -> None:
    with database.transaction() as records:
        record_difference(records)
        image = difference_run().image
        assert image is not None
        records.dropped_images.add(replace(GONE, digest=image.digest))
        assert records.dropped_images.unneeded() == ()
