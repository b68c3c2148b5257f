"""A small U-Net with a head: pixel classes of a stamp, and the chance that its candidate is new in the sky.

The first convolution has stride 2, because at full resolution the activations, not the weights, cost the time. The peak
of a pixel map alone ranks candidates badly; a dense head on features pooled at the candidate decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import expit

from astrid_core.adapters.models.content import Description, pack, unpack
from astrid_core.detection.cutouts import CHANNELS
from astrid_core.detection.entities import Model
from astrid_core.detection.training_set import PixelClass
from astrid_core.shared.errors import CorruptArtifact

_THREADS = 2
"""Fixed: the order of a sum depends on it."""
_BATCH = 256
_PEAK_PLANES = 2
"""Score and difference: the head sees their innermost pixels as they are."""


class UNet:
    """A trained network: frozen weights and the calibration of its logit."""

    def __init__(
        self,
        description: Description,
        weights: Sequence[NDArray[np.float32]],
        history: Sequence[Mapping[str, float]] = (),
    ) -> None:
        self._description = description
        self._network = build_network(description)
        shapes = [tuple(weight.shape) for weight in self._network.get_weights()]
        if shapes != [tuple(weight.shape) for weight in weights]:
            raise CorruptArtifact("weights do not fit the network", n_weights=len(weights), expected=len(shapes))
        self._network.set_weights(weights)
        self._history = tuple(history)
        self._call = tf.function(
            lambda stamps: self._network(stamps, training=False)[0],
            input_signature=[tf.TensorSpec((None, self.stamp_pix, self.stamp_pix, len(CHANNELS)), tf.float32)],
        )

    @property
    def stamp_pix(self) -> int:
        """Side of the stamps that it was trained on."""
        return self._description.stamp_pix

    @property
    def content(self) -> bytes:
        """Everything that decides a score, as bytes."""
        return pack(self._description, self._network.get_weights())

    @property
    def history(self) -> Sequence[Mapping[str, float]]:
        """Losses of each epoch of its training."""
        return self._history

    def score(self, stamps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one probability per stamp of shape (n, size, size, channels)."""
        z = self._description.slope * self.logits(stamps) + self._description.offset
        return np.asarray(expit(z), dtype=np.float32)

    def logits(self, stamps: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what the head says before calibration, on average over the eight orientations of a stamp."""
        parts = [
            np.mean([self._call(view).numpy()[:, 0] for view in _orientations(part)], axis=0, dtype=float)
            for part in _batches(stamps)
        ]
        return np.concatenate([np.zeros(0), *parts])


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

    def score(self, stamps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one probability per stamp of shape (n, size, size, channels)."""
        return self._network.score(stamps)


def read_network(content: bytes) -> UNet:
    """Build the network that ``UNet.content`` holds."""
    description, weights = unpack(content)
    return UNet(description, weights)


def build_network(description: Description, *, seed: int = 0) -> Any:
    """Return an untrained network: stamps to (logit of the candidate, logits of the pixel classes)."""
    _make_repeatable()
    size, width = description.stamp_pix, description.channels
    seeds = iter(range(1000 * seed, 1000 * seed + 1000))
    stamps = keras.layers.Input((size, size, len(CHANNELS)))
    half = _block(_block(stamps, width, seeds, strides=2), width, seeds)
    quarter = _block(_block(half, 2 * width, seeds, strides=2), 2 * width, seeds)
    eighth = _block(_block(quarter, 3 * width, seeds, strides=2), 3 * width, seeds)
    up = _block(_joined(eighth, quarter), 2 * width, seeds)
    fine = _block(_joined(up, half), width, seeds)
    # Sub-pixel convolution: four sets of classes at half resolution are one set at full resolution.
    classes = keras.layers.Conv2D(4 * len(PixelClass), 1, kernel_initializer=_initial(seeds))(fine)
    classes = _unfold(classes, size)
    features = keras.layers.Concatenate()([*_pooled(fine, eighth), *_at_the_peak(stamps, classes, size)])
    features = keras.layers.Dense(48, activation="relu", kernel_initializer=_initial(seeds))(features)
    logit = keras.layers.Dense(1, kernel_initializer=_initial(seeds))(features)
    return keras.Model(stamps, [logit, classes])


def _make_repeatable() -> None:
    """Let the same numbers give the same sums: two threads, and kernels without atomic additions."""
    threads = tf.config.threading
    if threads.get_intra_op_parallelism_threads() != _THREADS:
        threads.set_intra_op_parallelism_threads(_THREADS)
        threads.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def _pooled(fine: Any, eighth: Any) -> list[Any]:
    layers = keras.layers
    return [
        layers.Flatten()(layers.CenterCrop(2, 2)(fine)),
        layers.GlobalMaxPooling2D()(layers.CenterCrop(6, 6)(fine)),
        layers.GlobalAveragePooling2D()(fine),
        layers.GlobalAveragePooling2D()(eighth),
        layers.GlobalMaxPooling2D()(eighth),
    ]


def _at_the_peak(stamps: Any, classes: Any, size: int) -> list[Any]:
    layers = keras.layers
    # The peak lies on pixel size / 2, so a box around it has one row and column more before it than the centred crop.
    first = size // 2 - 2
    last = size - first - 5
    inner = layers.Cropping2D(((first, last), (first, last)))(stamps[..., :_PEAK_PLANES])
    return [
        layers.Flatten()(inner),
        layers.GlobalAveragePooling2D()(layers.CenterCrop(6, 6)(layers.Softmax()(classes))),
        layers.GlobalAveragePooling2D()(stamps[..., _PEAK_PLANES:]),
    ]


def _block(x: Any, width: int, seeds: Iterator[int], *, strides: int = 1) -> Any:
    x = keras.layers.Conv2D(
        width, 3, strides=strides, padding="same", use_bias=False, kernel_initializer=_initial(seeds)
    )(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))


def _joined(coarse: Any, skipped: Any) -> Any:
    return keras.layers.Concatenate()([keras.layers.UpSampling2D()(coarse), skipped])


def _unfold(x: Any, size: int) -> Any:
    half, n = size // 2, len(PixelClass)
    x = keras.layers.Reshape((half, half, 2, 2, n))(x)
    return keras.layers.Reshape((size, size, n))(keras.layers.Permute((1, 3, 2, 4, 5))(x))


def _initial(seeds: Iterator[int]) -> Any:
    return keras.initializers.HeNormal(seed=next(seeds))


def _orientations(stamps: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Give the stamps turned and mirrored: the sky has no up, and eight views err less than one."""
    for turns in range(4):
        turned = np.rot90(stamps, turns, axes=(1, 2))
        yield np.ascontiguousarray(turned)
        yield np.ascontiguousarray(turned[:, :, ::-1])


def _batches(stamps: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(stamps), _BATCH):
        yield stamps[start : start + _BATCH]
