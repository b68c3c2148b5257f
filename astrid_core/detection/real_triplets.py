"""Real triplets to learn from: candidates that people or other catalogs have named, and what lies beside them.

Survey alerts hold few negatives that anybody has looked at. The rest of each difference image is a negative, too: it
shows what real subtractions leave where no alert was sent.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.detection.config import DetectConfig, TrainConfig
from astrid_core.detection.pixel_classes import PixelClass
from astrid_core.detection.score_table import read_triplets
from astrid_core.detection.training_set import Examples
from astrid_core.detection.triplet_injection import Injected
from astrid_core.detection.triplets import read_in_parts, triplet_stamps
from astrid_core.shared.errors import BadConfiguration, Unprocessable

FRAME = -1
"""Number of the frame of what comes from no frame."""
_CENTRE_PIX = 8.0
"""Nearer to the middle than this a peak may belong to what the triplet was sent for."""
_HALF_PIX = 15
"""Of the small triplets that are cut around other peaks."""
_PEAK_SIGMA = 3.5
_MOST_PEAKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledTriplets:
    """Real triplets with what is known of their middles; arrays of equal length."""

    triplets: NDArray[np.float32]
    """(n, 3, ny, nx): science, reference, difference; NaN where unknown."""
    is_real: NDArray[np.bool_]
    is_known: NDArray[np.bool_]
    """False where nobody has said what is in the middle: that is no negative."""
    group: NDArray[np.str_]
    """The object or place in the sky: what shares it stays together in a split."""
    origin: str
    """Who says so; kept with the model."""

    def __post_init__(self) -> None:
        n = len(self.triplets)
        if self.triplets.ndim != 4 or self.triplets.shape[1] != 3:
            raise BadConfiguration("triplets must be (n, 3, ny, nx)", got=self.triplets.shape)
        for name in ("is_real", "is_known", "group"):
            if len(getattr(self, name)) != n:
                raise BadConfiguration(f"{name} must have a row per triplet", got=len(getattr(self, name)), triplets=n)

    @property
    def digest(self) -> str:
        """Names pixels and labels."""
        found = hashlib.sha256(np.ascontiguousarray(self.triplets, dtype="<f4").tobytes())
        found.update(np.packbits(np.stack([self.is_real, self.is_known])).tobytes())
        found.update("\n".join((self.origin, *self.group.tolist())).encode())
        return found.hexdigest()

    def take(self, chosen: NDArray[np.bool_]) -> "LabelledTriplets":
        """Return the chosen rows."""
        return LabelledTriplets(
            triplets=self.triplets[chosen],
            is_real=self.is_real[chosen],
            is_known=self.is_known[chosen],
            group=self.group[chosen],
            origin=self.origin,
        )


def read_labelled(path: Path) -> LabelledTriplets:
    """Read an npz file with the arrays ``triplets``, ``is_real`` (n: 1, 0, or -1 where nobody has said) and ``group``
    (n texts); named after the file. Raises Unprocessable or CorruptArtifact as ``read_triplets`` does.
    """
    triplets = read_triplets(path)
    with np.load(path, allow_pickle=False) as stored:
        missing = [name for name in ("is_real", "group") if name not in stored.files]
        if missing:
            raise Unprocessable("file lacks labels", path=path, missing=", ".join(missing))
        said, group = stored["is_real"], stored["group"].astype(str)
    if said.shape != (len(triplets),) or not np.isin(said, (-1, 0, 1)).all():
        raise Unprocessable("is_real must hold 1, 0 or -1 for every triplet", path=path, shape=said.shape)
    return LabelledTriplets(triplets=triplets, is_real=said == 1, is_known=said >= 0, group=group, origin=path.stem)


def split(labelled: LabelledTriplets, *, seed: int) -> tuple[LabelledTriplets, LabelledTriplets]:
    """Return the rows to learn from and those to test with: each object lies in one of them, whatever else there is.

    An object's side follows from its name and the seed, so rows that are added later move none of the others.
    """
    is_test = np.array([_side(seed, group) for group in labelled.group.tolist()], dtype=bool)
    return labelled.take(~is_test), labelled.take(is_test)


def _side(seed: int, group: str) -> bool:
    return bool(hashlib.sha256(f"{seed}:{group}".encode()).digest()[0] & 1)


def examples_of_triplets(labelled: LabelledTriplets, config: TrainConfig, put: Injected) -> Examples:
    """Return labelled middles, as negatives other peaks of the same differences, and what was put into these triplets;
    each object weighs the same.

    There is no whole difference behind them: both views of an example are the triplet.
    """
    middles = labelled.take(labelled.is_known)
    size = config.stamp_pix
    seen = triplet_stamps(middles.triplets, size_pix=size, config=DetectConfig())
    others, owners = _other_peaks(labelled)
    beside = triplet_stamps(others, size_pix=size, config=DetectConfig())
    added = triplet_stamps(put.triplets, size_pix=size, config=DetectConfig())
    pixels = np.concatenate([seen.pixels, beside.pixels, added.pixels])
    is_real = np.concatenate([
        middles.is_real[seen.index], np.zeros(len(beside), dtype=bool), put.is_real[added.index]
    ])  # fmt: skip
    # What was put into an object's triplet stands for the place, not for the object.
    places = np.array([f"beside {one}" for one in labelled.group[put.number[added.index]].tolist()], dtype=str)
    group = np.concatenate([middles.group[seen.index], owners[beside.index], places])
    return Examples(
        stamps=pixels,
        offset=np.full((len(pixels), 2), size // 2, dtype=np.intp),
        triplets=pixels,
        classes=np.full((len(pixels), size, size), PixelClass.UNUSABLE, dtype=np.uint8),
        is_real=is_real,
        score=pixels[:, size // 2, size // 2, 0],
        frame=np.full(len(pixels), FRAME, dtype=np.int32),
        weight=config.real_weight * _by_group(group, is_real),
        searched_mpix=0.0,
    )


def _by_group(group: NDArray[np.str_], is_real: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return weights with mean 1 under which every object counts once among the real and once among the false."""
    names = np.array([f"{one}:{real}" for one, real in zip(group.tolist(), is_real.tolist(), strict=True)])
    _, which, n = np.unique(names, return_inverse=True, return_counts=True)
    weight = 1.0 / n[which]
    return np.asarray(weight / weight.mean() if len(weight) else weight, dtype=np.float32)


