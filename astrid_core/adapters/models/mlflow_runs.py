"""What MLflow keeps of a training beside the version that came of it."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astrid_core.adapters.models.pyfunc import write_pyfunc
from astrid_core.detection.ports import Network

MODEL = "model"
"""Folder of the model among the artifacts of its run."""
MANIFEST = "manifest.json"
"""What it was made from, beside it."""


def log_training(
    client: Any,
    run_id: str,
    network: Network,
    parameters: Mapping[str, object],
    metrics: Mapping[str, float],
    manifest: Mapping[str, object],
) -> None:
    """Log settings, figures, the losses of each epoch, the manifest, and the network as the model ``MODEL``."""
    for key, value in parameters.items():
        client.log_param(run_id, key, value)
    for key, number in metrics.items():
        client.log_metric(run_id, key, number)
    for epoch, losses in enumerate(network.history, start=1):
        for key, number in losses.items():
            client.log_metric(run_id, key, number, step=epoch)
    client.log_dict(run_id, dict(manifest), MANIFEST)
    with tempfile.TemporaryDirectory() as folder:
        client.log_artifacts(run_id, str(write_pyfunc(network.content, Path(folder))), MODEL)
