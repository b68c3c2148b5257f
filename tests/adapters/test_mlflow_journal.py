"""The journal of networks: the same behaviour in memory and in MLflow."""

import time
from datetime import date
from pathlib import Path

import pytest
from mlflow import MlflowClient

from astrid_core.adapters.models.mlflow import MlflowModels
from astrid_core.adapters.models.mlflow_journal import MlflowJournal
from astrid_core.adapters.models.network import UNet
from astrid_core.catalog.ports import ModelJournal
from astrid_core.shared.errors import UnknownModel
from astrid_core.shared.runs import RunKey
from tests.adapters.untrained import untrained
from tests.fakes.models import MemoryJournal

# MLflow still asks SQLAlchemy for a loading strategy that the latter gives up.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning")

NIGHT = "2024-03-02"


def _registered(folder: Path) -> tuple[str, str]:
    """Register a network; return the address of the registry and the version."""
    uri = f"sqlite:///{folder / 'mlflow.sqlite'}"
    registry = MlflowModels(tracking_uri=uri, artifact_root=str(folder / "models"), checkpoints=folder)
    model = registry.register(
        "unet", UNet(untrained(), []), recipe=RunKey("train-1"), parameters={}, metrics={}, manifest={}
    )
    return uri, model.id


@pytest.mark.parametrize("kind", ["memory", "mlflow"])
def test_a_version_that_nobody_registered_has_no_journal(kind: str, tmp_path: Path) -> None:
    uri, known = _registered(tmp_path)
    journal: ModelJournal = MemoryJournal([known]) if kind == "memory" else MlflowJournal(tracking_uri=uri)
    journal.note(known, night=NIGHT, figures={"a": 1.0})
    for unknown in ("unet/99", "nobody/1", "unet"):
        with pytest.raises(UnknownModel):
            journal.note(unknown, night=NIGHT, figures={"a": 1.0})


def test_figures_stand_beside_the_training_by_night_and_once(tmp_path: Path) -> None:
    uri, model = _registered(tmp_path)
    journal = MlflowJournal(tracking_uri=uri)
    for _ in range(2):
        journal.note(model, night=NIGHT, figures={"demo/CCD 1/completeness": 0.8, "demo/PSI of seeing (arcsec)": 0.1})
    journal.note(model, night="2024-03-03", figures={"demo/CCD 1/completeness": 0.7})
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    run_id = client.get_model_version("unet", "1").run_id
    history = client.get_metric_history(run_id, "demo/CCD 1/completeness")
    first = date(2024, 3, 2).toordinal()
    assert [(one.step, one.value) for one in history] == [(first, 0.8), (first + 1, 0.7)]
    assert client.get_run(run_id).data.metrics["demo/PSI of seeing arcsec"] == 0.1


def test_a_figure_that_changed_is_the_newest_of_its_night(tmp_path: Path) -> None:
    uri, model = _registered(tmp_path)
    journal = MlflowJournal(tracking_uri=uri)
    for value in (0.8, 0.7, 0.7):
        journal.note(model, night=NIGHT, figures={"completeness": value})
        # MLflow counts milliseconds.
        time.sleep(0.002)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    history = client.get_metric_history(client.get_model_version("unet", "1").run_id, "completeness")
    assert [one.value for one in sorted(history, key=lambda one: one.timestamp)] == [0.8, 0.7]
