"""A trained network: frozen weights, the calibration of its logit, and what its training looked like."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from astrid_core.adapters.models.backend import compiled
from astrid_core.adapters.models.content import Network, pack, unpack
from astrid_core.adapters.models.unet import (
    CELLS,
    HALO_PIX,
    INNER_PIX,
    build_network,
    class_probability,
    unfold,
    windows,
)
from astrid_core.detection.cutouts import GRID_PIX, OUTSIDE, Stamps, exchanged
from astrid_core.detection.entities import Model
from astrid_core.detection.judgement import Judged
from astrid_core.detection.pixel_classes import N_LEARNT
from astrid_core.shared.errors import CorruptArtifact

TILE_PIX = 1024
"""Side of the tiles of a whole frame, without their halo."""
_BATCH = 256
_OLD_PLANE = 3
_OLD_SOURCE = 1.2
"""asinh(counts / 3 sky sigma) from which the older epoch shows light: 4.5 sigma in one pixel."""


class UNet:
    """A trained network."""

    def __init__(self, stored: Network, history: Sequence[Mapping[str, float]] = ()) -> None:
        self._stored = stored
        trunk, head = build_network(stored.description)
        n_trunk = len(trunk.get_weights())
        shapes = [tuple(one.shape) for one in (*trunk.get_weights(), *head.get_weights())]
        if shapes != [tuple(one.shape) for one in stored.weights]:
            raise CorruptArtifact("weights do not fit the network", n_weights=len(stored.weights), expected=len(shapes))
        trunk.set_weights(stored.weights[:n_trunk])
        head.set_weights(stored.weights[n_trunk:])
        self._history = tuple(history)
        self._trunk = compiled(lambda planes: trunk(planes, training=False))
        self._head = compiled(lambda *parts: _read(head, *parts))

    @property
    def stamp_pix(self) -> int:
        """Side of the stamps that it was trained on."""
        return self._stored.description.stamp_pix

    @property
    def content(self) -> bytes:
        """Everything that decides a score, as bytes."""
        return pack(self._stored)

    @property
    def history(self) -> Sequence[Mapping[str, float]]:
        """Losses of each epoch of its training."""
        return self._history

    def judge(self, stamps: Stamps) -> Judged:
        """Return what it says of stamps."""
        parts = [self._read_stamps(stamps, slice(at, at + _BATCH)) for at in range(0, len(stamps), _BATCH)]
        return self._judged(parts, stamps.origin, old=_old(stamps.pixels, stamps.offset))

    def judge_frame(self, planes: NDArray[np.float32], at: NDArray[np.intp], sign: NDArray[np.integer]) -> Judged:
        """Return what it says of places (row, column) of a whole frame (ny, nx, channels); ``sign`` is of their score.

        The same as of their stamps, for less where there are many.
        """
        parts: dict[int, list[NDArray[np.float32]]] = {}
        old = np.zeros(len(at), dtype=bool)
        for one in (1, -1):
            chosen = np.flatnonzero(sign == one)
            shown = planes if one > 0 else exchanged(planes)
            for tile, offset, numbers in _tiles(shown, at, chosen):
                found = self._read(tile[None], np.zeros(len(numbers), dtype=np.int32), offset)
                old[numbers] = _old(np.broadcast_to(tile, (len(numbers), *tile.shape)), offset)
                for row, number in enumerate(numbers.tolist()):
                    parts[number] = [part[row : row + 1] for part in found]
        return self._judged([tuple(parts[number]) for number in range(len(at))], "frame", old=old)

    def pixel_classes(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits (n, ny, nx, classes) of every pixel of planes whose sides are even."""
        return np.asarray(keras.ops.convert_to_numpy(unfold(self._trunk(planes)[1])))

    def features(self, stamps: Stamps) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return the features by which the head decides and the logits before calibration."""
        parts = [self._read_stamps(stamps, slice(at, at + _BATCH)) for at in range(0, len(stamps), _BATCH)]
        return np.concatenate([one[0] for one in parts]), np.concatenate([one[1] for one in parts]).astype(float)[:, 0]

    def _read_stamps(self, stamps: Stamps, part: slice) -> tuple[NDArray[np.float32], ...]:
        pixels = stamps.pixels[part].astype(np.float32)
        return self._read(pixels, np.arange(len(pixels), dtype=np.int32), stamps.offset[part])

    def _read(
        self, planes: NDArray[np.float32], which: NDArray[np.int32], offset: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], ...]:
        maps, classes = self._trunk(planes)
        found = self._head(planes, maps, classes, which, offset.astype(np.int32))
        return tuple(keras.ops.convert_to_numpy(one) for one in found)

    def _judged(
        self, parts: Sequence[tuple[NDArray[np.float32], ...]], origin: str, *, old: NDArray[np.bool_]
    ) -> Judged:
        stored = self._stored
        if not parts:
            nothing = np.zeros(0, dtype=np.float32)
            return Judged(
                score=nothing, anomaly=nothing, pixels=np.zeros((0, N_LEARNT), dtype=np.float32), has_old_source=old
            )
        features, logits, pixels = (np.concatenate(one) for one in zip(*parts, strict=True))
        calibration = stored.description.calibration[origin]
        away = features.astype(float) - stored.centre
        return Judged(
            score=expit(calibration[0] * logits[:, 0].astype(float) + calibration[1]).astype(np.float32),
            anomaly=np.sqrt(np.einsum("ni,ij,nj->n", away, stored.precision, away) / away.shape[1]).astype(np.float32),
            pixels=pixels,
            has_old_source=old,
        )


class UNetScorer:
    """A registered network, loaded."""

    def __init__(self, model: Model, network: UNet) -> None:
        self._model = model
        self._network = network

    @property
    def model(self) -> Model:
        """Which version it is."""
        return self._model

    @property
    def stamp_pix(self) -> int:
        """Side of the stamps that it was trained on."""
        return self._network.stamp_pix

    def judge(self, stamps: Stamps) -> Judged:
        """Return what it says of stamps."""
        return self._network.judge(stamps)


def read_network(content: bytes) -> UNet:
    """Build the network that ``UNet.content`` holds."""
    return UNet(unpack(content))


def _read(head: Any, planes: Any, maps: Any, classes: Any, which: Any, offset: Any) -> tuple[Any, Any, Any]:
    seen = windows(planes, maps, classes, which, offset)
    hidden, logit = head(seen, training=False)
    first = CELLS // 2 - 1
    middle = class_probability(seen[2])[:, first : first + 3, first : first + 3]
    return hidden, logit, keras.ops.mean(middle, axis=(1, 2))


def _tiles(
    planes: NDArray[np.float32], at: NDArray[np.intp], chosen: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]]:
    """Give tiles that hold a candidate, with their halo; the candidates' places in them and their numbers."""
    assert HALO_PIX % GRID_PIX == 0 == TILE_PIX % GRID_PIX  # noqa: S101 - else frames and stamps disagree
    ny, nx = planes.shape[:2]
    for top in range(0, ny, TILE_PIX):
        for left in range(0, nx, TILE_PIX):
            inside = (at[chosen] // TILE_PIX == (top // TILE_PIX, left // TILE_PIX)).all(axis=1)
            numbers = chosen[inside]
            if len(numbers):
                tile = _with_halo(planes, top, left)
                yield tile, at[numbers] - (top - HALO_PIX, left - HALO_PIX), numbers


def _with_halo(planes: NDArray[np.float32], top: int, left: int) -> NDArray[np.float32]:
    ny, nx = planes.shape[:2]
    height, width = (-(-min(TILE_PIX, side - at) // GRID_PIX) * GRID_PIX for side, at in ((ny, top), (nx, left)))
    tile = np.empty((height + 2 * HALO_PIX, width + 2 * HALO_PIX, planes.shape[2]), dtype=np.float32)
    tile[:] = np.asarray(OUTSIDE, dtype=np.float32)
    rows, columns = (
        slice(max(at - HALO_PIX, 0), min(at + length + HALO_PIX, side))
        for at, length, side in ((top, height, ny), (left, width, nx))
    )
    y, x = rows.start - top + HALO_PIX, columns.start - left + HALO_PIX
    inside = planes[rows, columns]
    tile[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return tile


def _old(pixels: NDArray[np.float32], offset: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Tell whether the older epoch is bright at the candidate, and brightest there: a star, not the arm of a galaxy."""
    found = np.zeros(len(pixels), dtype=bool)
    half = INNER_PIX // 2
    for number, (row, column) in enumerate(offset.tolist()):
        box = pixels[number, row - half : row + half + 1, column - half : column + half + 1, _OLD_PLANE]
        middle = float(box[half - 1 : half + 2, half - 1 : half + 2].max())
        found[number] = middle >= _OLD_SOURCE and middle >= float(box.max())
    return found
