"""How the registry of MLflow is reached, and how its versions are named."""

import os
from typing import Any

from astrid_core.shared.errors import UnknownModel


def open_client(tracking_uri: str) -> Any:
    """Return a client of tracking and registry; importing MLflow takes more than a second."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow import MlflowClient  # noqa: PLC0415 - see above

    return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def name_and_version(model_id: str) -> tuple[str, str]:
    """Return the parts of ``name/version``, or raise UnknownModel."""
    name, _, version = model_id.rpartition("/")
    if not name or not version.isdigit():
        raise UnknownModel("not of the form name/version", model=model_id)
    return name, version
