"""A network as bytes: weights and everything else that decides a score, the same network always the same bytes."""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.cutouts import CHANNELS
from astrid_core.detection.cutouts import VERSION as STAMP_VERSION
from astrid_core.shared.errors import CorruptArtifact, UnknownModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What weights alone do not say."""

    stamp_pix: int
    channels: int
    """Of the first level."""
    planes: tuple[str, ...] = CHANNELS
    stamp_version: int = STAMP_VERSION
    slope: float = 1.0
    """Calibration: probability = sigmoid(slope * logit + offset)."""
    offset: float = 0.0


def pack(description: Description, weights: Sequence[NDArray[np.float32]]) -> bytes:
    """Return an npz file with a JSON description and the weights in the order of the network."""
    text = json.dumps(asdict(description), sort_keys=True)
    arrays = {f"w{number:03d}": np.asarray(weight, dtype="<f4") for number, weight in enumerate(weights)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, description=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type] # numpy's stub takes the names for its own flag
    return buffer.getvalue()


def unpack(content: bytes) -> tuple[Description, list[NDArray[np.float32]]]:
    """Read what ``pack`` wrote; CorruptArtifact for other bytes, UnknownModel for a network of other stamps."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            fields = json.loads(stored["description"].tobytes())
            weights = [stored[name] for name in sorted(stored.files) if name != "description"]
        description = _description(fields)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptArtifact("bytes are not a network", cause=str(error), n_bytes=len(content)) from error
    if description.stamp_version != STAMP_VERSION or description.planes != CHANNELS:
        raise UnknownModel(
            "network was trained on stamps that are no longer cut",
            stamp_version=description.stamp_version,
            today=STAMP_VERSION,
        )
    return description, weights


def digest_of(content: bytes) -> str:
    """Return the SHA-256 that names a network."""
    return hashlib.sha256(content).hexdigest()


def _description(fields: Mapping[str, object]) -> Description:
    return Description(**{**fields, "planes": tuple(fields["planes"])})  # type: ignore[arg-type] # checked by its use
