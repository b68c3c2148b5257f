"""A network as bytes: weights and everything else that decides a score, the same network always the same bytes."""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.cutouts import CHANNELS
from astrid_core.detection.cutouts import VERSION as STAMP_VERSION
from astrid_core.shared.errors import CorruptArtifact, UnknownModel

_ARCHITECTURE = 2
"""Raise when the same weights should give other scores."""
_APART = {"description", "centre", "precision"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What weights alone do not say."""

    stamp_pix: int
    channels: int
    """Of the first level."""
    planes: tuple[str, ...] = CHANNELS
    stamp_version: int = STAMP_VERSION
    architecture: int = _ARCHITECTURE
    calibration: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: {"frame": (1.0, 0.0), "triplet": (1.0, 0.0)}
    )
    """For each origin of stamps slope and offset: probability = sigmoid(slope * logit + offset)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Everything that decides a score."""

    description: Description
    weights: Sequence[NDArray[np.float32]]
    """Of the trunk and of the head, in their order."""
    centre: NDArray[np.float64]
    """Mean of the head's features over the candidates of the training."""
    precision: NDArray[np.float64]
    """Inverse of their covariance."""


def pack(network: Network) -> bytes:
    """Return an npz file with a JSON description and the weights in the order of the network."""
    text = json.dumps(asdict(network.description), sort_keys=True)
    arrays = {f"w{number:03d}": np.asarray(weight, dtype="<f4") for number, weight in enumerate(network.weights)}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        description=np.frombuffer(text.encode(), dtype=np.uint8),
        centre=np.asarray(network.centre, dtype="<f8"),
        precision=np.asarray(network.precision, dtype="<f8"),
        **arrays,  # type: ignore[arg-type] # numpy's stub takes the names for its own flag
    )
    return buffer.getvalue()


def unpack(content: bytes) -> Network:
    """Read what ``pack`` wrote; CorruptArtifact for other bytes, UnknownModel for a network of other stamps."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            fields = json.loads(stored["description"].tobytes())
            today = (fields["stamp_version"], tuple(fields["planes"]), fields.get("architecture"))
            if today != (STAMP_VERSION, CHANNELS, _ARCHITECTURE):
                raise UnknownModel(
                    "network was trained on stamps that are no longer cut",
                    stamp_version=fields["stamp_version"],
                    today=STAMP_VERSION,
                )
            return Network(
                description=_description(fields),
                weights=[stored[name] for name in sorted(stored.files) if name not in _APART],
                centre=stored["centre"],
                precision=stored["precision"],
            )
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptArtifact("bytes are not a network", cause=str(error), n_bytes=len(content)) from error


def digest_of(content: bytes) -> str:
    """Return the SHA-256 that names a network."""
    return hashlib.sha256(content).hexdigest()


def _description(fields: Mapping[str, object]) -> Description:
    stored: dict[str, tuple[float, float]] = dict(fields["calibration"])  # type: ignore[call-overload] # checked by its use
    calibration = {name: (float(pair[0]), float(pair[1])) for name, pair in stored.items()}
    return Description(**{**fields, "planes": tuple(fields["planes"]), "calibration": calibration})  # type: ignore[arg-type] # checked by its use
