import json
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode
from moto.server import ThreadedMotoServer
from sqlalchemy.exc import OperationalError

from astrid_core.adapters.models.content import pack
from astrid_core.adapters.models.mlflow import MlflowModels
from astrid_core.adapters.models.mlflow_errors import translated
from astrid_core.adapters.models.network import UNet
from astrid_core.adapters.storage.s3 import connect
from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import Stamps
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.detection.judgement import Judged
from astrid_core.detection.score_table import score_triplets
from astrid_core.shared.errors import (
    BadConfiguration,
    CorruptArtifact,
    MissingArtifact,
    RegistryUnavailable,
    UnknownModel,
)
from astrid_core.shared.runs import RunKey
from tests.adapters.untrained import SMALL, untrained

# MLflow still asks SQLAlchemy for a loading strategy that the latter gives up.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning")

NAME = "astrid-detection"


@dataclass(frozen=True, slots=True)
class OnlyBytes:
    """Bytes in the place of a network."""

    content: bytes
    stamp_pix: int = 32
    history: tuple[dict[str, float], ...] = ()

    def judge(self, stamps: Stamps) -> Judged:
        raise NotImplementedError


@pytest.fixture(scope="module")
def network() -> UNet:
    return UNet(untrained(), [{"training_loss": 0.5, "validation_loss": 0.75}])


@pytest.fixture
def registry(tmp_path: Path) -> MlflowModels:
    return _open(tmp_path)


def _open(folder: Path) -> MlflowModels:
    return MlflowModels(
        tracking_uri=_uri(folder), artifact_root=str(folder / "models"), checkpoints=folder / "checkpoints"
    )


def _uri(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.sqlite'}"


def _register(registry: MlflowModels, network: UNet) -> Model:
    return registry.register(
        NAME,
        network,
        recipe=RunKey("train-1"),
        parameters={"seed": 7},
        metrics={"auc": 0.875},
        manifest={"frames": [1]},
    )


def test_the_run_holds_parameters_metrics_losses_and_the_manifest(
    registry: MlflowModels, network: UNet, tmp_path: Path
) -> None:
    model = _register(registry, network)
    client = MlflowClient(tracking_uri=_uri(tmp_path), registry_uri=_uri(tmp_path))
    version = client.get_model_version(NAME, str(model.version))
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "7"}
    assert run.data.metrics["auc"] == 0.875
    assert [one.value for one in client.get_metric_history(version.run_id, "validation_loss")] == [0.75]
    assert version.tags["recipe"] == "train-1"
    assert version.tags["digest"] == model.digest
    (manifest,) = (tmp_path / "models").rglob("manifest.json")
    assert json.loads(manifest.read_text()) == {"frames": [1]}


def test_a_later_process_finds_what_an_earlier_one_registered(
    registry: MlflowModels, network: UNet, tmp_path: Path
) -> None:
    model = _register(registry, network)
    registry.assign(ModelAlias.CHAMPION, model)
    later = _open(tmp_path)
    assert later.champion(NAME) == model
    assert later.load(model.id).model == model
    assert later.load(model.id) is later.load(model.id)


def test_altered_bytes_are_corrupt_and_lost_ones_missing(registry: MlflowModels, network: UNet, tmp_path: Path) -> None:
    model = _register(registry, network)
    (stored,) = (tmp_path / "models").rglob("network.npz")
    stored.write_bytes(pack(untrained(seed=1)))
    with pytest.raises(CorruptArtifact, match=model.digest):
        registry.load(model.id)
    stored.unlink()
    with pytest.raises(MissingArtifact, match=model.id):
        registry.load(model.id)


def test_a_lost_manifest_is_missing(registry: MlflowModels, network: UNet, tmp_path: Path) -> None:
    model = _register(registry, network)
    assert registry.manifest(model.id) == {"frames": [1]}
    (stored,) = (tmp_path / "models").rglob("manifest.json")
    stored.unlink()
    with pytest.raises(MissingArtifact, match=f"manifest is not where.*{model.id}"):
        registry.manifest(model.id)


def test_mlflow_alone_loads_a_version_and_scores_triplets_of_any_size(
    registry: MlflowModels, network: UNet, tmp_path: Path
) -> None:
    model = _register(registry, network)
    mlflow.set_tracking_uri(_uri(tmp_path))
    loaded = mlflow.pyfunc.load_model(f"models:/{model.id}")
    for side in (63, 41):
        triplets = np.random.default_rng(1).normal(0.0, 1.0, (3, 3, side, side + 2)).astype(np.float32)
        triplets[1] = np.nan
        said, ours = loaded.predict(triplets), score_triplets(triplets, registry.load(model.id), DetectConfig())
        np.testing.assert_array_equal(said["score"], np.ma.filled(ours["score"], np.nan))
        assert np.isnan(said["score"]).tolist() == [False, True, False]
        assert (said["reason"] != "").tolist() == [False, True, False]
    for wrong in (triplets.astype(float), triplets[:, :2], triplets[0]):
        with pytest.raises(MlflowException, match="Failed to enforce schema"):
            loaded.predict(wrong)
    needs = (tmp_path / "models").rglob("requirements.txt")
    assert [line.partition("==")[0] for line in next(needs).read_text().split()].count("tensorflow") == 1