def _other_peaks(labelled: LabelledTriplets) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return small triplets around peaks beside the middle, and the objects of the triplets that they come from."""
    side = 2 * _HALF_PIX + 1
    boxes: list[NDArray[np.float32]] = []
    owners: list[str] = []
    for part in read_in_parts(labelled.triplets):
        for planes, number in zip(part.planes, part.index.tolist(), strict=True):
            triplet, group = labelled.triplets[number], str(labelled.group[number])
            for y, x in _peaks(planes):
                boxes.append(triplet[:, y - _HALF_PIX : y + _HALF_PIX + 1, x - _HALF_PIX : x + _HALF_PIX + 1])
                owners.append(group)
    return np.array(boxes, dtype=np.float32).reshape(-1, 3, side, side), np.array(owners, dtype=str)


def _peaks(planes: NDArray[np.float32]) -> Iterator[Sequence[int]]:
    """Give row and column of the highest peaks whose small triplet lies inside and which are not in the middle."""
    height = np.abs(planes[..., 0])
    is_peak = (height == ndimage.maximum_filter(height, 5)) & (height >= _PEAK_SIGMA) & (planes[..., 4] == 0.0)
    ny, nx = height.shape
    rows, columns = np.nonzero(is_peak)
    usable = (np.minimum(rows, ny - 1 - rows) >= _HALF_PIX) & (np.minimum(columns, nx - 1 - columns) >= _HALF_PIX)
    usable &= np.hypot(rows - ny // 2, columns - nx // 2) > _CENTRE_PIX
    order = np.argsort(-height[rows, columns][usable])[:_MOST_PEAKS]
    yield from np.stack([rows[usable], columns[usable]], axis=1)[order].tolist()
