"""The network that comes with the code belongs to the code it comes with."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from astrid_core.adapters.models.baseline import read_shipped, write_shipped
from astrid_core.adapters.models.network import UNet
from astrid_core.bootstrap import load_pipeline, open_models, training_frames
from astrid_core.detection.evaluate import shortfalls
from astrid_core.detection.ports import TrainedNetwork
from astrid_core.detection.thresholds import threshold_of
from astrid_core.settings import Settings
from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Services
from astrid_core.stages.train import run_adopt, train_network
from benchmarks.detector_real import labelled_ztf
from benchmarks.real_pairs import series_frames
from tests.adapters.untrained import untrained
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.records import MemoryDatabase

DATA = Path(os.environ.get("ASTRID_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
AGAIN = "train it anew: python -m benchmarks.detector_baseline --real DATA, then python -m benchmarks.detector"


def test_it_was_trained_by_the_settings_of_today() -> None:
    assert read_shipped().parameters == json.loads(json.dumps(dataclasses.asdict(load_pipeline().train))), AGAIN


def test_it_reaches_every_floor() -> None:
    assert shortfalls(read_shipped().metrics, load_pipeline().train) == (), AGAIN


def test_it_is_small() -> None:
    assert len(read_shipped().network.content) < 2_000_000


def test_other_weights_than_those_of_the_manifest_are_corrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = TrainedNetwork(
        network=UNet(untrained()), recipe=RunKey("train-1"), parameters={}, metrics={}, manifest={}
    )
    folder = write_shipped(trained, tmp_path / "baseline")
    monkeypatch.setattr("astrid_core.adapters.models.baseline.files", lambda _: tmp_path)
    assert read_shipped().network.content == trained.network.content
    (folder / "network.npz").write_bytes(UNet(untrained(seed=1)).content)
    with pytest.raises(CorruptArtifact):
        read_shipped()


# MLflow still asks SQLAlchemy for a loading strategy that the latter gives up.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning")
def test_its_thresholds_of_empty_sky_are_those_of_the_version_that_is_adopted(tmp_path: Path) -> None:
    models, database = open_models(Settings(home=tmp_path)), MemoryDatabase()
    services = Services(artifacts=MemoryArtifacts(), models=models, surveys={}, transaction=database.transaction)
    adopted = run_adopt(services)
    assert models.manifest(adopted.id) == read_shipped().manifest
    for density in (10.0, 30.0, 100.0):
        found = threshold_of(
            models.manifest(adopted.id), model=adopted.id, instrument="any", max_false_per_deg2=density
        )
        assert 0.0 < found < 1.0


@pytest.mark.slow
def test_training_by_its_recipe_gives_it_again(tmp_path: Path) -> None:
    # Sums may be ordered otherwise on other processors, so that weights differ in their last bits: figures do not.
    pipeline, shipped = load_pipeline(), read_shipped()
    if not DATA.is_dir():
        pytest.skip(f"half of its real triplets are not at {DATA}; set ASTRID_REAL_DATA")
    again = train_network(
        open_models(Settings(home=tmp_path)),
        pipeline.train,
        training_frames(pipeline),
        real=[labelled_ztf(DATA / "ztf-triplets")],
        injected=series_frames(DATA, pipeline),
        progress=print,
    )
    if again.recipe != shipped.recipe:
        pytest.skip(f"frames are made otherwise today ({shipped.recipe}, {again.recipe}); {AGAIN}")
    for name in ("completeness", "validation_auc", "triplet_auc", "ece"):
        np.testing.assert_allclose(again.metrics[name], shipped.metrics[name], atol=0.02)
