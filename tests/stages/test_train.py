from dataclasses import replace

import numpy as np
import pytest

from astrid_core.detection.config import MODEL_NAME, TrainConfig
from astrid_core.detection.entities import ModelAlias
from astrid_core.detection.real_triplets import FRAME, split
from astrid_core.shared.errors import RejectedModel, UnknownModel
from astrid_core.stages import train
from astrid_core.stages.services import Services
from astrid_core.stages.train import run_adopt, run_train, train_key
from tests.detection.frames import labelled, labelled_triplets
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels, MemoryTrainingFrames
from tests.fakes.records import MemoryDatabase

CONFIG = TrainConfig(n_frames=6, stamp_pix=32, validation_fraction=0.17, calibration_fraction=0.17, test_fraction=0.33)


class Bench:
    """Services on memory, and frames whose false candidates stand out as little as the network can tell."""

    def __init__(self) -> None:
        self.database, self.models = MemoryDatabase(), MemoryModels()
        self.services = Services(
            artifacts=MemoryArtifacts(), models=self.models, surveys={}, transaction=self.database.transaction
        )
        self.frames = MemoryTrainingFrames(frames=[labelled(number) for number in range(CONFIG.n_frames)])

    def events(self) -> list[tuple[str, str]]:
        with self.database.transaction() as records:
            return [(event.name, event.subject) for event in records.events.all()]


def test_a_good_network_is_registered_and_becomes_the_champion() -> None:
    bench = Bench()
    said: list[str] = []
    model = run_train(bench.services, CONFIG, bench.frames, progress=said.append)
    assert bench.models.champion(MODEL_NAME) == model
    assert model.metrics["completeness"] == 1.0
    assert model.metrics["n_real_bright"] == 12.0
    assert model.metrics["n_false_accepted"] == 0.0
    assert model.metrics["searched_mpix"] == pytest.approx(2 * 240 * 240 / 1e6)
    assert bench.events() == [("model.registered", model.id), ("model.promoted", model.id)]
    assert "24 stamps to learn from, 12 to validate, 12 to calibrate, 24 to test" in said[0]
    assert said[-1] == f"{model.id} is the champion"


def test_the_manifest_tells_what_it_was_made_from() -> None:
    bench = Bench()
    model = run_train(bench.services, CONFIG, bench.frames)
    manifest = bench.models.manifests[model.id]
    assert manifest["recipe"] == train_key(CONFIG, bench.frames)
    assert manifest["frames"] == bench.frames.recipe
    assert manifest["training"] == {"frames": [0, 1], "n_real": 12, "n_false": 12, "searched_mpix": 0.1152}
    assert manifest["test"] == {"frames": [4, 5], "n_real": 12, "n_false": 12, "searched_mpix": 0.1152}


def test_real_triplets_are_learnt_from_by_half_and_measured_by_the_other_half() -> None:
    bench, real = Bench(), labelled_triplets(n_objects=12)
    # A memory network goes by brightness, and the bogus of these triplets are as bright as the stars.
    with pytest.raises(RejectedModel):
        run_train(bench.services, CONFIG, bench.frames, real=[real])
    (model,) = bench.models.versions(MODEL_NAME)
    assert train_key(CONFIG, bench.frames, [real.digest]) != train_key(CONFIG, bench.frames)
    manifest = bench.models.manifests[model.id]
    training, test = split(real, seed=CONFIG.seed)
    assert manifest["real_triplets"] == [
        {
            "origin": "field",
            "digest": real.digest,
            "n_training": len(training.group),
            "n_test": len(test.group),
            "test_groups": sorted(set(test.group.tolist())),
        }
    ]
    learnt = bench.models.shown[-1].training
    assert (learnt.frame == FRAME).sum() >= len(training.group)
    assert {"field_real_accepted", "field_false_accepted"} <= set(model.metrics)


def test_the_manifest_names_every_example() -> None:
    bench = Bench()
    digests = [
        bench.models.manifests[run_train(bench.services, one, bench.frames).id]["examples"]
        for one in (CONFIG, replace(CONFIG, epochs=7))
    ]
    assert digests[0] == digests[1] != ""
    other = MemoryTrainingFrames(frames=[labelled(number + 50) for number in range(CONFIG.n_frames)], recipe="others")
    frames = [replace(one, number=number) for number, one in enumerate(other.frames)]
    model = run_train(bench.services, CONFIG, replace(other, frames=frames))
    assert bench.models.manifests[model.id]["examples"] != digests[0]


