"""From the address of a store to the store."""

from pathlib import Path
from urllib.parse import urlsplit

from astrid_core.adapters.storage.folder import FolderArtifacts
from astrid_core.shared.artifacts import ArtifactStore
from astrid_core.shared.errors import BadConfiguration


def open_artifacts(
    location: str,
    *,
    endpoint_url: str | None = None,
    region: str = "auto",
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
) -> ArtifactStore:
    """Return the store at ``location``: a folder, or ``s3://bucket/prefix`` (Amazon's, or at ``endpoint_url``)."""
    parts = urlsplit(location)
    if parts.scheme in ("", "file"):
        folder = parts.path if parts.scheme else location
        if not folder:
            raise BadConfiguration("artifact store has no address", location=location)
        return FolderArtifacts(Path(folder))
    if parts.scheme != "s3" or not parts.netloc:
        raise BadConfiguration("artifact store is neither a folder nor s3://bucket/prefix", location=location)
    # boto3 takes 0.3 s to import, and a folder needs none of it.
    from astrid_core.adapters.storage.s3 import S3Artifacts, connect  # noqa: PLC0415

    client = connect(
        endpoint_url=endpoint_url, region=region, access_key_id=access_key_id, secret_access_key=secret_access_key
    )
    return S3Artifacts(client, bucket=parts.netloc, prefix=parts.path.strip("/"))
