"""The training loop of the U-Net."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from astrid_core.adapters.models.checkpoint import Checkpoint, Progress
from astrid_core.adapters.models.content import Description, Network
from astrid_core.adapters.models.network import UNet
from astrid_core.adapters.models.unet import HIDDEN, build_network, turned, unfold, windows
from astrid_core.detection.calibration import balance, fit_calibration
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.cutouts import OUTSIDE
from astrid_core.detection.pixel_classes import N_LEARNT, PixelClass
from astrid_core.detection.training_set import Examples

_GAMMA = 2.0
_CLIP_NORM = 1.0
_WARM_UP = 0.15
"""Part of the steps over which the learning rate rises before it falls along a cosine."""
_LEARNED = (PixelClass.NEW, PixelClass.FADED, PixelClass.RESIDUAL, PixelClass.INSTRUMENTAL)
"""Classes with so few pixels that only an overlap measure keeps them from being ignored."""

_SMALLEST_HALF = 15
"""Of the side of a triplet that is shown."""
_SHRINKAGE = 0.1
"""Part of the mean variance that is added to the variance of every feature before the covariance is inverted."""

Batch = tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]
"""Stamps, places of the candidates in them, pixel classes, labels and weights."""


def train_unet(
    training: Examples,
    validation: Examples,
    config: TrainConfig,
    *,
    progress: Callable[[str], None],
    checkpoint: Checkpoint | None = None,
) -> UNet:
    """Train until the validation loss stops falling, keep the best weights, calibrate them on the validation frames.

    With a checkpoint, training goes on after the last epoch that was finished, and comes to the same network.
    """
    for name, part in (("training", training), ("validation", validation)):
        if not len(part):
            message = f"no {name} examples"
            raise ValueError(message)
    description = Description(stamp_pix=config.stamp_pix, channels=config.channels)
    networks = build_network(description, seed=config.seed)
    step, measure, optimizer = _steps(networks, config, n_steps=config.epochs * -(-len(training) // config.batch_size))
    weights = [*networks[0].weights, *networks[1].weights]
    variables = [*weights, *optimizer.variables]
    done = checkpoint.read(variables) if checkpoint else None
    done = done or Progress(best=_values(weights))
    for epoch in range(len(done.history) + 1, config.epochs + 1):
        if epoch - 1 - done.best_epoch >= config.patience:
            break
        rng = np.random.default_rng((config.seed, epoch))
        losses = [float(step(*batch)) for batch in _shuffled(training, rng, config)]
        seen = _mean_loss(measure, validation, config)
        history = [*done.history, {"training_loss": float(np.mean(losses)), "validation_loss": seen}]
        progress(f"epoch {epoch}: training loss {np.mean(losses):.4f}, validation loss {seen:.4f}")
        done = replace(done, history=history)
        if seen < done.best_loss:
            done = replace(done, best=_values(weights), best_loss=seen, best_epoch=epoch)
        if checkpoint:
            checkpoint.write(_values(variables), done)
    return _calibrated(Network(
        description=description, weights=done.best, centre=np.zeros(HIDDEN), precision=np.eye(HIDDEN),
    ), training, validation, config, done.history)  # fmt: skip


def _values(variables: Sequence[Any]) -> list[NDArray[np.float32]]:
    return [np.array(one.numpy()) for one in variables]


def _calibrated(
    network: Network,
    training: Examples,
    validation: Examples,
    config: TrainConfig,
    history: Sequence[Mapping[str, float]],
) -> UNet:
    raw = UNet(network)
    weight = balance(validation.is_real, config.real_fraction)
    calibration: dict[str, tuple[float, float]] = {
        one.origin: fit_calibration(raw.features(one)[1], validation.is_real, weight)
        for one in (validation.in_frames, validation.in_triplets)
    }
    features = np.concatenate([raw.features(one)[0] for one in (training.in_frames, training.in_triplets)])
    scatter = np.cov(features.astype(float), rowvar=False)
    scatter += _SHRINKAGE * float(np.diag(scatter).mean()) * np.eye(HIDDEN) + 1e-12 * np.eye(HIDDEN)
    described = replace(network.description, calibration=calibration)
    return UNet(
        replace(
            network,
            description=described,
            centre=features.mean(axis=0, dtype=float),
            precision=np.linalg.inv(scatter),
        ),
        history,
    )


def _steps(
    networks: tuple[Any, Any], config: TrainConfig, *, n_steps: int
) -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    trunk, head = networks
    warm_up = max(1, round(_WARM_UP * n_steps))
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 25.0,
        max(1, n_steps - warm_up),
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=_CLIP_NORM)
    trainable = [*trunk.trainable_variables, *head.trainable_variables]
    optimizer.build(trainable)

    def loss_of(stamps: Any, offset: Any, classes: Any, is_real: Any, weight: Any, *, training: bool) -> Any:
        maps, pixels = trunk(stamps, training=training)
        seen = windows(stamps, maps, pixels, tf.range(tf.shape(stamps)[0]), tf.cast(offset, tf.int32))
        logit = head(seen, training=training)[1]
        candidate = tf.reduce_mean(weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=is_real, logits=logit[:, 0]))
        return candidate, candidate + config.pixel_loss_weight * _pixel_loss(unfold(pixels), classes)

    def step(*batch: Any) -> Any:
        with tf.GradientTape() as tape:
            candidate, loss = loss_of(*batch, training=True)
        optimizer.apply_gradients(zip(tape.gradient(loss, trainable), trainable, strict=True))
        return candidate

    def measure(*batch: Any) -> Any:
        return loss_of(*batch, training=False)[0]

    return tf.function(step, reduce_retracing=True), tf.function(measure, reduce_retracing=True), optimizer


def _pixel_loss(logits: Any, classes: Any) -> Any:
    """Return focal loss (Lin et al. 2017) over all classes plus soft Dice over the rare ones."""
    # What is unusable has no class here, and no weight.
    truth = tf.one_hot(tf.cast(classes, tf.int32), N_LEARNT)
    log_p = tf.nn.log_softmax(logits)
    p = tf.exp(log_p) * tf.reduce_sum(truth, axis=-1, keepdims=True)
    focal = -tf.reduce_mean(tf.reduce_sum(truth * (1.0 - p) ** _GAMMA * log_p, axis=-1))
    dice = 0.0
    for one in _LEARNED:
        overlap = tf.reduce_sum(truth[..., one] * p[..., one])
        dice += 1.0 - (2.0 * overlap + 1.0) / (tf.reduce_sum(truth[..., one]) + tf.reduce_sum(p[..., one]) + 1.0)
    return focal + dice / len(_LEARNED)


def _shuffled(examples: Examples, rng: np.random.Generator, config: TrainConfig) -> Iterator[Batch]:
    """Give every example once, as cut from its frame or as a triplet of some size, turned and mirrored at random."""
    order = rng.permutation(len(examples))
    weight = balance(examples.is_real, config.real_fraction)
    for start in range(0, len(order), config.batch_size):
        chosen = order[start : start + config.batch_size]
        seen = examples.in_triplets if rng.uniform() < config.triplet_fraction else examples.in_frames
        shown, offset, classes = seen.pixels[chosen], seen.offset[chosen], examples.classes[chosen]
        if seen.origin == "triplet":
            classes = _centred(classes, examples.offset[chosen])
            shown = _framed(shown, int(rng.integers(_SMALLEST_HALF, shown.shape[1] // 2 + 1)))
        turns, is_mirrored = int(rng.integers(4)), bool(rng.integers(2))
        stamps, at = turned(shown, offset, turns=turns, is_mirrored=is_mirrored)
        truth, _ = turned(classes, offset, turns=turns, is_mirrored=is_mirrored)
        labels = examples.is_real[chosen].astype(np.float32)
        yield stamps.astype(np.float32), at, truth.astype(np.uint8), labels, weight[chosen]


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


def _mean_loss(measure: Callable[..., Any], examples: Examples, config: TrainConfig) -> float:
    total, weight = 0.0, balance(examples.is_real, config.real_fraction)
    for seen in (examples.in_frames, examples.in_triplets):
        for start in range(0, len(examples), config.batch_size):
            part = slice(start, start + config.batch_size)
            labels = examples.is_real[part].astype(np.float32)
            batch = (
                seen.pixels[part].astype(np.float32),
                seen.offset[part],
                examples.classes[part],
                labels,
                weight[part],
            )
            total += float(measure(*batch)) * len(labels)
    return total / (2 * len(examples))
