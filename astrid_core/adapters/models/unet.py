"""A small convolutional U-Net with a head: what every pixel shows, and how probably a candidate is new in the sky.

The first convolution has stride 2, because at full resolution the activations, not the weights, cost the time. The peak
of a pixel map alone ranks candidates badly; a dense head on what the trunk says around the candidate decides. The head
looks at windows of the trunk's maps, so it makes no difference whether these were computed for a stamp or a frame.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.models.backend import make_repeatable
from astrid_core.adapters.models.content import Description
from astrid_core.detection.cutouts import CHANNELS
from astrid_core.detection.pixel_classes import N_LEARNT

HALO_PIX = 32
"""So far from a candidate nothing has any influence on it."""
INNER_PIX = 11
"""Side of the window of planes that the head sees at full resolution."""
CELLS = 9
"""Side of the window of the trunk's maps, whose cells are 2 x 2 pixels."""
_EPOCHS_PIX, _MIDDLE_CELLS = 5, 3
HIDDEN = 48
"""Features by which the head decides."""

Windows = tuple[Any, Any, Any]
"""Planes, maps and pixel classes around candidates."""


def build_trunk(description: Description, seeds: Iterator[int]) -> Any:
    """Return a network: planes (n, ny, nx, channels) to maps and pixel-class logits, both at half resolution.

    A cell holds the logits of its four pixels.
    """
    width = description.channels
    planes = keras.layers.Input((None, None, len(CHANNELS)))
    half = _block(_block(planes, width, seeds, strides=2), width, seeds)
    quarter = _block(_block(half, 2 * width, seeds, strides=2), 2 * width, seeds)
    # Wide, not deep: a third halving would make the answer depend on where the frame begins.
    quarter = keras.layers.Add()([quarter, _block(quarter, 2 * width, seeds, dilation=2)])
    coarse = keras.layers.UpSampling2D()(quarter)
    fine = _block(keras.layers.Concatenate()([coarse, half]), width, seeds)
    classes = keras.layers.Conv2D(4 * N_LEARNT, 1, kernel_initializer=_initial(seeds))(fine)
    return keras.Model(planes, [keras.layers.Concatenate()([fine, coarse]), classes])


def build_head(description: Description, seeds: Iterator[int]) -> Any:
    """Return a network: windows around candidates to the features by which it decides and the logit."""
    layers = keras.layers
    planes = layers.Input((INNER_PIX, INNER_PIX, len(CHANNELS)))
    maps = layers.Input((CELLS, CELLS, 3 * description.channels))
    classes = layers.Input((CELLS, CELLS, 4 * N_LEARNT))
    features = layers.Concatenate()([
        layers.Flatten()(layers.CenterCrop(_MIDDLE_CELLS, _MIDDLE_CELLS)(maps)),
        layers.GlobalMaxPooling2D()(layers.CenterCrop(5, 5)(maps)),
        layers.GlobalAveragePooling2D()(maps),
        layers.Flatten()(layers.CenterCrop(7, 7)(planes[..., :2])),
        layers.Flatten()(layers.CenterCrop(_EPOCHS_PIX, _EPOCHS_PIX)(planes[..., 2:])),
        layers.GlobalAveragePooling2D()(planes),
        layers.GlobalAveragePooling2D()(layers.CenterCrop(5, 5)(class_probability(classes))),
    ])  # fmt: skip
    hidden = layers.Dense(HIDDEN, activation="relu", kernel_initializer=_initial(seeds))(features)
    logit = layers.Dense(1, kernel_initializer=_initial(seeds), dtype="float32")(hidden)
    return keras.Model([planes, maps, classes], [hidden, logit])


def build_network(description: Description, *, seed: int = 0) -> tuple[Any, Any]:
    """Return an untrained trunk and head."""
    make_repeatable()
    seeds = iter(range(1000 * seed, 1000 * seed + 1000))
    return build_trunk(description, seeds), build_head(description, seeds)


def class_probability(classes: Any) -> Any:
    """Return the probability of each class in each cell, on average over its four pixels."""
    shape = keras.ops.shape(classes)
    split = keras.ops.reshape(classes, (-1, shape[1], shape[2], 4, N_LEARNT))
    return keras.ops.mean(keras.ops.softmax(split, axis=-1), axis=3)


def unfold(classes: Any) -> Any:
    """Return the logits (n, ny, nx, classes) of every pixel from those of cells."""
    n, ny, nx, _ = keras.ops.shape(classes)
    split = keras.ops.reshape(classes, (n, ny, nx, 2, 2, N_LEARNT))
    return keras.ops.reshape(keras.ops.transpose(split, (0, 1, 3, 2, 4, 5)), (n, 2 * ny, 2 * nx, N_LEARNT))


def windows(planes: Any, maps: Any, classes: Any, which: Any, offset: Any) -> Windows:
    """Return windows around candidates: number ``which`` of a batch, pixel ``offset`` (row, column)."""
    cell = offset // 2
    return (
        _window(planes, which, offset, INNER_PIX),
        _window(maps, which, cell, CELLS),
        _window(classes, which, cell, CELLS),
    )


def _window(images: Any, which: Any, at: Any, side: int) -> Any:
    ops = keras.ops
    _, ny, nx, n_planes = ops.shape(images)
    steps = ops.arange(side, dtype="int32") - side // 2
    rows = (which[:, None] * ny + at[:, :1] + steps)[:, :, None]
    index = rows * nx + (at[:, 1:] + steps)[:, None, :]
    return ops.take(ops.reshape(images, (-1, n_planes)), index, axis=0)


def _block(x: Any, width: int, seeds: Iterator[int], *, strides: int = 1, dilation: int = 1) -> Any:
    x = keras.layers.Conv2D(
        width,
        3,
        strides=strides,
        dilation_rate=dilation,
        padding="same",
        use_bias=False,
        kernel_initializer=_initial(seeds),
    )(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))


def _initial(seeds: Iterator[int]) -> Any:
    return keras.initializers.HeNormal(seed=next(seeds))


def turned(
    pixels: NDArray[np.generic], offset: NDArray[np.intp], *, turns: int, is_mirrored: bool
) -> tuple[NDArray[np.generic], NDArray[np.intp]]:
    """Return stamps (n, size, size, ...) turned by quarters and mirrored, and where their candidates are then."""
    last = pixels.shape[1] - 1
    pixels = np.rot90(pixels, turns, axes=(1, 2))
    for _ in range(turns % 4):
        offset = np.stack([last - offset[:, 1], offset[:, 0]], axis=-1)
    if is_mirrored:
        pixels = pixels[:, :, ::-1]
        offset = np.stack([offset[:, 0], last - offset[:, 1]], axis=-1)
    return np.ascontiguousarray(pixels), offset
