"""Triplets in, one row per triplet out: score, uncertainty, class and anomaly, or the reason why there are none."""

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.judgement import classify
from astrid_core.detection.ports import Network, Scorer
from astrid_core.detection.triplets import SIDES_PIX, triplet_stamps
from astrid_core.shared.errors import CorruptArtifact, Unprocessable

ARRAY = "triplets"
"""Name of the array in a file."""
_BATCH = 512


def read_triplets(path: Path) -> NDArray[np.float32]:
    """Return the triplets (n, 3, ny, nx) of an npz file; Unprocessable where it holds none, CorruptArtifact where it
    cannot be read.
    """
    try:
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                raise Unprocessable("file is a bare array, not an npz file", path=path)
            if ARRAY not in stored.files:
                raise Unprocessable(f"file has no array {ARRAY}", path=path, arrays=", ".join(stored.files) or "none")
            triplets = stored[ARRAY]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptArtifact("file cannot be read as npz", path=path, cause=str(error)) from error
    low, high = SIDES_PIX
    if triplets.dtype.kind not in "fiu":
        raise Unprocessable(f"{ARRAY} does not hold numbers", path=path, dtype=triplets.dtype)
    if triplets.ndim != 4 or triplets.shape[1] != 3 or not all(low <= side <= high for side in triplets.shape[2:]):
        wanted = f"(n, 3, ny, nx) with sides of {low} to {high} pixels: science, reference, difference"
        raise Unprocessable(f"{ARRAY} must have the shape {wanted}", path=path, shape=triplets.shape)
    # What float32 cannot hold is no pixel.
    with np.errstate(over="ignore"):
        return np.asarray(triplets, dtype=np.float32)


def score_triplets(triplets: NDArray[np.floating], network: Network | Scorer, config: DetectConfig) -> Table:
    """Return one row per triplet, in their order; numbers of a triplet that cannot be judged are masked."""
    n = len(triplets)
    numbers = np.full((3, n), np.nan)
    kinds, reasons = [""] * n, [""] * n
    for first in range(0, n, _BATCH):
        stamps = triplet_stamps(triplets[first : first + _BATCH], size_pix=network.stamp_pix, config=config)
        judged = network.judge(stamps)
        at = first + stamps.index
        numbers[:, at] = judged.score, judged.uncertainty, judged.anomaly
        for place, kind in zip(at.tolist(), classify(judged), strict=True):
            kinds[place] = kind.value
        for number, reason in stamps.refused.items():
            reasons[first + number] = reason
    table = Table()
    table["row"] = Column(np.arange(n), description="number of the triplet, from 0")
    for values, (name, text) in zip(
        numbers,
        (
            ("score", "probability of being new in the sky"),
            ("uncertainty", "entropy of the score, bit"),
            ("anomaly", "how unlike the training it is; about 1 is ordinary"),
        ),
        strict=True,
    ):
        table[name] = np.ma.masked_invalid(values)
        table[name].info.description = text
    for name, texts, description in (
        ("class", kinds, "what it is, or what made it"),
        ("reason", reasons, "why there is no score"),
    ):
        table[name] = Column(texts, dtype=str, description=description)
    return table


def as_ecsv(table: Table) -> bytes:
    """Return a table as ECSV."""
    buffer = io.StringIO()
    table.write(buffer, format="ascii.ecsv")
    return buffer.getvalue().encode()
