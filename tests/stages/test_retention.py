"""Difference images are dropped where nothing needs them and they can be made again, and come back bit for bit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from astrid_core.adapters.storage.recreatable import RecreatableArtifacts
from astrid_core.bootstrap import load_pipeline
from astrid_core.curation.entities import Seed, Verdict
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.products import write_difference
from astrid_core.differencing.retention import RetentionConfig, recipe_of
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, DroppedArtifact, MissingArtifact, NotRecreated
from astrid_core.shared.runs import RunKey
from astrid_core.stages import retention
from astrid_core.stages.difference import run_difference
from astrid_core.stages.retention import Dropped, drop_images, recreate_image
from tests.stages.scene import Scene, scene
from tests.stages.searched import searched

CONFIG = RetentionConfig(difference_image_days=30)
BACKGROUNDS = (10.0, 12.0)

Old = tuple[Scene, RunKey, RunKey, tuple[RunKey, ...]]
"""A night, its difference and model run, and differences by other settings."""


@pytest.fixture(scope="module")
def night() -> Old:
    """A night, its difference and model run, and two more differences of other settings."""
    made, pipeline = scene(), load_pipeline()
    found, model_run, _ = searched(made, pipeline)
    with made.services.transaction() as records:
        prepared = records.difference_runs.get(found).preprocess_key
    configs = [replace(pipeline.difference, background_box_fwhm=box) for box in BACKGROUNDS]
    return made, found, model_run, tuple(run_difference(made.services, prepared, one) for one in configs)


@pytest.fixture
def old(night: Old) -> Old:
    """The same, as if it had been long ago, in records and a store of the test's own."""
    made, found, model_run, more = night
    database = made.database.but()
    artifacts = type(made.artifacts)()
    artifacts.stored |= made.artifacts.stored
    artifacts.modified |= dict.fromkeys(artifacts.stored, datetime.now(tz=UTC) - timedelta(days=40))
    services = replace(made.services, transaction=database.transaction, artifacts=artifacts)
    return replace(made, services=services, database=database, artifacts=artifacts), found, model_run, more


def _digest(made: Scene, key: RunKey) -> str:
    with made.services.transaction() as records:
        image = records.difference_runs.get(key).image
    assert image is not None
    return image.digest


def _drop(made: Scene, config: RetentionConfig = CONFIG, *, dry_run: bool = False) -> Dropped:
    return drop_images(made.services, config, dry_run=dry_run)


def test_dropped_images_come_back_with_the_same_digests(old: Old) -> None:
    made, found, _, more = old
    before = dict(made.artifacts.stored)
    digests = {key: _digest(made, key) for key in (found, *more)}
    done = _drop(made)
    assert set(done.runs) == set(digests)
    assert set(before) - set(made.artifacts.stored) == set(digests.values())
    with made.services.transaction() as records:
        assert {one.run: one.digest for one in records.dropped_images.all()}.keys() <= digests.keys()
        assert records.difference_runs.get(found).candidates
    n_made = sum(recreate_image(made.services, key) for key in digests)
    assert n_made == len(set(digests.values())) == 3
    assert made.artifacts.stored == before
    assert not recreate_image(made.services, found)
    with made.services.transaction() as records:
        assert records.dropped_images.all() == ()
        named = [one.name for one in records.events.all() if one.name.startswith("artifacts.")]
    assert named[0] == "artifacts.dropped"
    assert set(named[1:]) == {"artifacts.recreated"}


def test_a_dry_run_and_a_limit_of_no_days_drop_nothing(old: Old) -> None:
    made, found, _, _ = old
    before = dict(made.artifacts.stored)
    assert found in _drop(made, dry_run=True).runs
    assert _drop(made, RetentionConfig()) == Dropped()
    assert _drop(made, RetentionConfig(difference_image_days=50)) == Dropped()
    assert made.artifacts.stored == before


def test_what_people_or_the_catalog_need_stays(old: Old) -> None:
    made, found, model_run, _ = old
    with made.services.transaction() as records:
        records.seeds.add(Seed(detection_id=f"{model_run}:1", answer=Verdict.REAL, origin="known"))
    assert found not in _drop(made).runs
    assert made.artifacts.contains(_digest(made, found))


def test_a_reader_of_a_dropped_image_is_told_the_command(old: Old) -> None:
    made, found, _, _ = old
    _drop(made)

    def made_by(digest: str) -> str | None:
        with made.services.transaction() as records:
            dropped = records.dropped_images.find(digest)
        return dropped.run if dropped else None

    store = RecreatableArtifacts(made.artifacts, made_by=made_by)
    digest = _digest(made, found)
    for read in (store.get, store.size, lambda one: store.part(one, start=0, n_bytes=1)):
        with pytest.raises(DroppedArtifact, match="astrid store recreate difference-"):
            read(digest)
    with pytest.raises(MissingArtifact) as raised:
        store.get("0" * 64)
    assert not isinstance(raised.value, DroppedArtifact)


def test_an_image_without_a_recipe_stays_and_cannot_be_made_again(old: Old) -> None:
    made, found, _, _ = old
    made.database._tables.difference_recipes.clear()
    done = _drop(made)
    assert (done.runs, done.n_without_recipe >= 1) == ((), True)
    made.artifacts.stored.pop(_digest(made, found))
    with pytest.raises(NotRecreated, match="nothing on record"):
        recreate_image(made.services, found)


def test_an_image_whose_inputs_are_gone_stays(old: Old) -> None:
    made, found, _, _ = old
    with made.services.transaction() as records:
        (reference,) = records.difference_runs.get(found).reference_digests
    made.artifacts.stored.pop(reference)
    assert _drop(made).runs == ()


def test_other_software_drops_nothing_and_says_what_changed(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    made, found, _, _ = old
    write = write_difference
    monkeypatch.setattr(retention, "write_difference", lambda pair: write(pair) + b"\0")
    monkeypatch.setattr(retention, "software", lambda: {"numpy": "99.0"})
    done = _drop(made)
    assert (done.runs, done.n_unproven >= 1) == ((), True)
    made.artifacts.stored.pop(digest := _digest(made, found))
    with pytest.raises(NotRecreated, match=r"another image came out.*-> 99\.0"):
        recreate_image(made.services, found)
    assert not made.artifacts.contains(digest)


def test_a_corrupt_image_is_not_taken_for_one_that_is_there(old: Old) -> None:
    made, found, _, _ = old
    made.artifacts.stored[_digest(made, found)] = b"damaged"
    with pytest.raises(CorruptArtifact):
        recreate_image(made.services, found)


def test_what_a_process_that_died_has_left_is_deleted_by_the_next(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    made, found, _, _ = old

    def die(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(made.artifacts, "remove", die)
        with pytest.raises(KeyboardInterrupt):
            _drop(made)
    assert made.artifacts.contains(digest := _digest(made, found))
    assert _drop(made).runs == ()
    assert not made.artifacts.contains(digest)


@pytest.mark.parametrize("wrong", [{"difference_image_days": -1}, {"scrub_days": 0}, {"grace_h": 1.0}])
def test_settings_that_would_lose_something_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadConfiguration):
        RetentionConfig(**wrong)


def test_settings_come_back_from_the_record_as_they_were() -> None:
    for config in (
        DifferenceConfig(),
        DifferenceConfig(method="kernel", compatible_bands=()),
        load_pipeline().difference,
    ):
        assert recipe_of(config, version=1).config == config
