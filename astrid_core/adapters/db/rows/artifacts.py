"""References to stored bytes, as three columns."""

from astrid_core.shared.artifacts import ArtifactRef


def artifact_values(name: str, ref: ArtifactRef | None) -> dict[str, object]:
    """Return the columns ``<name>_digest``, ``<name>_media_type`` and ``<name>_n_bytes``."""
    return {
        f"{name}_digest": None if ref is None else ref.digest,
        f"{name}_media_type": None if ref is None else ref.media_type,
        f"{name}_n_bytes": None if ref is None else ref.n_bytes,
    }


def artifact_of(digest: str | None, media_type: str | None, n_bytes: int | None) -> ArtifactRef | None:
    """Return the reference that these columns hold."""
    if digest is None or media_type is None or n_bytes is None:
        return None
    return ArtifactRef(digest=digest, media_type=media_type, n_bytes=n_bytes)
