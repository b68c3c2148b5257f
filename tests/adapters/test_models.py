"""What every model registry promises, held against the one in memory and the one that MLflow keeps."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from astrid_core.adapters.models.mlflow import MlflowModels
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.detection.ports import ModelRegistry, Network
from astrid_core.detection.training_set import TrainingSet, build_training_set
from astrid_core.shared.errors import UnknownModel
from astrid_core.shared.runs import RunKey
from tests.detection.frames import labelled
from tests.fakes.models import MemoryModels

# MLflow still asks SQLAlchemy for a loading strategy that the latter gives up.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning")

NAME = "astrid-detection"
CONFIG = TrainConfig(n_frames=6, stamp_pix=32, channels=4, epochs=2, batch_size=16)
METRICS = {"auc": 0.5, "ece": 0.125}
MANIFEST = {"training": {"frames": [0, 1], "n_real": 12}, "thresholds_per_deg2": {"10": 0.6}}


@pytest.fixture(scope="module")
def sets() -> TrainingSet:
    return build_training_set([labelled(number) for number in range(CONFIG.n_frames)], CONFIG)


@pytest.fixture(scope="module", params=["memory", "mlflow"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def make(kind: str) -> Callable[[Path], ModelRegistry]:
    if kind == "memory":
        return lambda _: MemoryModels()
    return lambda folder: MlflowModels(
        tracking_uri=f"sqlite:///{folder / 'registry' / 'mlflow.sqlite'}",
        artifact_root=str(folder / "models"),
        checkpoints=folder / "checkpoints",
    )


@pytest.fixture(scope="module")
def network(
    make: Callable[[Path], ModelRegistry], sets: TrainingSet, tmp_path_factory: pytest.TempPathFactory
) -> Network:
    registry = make(tmp_path_factory.mktemp("trainer"))
    return registry.train(sets, CONFIG, recipe=RunKey("train-0"), progress=lambda _: None)


@pytest.fixture
def registry(make: Callable[[Path], ModelRegistry], tmp_path: Path) -> ModelRegistry:
    return make(tmp_path)


def _register(
    registry: ModelRegistry, network: Network, recipe: str = "train-1", notes: Mapping[str, str] | None = None
) -> Model:
    return registry.register(
        NAME,
        network,
        recipe=RunKey(recipe),
        parameters={"seed": 1, "epochs": 2},
        metrics=METRICS,
        manifest=MANIFEST,
        notes=notes,
    )


def test_an_empty_registry_knows_nothing(registry: ModelRegistry) -> None:
    assert list(registry.versions(NAME)) == []
    assert registry.find(NAME, RunKey("train-1")) is None
    for ask in (registry.get, registry.load, registry.manifest):
        with pytest.raises(UnknownModel):
            ask(f"{NAME}/1")
    with pytest.raises(UnknownModel):
        registry.champion(NAME)


@pytest.mark.parametrize("wrong", ["", "astrid-detection", "astrid-detection/", "astrid-detection/latest", "/1"])
def test_a_name_without_a_version_is_unknown(registry: ModelRegistry, wrong: str) -> None:
    with pytest.raises(UnknownModel):
        registry.load(wrong)


def test_versions_count_from_one_and_keep_what_was_measured(registry: ModelRegistry, network: Network) -> None:
    first, second = _register(registry, network), _register(registry, network, "train-2")
    assert [one.id for one in registry.versions(NAME)] == [f"{NAME}/1", f"{NAME}/2"]
    assert first.metrics == second.metrics == METRICS
    assert first.digest == second.digest
    assert registry.get(second.id) == second
    assert registry.find(NAME, RunKey("train-2")) == second
    assert registry.find("another", RunKey("train-2")) is None


def test_what_a_version_was_registered_with_stays_with_it(registry: ModelRegistry, network: Network) -> None:
    first, second = _register(registry, network), _register(registry, network, "train-2")
    assert registry.manifest(first.id) == registry.manifest(second.id) == MANIFEST


def test_a_registered_version_has_no_alias_until_it_is_given_one(registry: ModelRegistry, network: Network) -> None:
    first, second = _register(registry, network), _register(registry, network, "train-2")
    assert registry.aliases(NAME) == registry.aliases("another") == {}
    with pytest.raises(UnknownModel):
        registry.champion(NAME)
    for model in (second, first):
        registry.assign(ModelAlias.CHAMPION, model)
        assert registry.champion(NAME) == model
    registry.assign(ModelAlias.ROLLBACK, first)
    registry.assign(ModelAlias.CHALLENGER, second)
    assert registry.aliases(NAME) == {
        ModelAlias.CHAMPION: first, ModelAlias.CHALLENGER: second, ModelAlias.ROLLBACK: first,
    }  # fmt: skip
    for _ in range(2):
        registry.withdraw(ModelAlias.CHALLENGER, NAME)
        registry.withdraw(ModelAlias.CHALLENGER, "another")
    assert set(registry.aliases(NAME)) == {ModelAlias.CHAMPION, ModelAlias.ROLLBACK}
    with pytest.raises(UnknownModel):
        registry.assign(ModelAlias.CHALLENGER, Model(name=NAME, version=9, digest=""))


def test_notes_stay_with_their_version(registry: ModelRegistry, network: Network) -> None:
    first = _register(registry, network, notes={"probe": "[0.5]"})
    second = _register(registry, network, "train-2")
    registry.note(first, {"gate": "failed", "quarantined": "drift"})
    registry.note(first, {"gate": "passed"})
    assert registry.notes(first) == {"gate": "passed", "quarantined": "drift", "probe": "[0.5]"}
    assert registry.notes(second) == {}
    assert registry.get(first.id) == first
    for ask in (registry.notes, lambda model: registry.note(model, {"gate": "passed"})):
        with pytest.raises(UnknownModel):
            ask(Model(name=NAME, version=9, digest=""))


def test_a_loaded_network_scores_as_the_trained_one_did(
    registry: ModelRegistry, network: Network, sets: TrainingSet
) -> None:
    model = _register(registry, network)
    scorer = registry.load(model.id)
    assert scorer.model == model
    assert scorer.stamp_pix == CONFIG.stamp_pix
    scores = scorer.judge(sets.test.in_frames).score
    np.testing.assert_array_equal(scores, network.judge(sets.test.in_frames).score)
    assert scores.shape == (len(sets.test),)
    assert scores.dtype == np.float32
    assert ((scores >= 0.0) & (scores <= 1.0)).all()
    nothing = sets.test.take(np.zeros(len(sets.test), dtype=bool), searched_mpix=0.0)
    assert scorer.judge(nothing.in_frames).score.shape == (0,)


def test_training_tells_of_its_progress_and_keeps_its_losses(
    registry: ModelRegistry, sets: TrainingSet, network: Network
) -> None:
    said: list[str] = []
    again = registry.train(sets, CONFIG, recipe=RunKey("train-0"), progress=said.append)
    assert said[0].startswith("epoch 1")
    assert len(again.history) == len(said)
    assert "training_loss" in again.history[0]
    assert again.content == network.content
