"""The training loop of the U-Net."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from astrid_core.adapters.models.content import Description
from astrid_core.adapters.models.unet import UNet, build_network
from astrid_core.detection.calibration import balance, fit_calibration
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.training_set import Examples, PixelClass

_GAMMA = 2.0
_CLIP_NORM = 1.0
_WARM_UP = 0.15
"""Part of the steps over which the learning rate rises before it falls along a cosine."""
_LEARNED = (PixelClass.CHANGED, PixelClass.RESIDUAL)
"""Classes with so few pixels that only an overlap measure keeps them from being ignored."""

Batch = tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]
"""Stamps, pixel classes, labels and weights."""


def train_unet(
    training: Examples, validation: Examples, config: TrainConfig, *, progress: Callable[[str], None]
) -> UNet:
    """Train until the validation loss stops falling, keep the best weights, calibrate them on the validation frames."""
    for name, part in (("training", training), ("validation", validation)):
        if not len(part):
            message = f"no {name} examples"
            raise ValueError(message)
    description = Description(stamp_pix=config.stamp_pix, channels=config.channels)
    network = build_network(description, seed=config.seed)
    step, measure = _steps(network, config, n_steps=config.epochs * -(-len(training) // config.batch_size))
    best, best_loss, best_epoch = network.get_weights(), np.inf, 0
    history: list[Mapping[str, float]] = []
    for epoch in range(1, config.epochs + 1):
        rng = np.random.default_rng((config.seed, epoch))
        losses = [float(step(*batch)) for batch in _shuffled(training, rng, config)]
        seen = _mean_loss(measure, validation, config)
        history.append({"training_loss": float(np.mean(losses)), "validation_loss": seen})
        progress(f"epoch {epoch}: training loss {np.mean(losses):.4f}, validation loss {seen:.4f}")
        if seen < best_loss:
            best, best_loss, best_epoch = network.get_weights(), seen, epoch
        if epoch - best_epoch >= config.patience:
            break
    raw = UNet(description, best)
    slope, offset = fit_calibration(
        raw.logits(validation.stamps), validation.is_real, balance(validation.is_real, config.real_fraction)
    )
    return UNet(replace(description, slope=slope, offset=offset), best, history)


def _steps(network: Any, config: TrainConfig, *, n_steps: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    warm_up = max(1, round(_WARM_UP * n_steps))
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 25.0,
        max(1, n_steps - warm_up),
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=_CLIP_NORM)
    optimizer.build(network.trainable_variables)

    def loss_of(stamps: Any, classes: Any, is_real: Any, weight: Any, *, training: bool) -> tuple[Any, Any]:
        logit, pixels = network(stamps, training=training)
        candidate = tf.reduce_mean(weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=is_real, logits=logit[:, 0]))
        return candidate, candidate + config.pixel_loss_weight * _pixel_loss(pixels, classes)

    def step(stamps: Any, classes: Any, is_real: Any, weight: Any) -> Any:
        with tf.GradientTape() as tape:
            candidate, loss = loss_of(stamps, classes, is_real, weight, training=True)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, network.trainable_variables), network.trainable_variables, strict=True)
        )
        return candidate

    def measure(stamps: Any, classes: Any, is_real: Any, weight: Any) -> Any:
        return loss_of(stamps, classes, is_real, weight, training=False)[0]

    return tf.function(step, reduce_retracing=True), tf.function(measure, reduce_retracing=True)


def _pixel_loss(logits: Any, classes: Any) -> Any:
    """Return focal loss (Lin et al. 2017) over all classes plus soft Dice over the rare ones."""
    truth = tf.one_hot(tf.cast(classes, tf.int32), len(PixelClass))
    log_p = tf.nn.log_softmax(logits)
    p = tf.exp(log_p)
    focal = -tf.reduce_mean(tf.reduce_sum(truth * (1.0 - p) ** _GAMMA * log_p, axis=-1))
    dice = 0.0
    for one in _LEARNED:
        overlap = tf.reduce_sum(truth[..., one] * p[..., one])
        dice += 1.0 - (2.0 * overlap + 1.0) / (tf.reduce_sum(truth[..., one]) + tf.reduce_sum(p[..., one]) + 1.0)
    return focal + dice / len(_LEARNED)


def _shuffled(examples: Examples, rng: np.random.Generator, config: TrainConfig) -> Iterator[Batch]:
    """Give every example once, turned and mirrored at random: the sky has no up."""
    order = rng.permutation(len(examples))
    weight = balance(examples.is_real, config.real_fraction)
    for start in range(0, len(order), config.batch_size):
        chosen = order[start : start + config.batch_size]
        stamps, classes = examples.stamps[chosen], examples.classes[chosen]
        turns, is_mirrored = int(rng.integers(4)), bool(rng.integers(2))
        stamps, classes = np.rot90(stamps, turns, axes=(1, 2)), np.rot90(classes, turns, axes=(1, 2))
        if is_mirrored:
            stamps, classes = stamps[:, :, ::-1], classes[:, :, ::-1]
        labels = examples.is_real[chosen].astype(np.float32)
        yield np.ascontiguousarray(stamps), np.ascontiguousarray(classes), labels, weight[chosen]


def _mean_loss(measure: Callable[..., Any], examples: Examples, config: TrainConfig) -> float:
    total, weight = 0.0, balance(examples.is_real, config.real_fraction)
    for start in range(0, len(examples), config.batch_size):
        part = slice(start, start + config.batch_size)
        labels = examples.is_real[part].astype(np.float32)
        total += float(measure(examples.stamps[part], examples.classes[part], labels, weight[part])) * len(labels)
    return total / len(examples)
