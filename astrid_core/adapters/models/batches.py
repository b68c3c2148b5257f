"""What a network is shown in one epoch: every example once, as cut from its frame or as a triplet, turned at random."""

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.models.unet import turned
from astrid_core.detection.calibration import balance
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.cutouts import OUTSIDE, Stamps
from astrid_core.detection.training_set import Examples

_SMALLEST_HALF = 15
"""Of the side of a triplet that is shown."""

Batch = tuple[dict[str, NDArray[np.generic]], dict[str, NDArray[np.generic]], NDArray[np.float32]]
"""Stamps with the places of the candidates in them; pixel classes and labels; weights."""


class Shuffled(keras.utils.PyDataset):  # type: ignore[misc] # keras has no types
    """The examples of one epoch; the same epoch is the same each time.

    Those of ``hard`` weigh more among the false ones, see ``TrainConfig.hard_weight``.
    """

    def __init__(
        self, examples: Examples, config: TrainConfig, *, epoch: int, hard: NDArray[np.bool_] | None = None
    ) -> None:
        super().__init__()
        self._examples, self._config, self._epoch = examples, config, epoch
        self._order = np.random.default_rng((config.seed, epoch)).permutation(len(examples))
        weight = examples.weight if hard is None else examples.weight * np.where(hard, config.hard_weight, 1.0)
        self._weight = balance(examples.is_real, config.real_fraction, weight.astype(np.float32))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._config.batch_size)

    def __getitem__(self, number: int) -> Batch:
        """Return a batch."""
        config, examples = self._config, self._examples
        rng = np.random.default_rng((config.seed, self._epoch, number))
        chosen = self._order[number * config.batch_size : (number + 1) * config.batch_size]
        seen = examples.in_triplets if rng.uniform() < config.triplet_fraction else examples.in_frames
        shown, offset, classes = seen.pixels[chosen], seen.offset[chosen], examples.classes[chosen]
        if seen.origin == "triplet":
            classes = _centred(classes, examples.offset[chosen])
            shown = _framed(shown, int(rng.integers(_SMALLEST_HALF, shown.shape[1] // 2 + 1)))
        turns, is_mirrored = int(rng.integers(4)), bool(rng.integers(2))
        stamps, at = turned(shown, offset, turns=turns, is_mirrored=is_mirrored)
        truth, _ = turned(classes, offset, turns=turns, is_mirrored=is_mirrored)
        return _batch(stamps, at, truth, examples.is_real[chosen], self._weight[chosen])


class InOrder(keras.utils.PyDataset):  # type: ignore[misc] # keras has no types
    """Examples as they are, seen in one way."""

    def __init__(self, examples: Examples, seen: Stamps, config: TrainConfig) -> None:
        super().__init__()
        self._examples, self._seen, self._size = examples, seen, config.batch_size
        self._weight = balance(examples.is_real, config.real_fraction, examples.weight)

    def __len__(self) -> int:
        return math.ceil(len(self._examples) / self._size)

    def __getitem__(self, number: int) -> Batch:
        """Return a batch."""
        part = slice(number * self._size, (number + 1) * self._size)
        examples, seen = self._examples, self._seen
        return _batch(
            seen.pixels[part], seen.offset[part], examples.classes[part], examples.is_real[part], self._weight[part]
        )


def _batch(
    stamps: NDArray[Any], at: NDArray[Any], classes: NDArray[Any], is_real: NDArray[np.bool_], weight: NDArray[Any]
) -> Batch:
    return (
        {"stamps": stamps.astype(np.float32), "offset": at.astype(np.int32)},
        {"classes": classes.astype(np.uint8), "is_real": is_real.astype(np.float32)},
        weight.astype(np.float32),
    )


def _centred(classes: NDArray[np.uint8], offset: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return pixel classes with the candidate in the middle, as in a triplet."""
    middle = classes.shape[1] // 2
    away = (middle - offset).tolist()
    return np.array([np.roll(one, tuple(step), (0, 1)) for one, step in zip(classes, away, strict=True)])


def _framed(stamps: NDArray[np.float32], half_pix: int) -> NDArray[np.float32]:
    """Return stamps of which only the inner part is known."""
    middle = stamps.shape[1] // 2
    known = slice(max(middle - half_pix, 0), middle + half_pix)
    framed = np.empty_like(stamps)
    framed[:] = np.asarray(OUTSIDE, dtype=stamps.dtype)
    framed[:, known, known] = stamps[:, known, known]
    return framed