def test_a_version_from_before_there_was_a_model_around_the_network_is_read(
    registry: MlflowModels, network: UNet, tmp_path: Path
) -> None:
    model = _register(registry, network)
    client = MlflowClient(tracking_uri=_uri(tmp_path), registry_uri=_uri(tmp_path))
    version = client.get_model_version(NAME, str(model.version))
    bare = client.create_model_version(NAME, source=f"{version.source}/artifacts/network.npz", tags=version.tags)
    assert registry.load(f"{NAME}/{bare.version}").model.digest == model.digest


def test_a_network_for_other_stamps_or_of_other_bytes_is_not_loaded(registry: MlflowModels, tmp_path: Path) -> None:
    other = replace(untrained(), description=replace(SMALL, planes=("science",)))
    older = registry.register(
        NAME, OnlyBytes(pack(other)), recipe=RunKey("train-2"), parameters={}, metrics={}, manifest={}
    )
    with pytest.raises(UnknownModel, match="no longer cut"):
        registry.load(older.id)
    junk = registry.register(NAME, OnlyBytes(b"junk"), recipe=RunKey("train-3"), parameters={}, metrics={}, manifest={})
    with pytest.raises(CorruptArtifact, match="bytes are not a network"):
        registry.load(junk.id)
    assert list((tmp_path / "models").rglob("network.npz"))


def test_networks_are_kept_on_s3(monkeypatch: pytest.MonkeyPatch, network: UNet, tmp_path: Path) -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    given = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**given, "MLFLOW_S3_ENDPOINT_URL": url}.items():
        monkeypatch.setenv(name, value)
    bucket = connect(endpoint_url=url, region="us-east-1", access_key_id="key", secret_access_key="secret")
    try:
        bucket.create_bucket(Bucket="astrid")
        registry = MlflowModels(
            tracking_uri=_uri(tmp_path), artifact_root="s3://astrid/models", checkpoints=tmp_path / "checkpoints"
        )
        model = _register(registry, network)
        assert registry.load(model.id).model == model
        (key,) = (
            one["Key"]
            for one in bucket.list_objects_v2(Bucket="astrid")["Contents"]
            if one["Key"].endswith("network.npz")
        )
        assert key.startswith("models/")
        bucket.delete_object(Bucket="astrid", Key=key)
        lost = MlflowModels(tracking_uri=_uri(tmp_path), artifact_root="s3://astrid/models", checkpoints=tmp_path)
        with pytest.raises(MissingArtifact, match=model.id):
            lost.load(model.id)
    finally:
        server.stop()


def test_a_server_that_is_not_there_is_a_temporary_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    registry = MlflowModels(tracking_uri=f"http://127.0.0.1:{port}", artifact_root=str(tmp_path), checkpoints=tmp_path)
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        registry.champion(NAME)


@pytest.mark.parametrize("code", sorted(ERROR_CODE_TO_HTTP_STATUS))
def test_every_answer_of_the_vendor_has_a_family(code: str) -> None:
    status = ERROR_CODE_TO_HTTP_STATUS[code]
    expected: type[Exception] = MlflowException
    if code in {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}:
        expected = UnknownModel
    elif status in {401, 403}:
        expected = BadConfiguration
    elif code in {"INTERNAL_ERROR", "ABORTED"} or status in {429, 499, 503, 504}:
        expected = RegistryUnavailable
    with pytest.raises(Exception, match="cause") as caught, translated("cause"):
        raise MlflowException("cause", error_code=ErrorCode.Value(code))
    assert caught.type is expected


def test_a_database_that_is_not_there_is_a_temporary_failure() -> None:
    with pytest.raises(RegistryUnavailable, match="refused"), translated("x", name=NAME):
        raise OperationalError("SELECT 1", {}, ConnectionRefusedError("refused"))


def test_importing_the_registry_imports_neither_mlflow_nor_tensorflow() -> None:
    code = (
        "import sys, astrid_core.bootstrap;"
        "assert 'astrid_core.adapters.models.mlflow' in sys.modules;"
        "print(sorted({'mlflow', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "[]"