def test_the_same_recipe_is_not_trained_twice() -> None:
    bench = Bench()
    said: list[str] = []
    first = run_train(bench.services, CONFIG, bench.frames)
    again = run_train(bench.services, CONFIG, bench.frames, progress=said.append)
    assert again == first
    assert bench.models.n_trained == 1
    assert said == [f"{first.id} was trained by the same recipe before"]
    assert len(bench.events()) == 2
    run_train(bench.services, replace(CONFIG, seed=2), bench.frames)
    run_train(bench.services, CONFIG, replace(bench.frames, recipe="other frames"))
    assert bench.models.n_trained == 3


def test_a_network_that_misses_a_floor_is_registered_but_not_promoted() -> None:
    bench = Bench()
    frames = [replace(one, changed=[]) if one.number >= 3 else one for one in bench.frames]
    spoilt = MemoryTrainingFrames(frames=frames, recipe="spoilt")
    for _ in range(2):
        with pytest.raises(RejectedModel, match=r"false_per_4mpix 416\.7 is above 9") as caught:
            run_train(bench.services, CONFIG, spoilt)
        assert "completeness was not measured" in str(caught.value)
    assert bench.models.n_trained == 1
    assert [one.version for one in bench.models.versions(MODEL_NAME)] == [1]
    with pytest.raises(UnknownModel):
        bench.models.champion(MODEL_NAME)
    assert bench.events() == [("model.registered", f"{MODEL_NAME}/1")]


def test_what_a_cut_off_training_left_unpromoted_is_promoted_by_the_next() -> None:
    bench = Bench()
    model = run_train(bench.services, CONFIG, bench.frames)
    bench.models.held.clear()
    assert run_train(bench.services, CONFIG, bench.frames) == model
    assert bench.models.champion(MODEL_NAME) == model
    assert bench.models.n_trained == 1


def test_where_there_is_a_champion_a_newer_network_is_its_challenger() -> None:
    bench = Bench()
    first = run_train(bench.services, CONFIG, bench.frames)
    newer = run_train(bench.services, replace(CONFIG, seed=2), bench.frames)
    assert bench.models.aliases(MODEL_NAME) == {ModelAlias.CHAMPION: first, ModelAlias.CHALLENGER: newer}
    assert bench.events()[-1] == ("model.challenged", newer.id)


def test_repeating_an_old_recipe_changes_nothing() -> None:
    bench = Bench()
    for seed in (1, 2, 3):
        run_train(bench.services, replace(CONFIG, seed=seed), bench.frames)
    before, events = dict(bench.models.held), bench.events()
    for seed in (1, 2, 3):
        run_train(bench.services, replace(CONFIG, seed=seed), bench.frames)
    assert (bench.models.held, bench.events()) == (before, events)


def test_a_training_that_was_killed_before_it_was_offered_is_offered_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    run_train(bench.services, CONFIG, bench.frames)
    with monkeypatch.context() as killed:
        killed.setattr(train, "offer_model", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_train(bench.services, replace(CONFIG, seed=2), bench.frames)
    assert ModelAlias.CHALLENGER not in bench.models.aliases(MODEL_NAME)
    newer = run_train(bench.services, replace(CONFIG, seed=2), bench.frames)
    assert bench.models.n_trained == 2
    assert bench.models.aliases(MODEL_NAME)[ModelAlias.CHALLENGER] == newer


def test_test_frames_have_no_part_in_what_is_learnt() -> None:
    bench = Bench()
    model = run_train(bench.services, CONFIG, bench.frames)
    altered = [labelled(one.number + 50) if one.number >= 3 else one for one in bench.frames]
    altered = [replace(one, number=number) for number, one in enumerate(altered)]
    other = run_train(bench.services, CONFIG, MemoryTrainingFrames(frames=altered, recipe="other test frames"))
    assert other.digest == model.digest
    assert not np.array_equal(altered[4].product.score, list(bench.frames)[4].product.score)


def test_where_there_is_no_champion_the_network_that_comes_with_the_code_becomes_it() -> None:
    bench = Bench()
    model = run_adopt(bench.services)
    assert bench.models.champion(MODEL_NAME) == model
    assert bench.models.n_trained == 0
    assert bench.events() == [("model.adopted", model.id), ("model.promoted", model.id)]
    assert run_adopt(bench.services) == model
    assert len(bench.events()) == 2
    bench.models.held.clear()
    assert run_adopt(bench.services) == model
    assert len(bench.models.versions(MODEL_NAME)) == 1


def test_the_network_that_comes_with_the_code_deposes_no_champion() -> None:
    bench = Bench()
    trained = run_train(bench.services, CONFIG, bench.frames)
    assert run_adopt(bench.services) == trained
    assert bench.models.champion(MODEL_NAME) == trained


def test_code_without_a_network_says_so() -> None:
    bench = Bench()
    bench.models.shipped_threshold = None
    with pytest.raises(UnknownModel, match="no network is shipped"):
        run_adopt(bench.services)
