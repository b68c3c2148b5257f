"""Files that MLflow keeps of a version."""

import tempfile
from pathlib import Path, PurePosixPath

from astrid_core.adapters.models.mlflow_errors import translated
from astrid_core.shared.errors import MissingArtifact


def read_file(address: str, *, tracking_uri: str, what: str, model: str) -> bytes:
    """Return the bytes at ``address`` (folder/file) of the artifacts; MissingArtifact says ``what`` of which model."""
    from mlflow.artifacts import download_artifacts, list_artifacts  # noqa: PLC0415 - takes more than a second

    folder, _, file = address.rpartition("/")
    missing = f"{what} is not where the registry says"
    with tempfile.TemporaryDirectory() as place, translated(missing, MissingArtifact, model=model):
        # Asked first: what is not there looks like a fault of the store to who downloads it.
        there = list_artifacts(artifact_uri=folder, tracking_uri=tracking_uri)
        if not any(PurePosixPath(one.path).name == file for one in there):
            raise MissingArtifact(missing, model=model)
        return Path(download_artifacts(artifact_uri=address, dst_path=place, tracking_uri=tracking_uri)).read_bytes()
