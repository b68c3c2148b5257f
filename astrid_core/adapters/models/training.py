"""The training loop of the U-Net."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.models.backend import uses_xla
from astrid_core.adapters.models.batches import InOrder, Shuffled
from astrid_core.adapters.models.checkpoint import Checkpoint, Progress
from astrid_core.adapters.models.content import Description, Network
from astrid_core.adapters.models.learner import Learner
from astrid_core.adapters.models.network import UNet
from astrid_core.adapters.models.unet import HIDDEN, build_network
from astrid_core.detection.calibration import balance, fit_calibration
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.training_set import Examples, TrainingSet

_CLIP_NORM = 1.0
_WARM_UP = 0.15
"""Part of the steps over which the learning rate rises before it falls along a cosine."""
_SHRINKAGE = 0.1
"""Part of the mean variance that is added to the variance of every feature before the covariance is inverted."""


def train_unet(
    sets: TrainingSet,
    config: TrainConfig,
    *,
    progress: Callable[[str], None],
    checkpoint: Checkpoint | None = None,
) -> UNet:
    """Train until the validation loss stops falling, keep the best weights, calibrate them on the calibration frames.

    With a checkpoint, training goes on after the last epoch that was finished, and comes to the same network.
    """
    for name in ("training", "validation", "calibration"):
        if not len(getattr(sets, name)):
            message = f"no {name} examples"
            raise ValueError(message)
    description = Description(stamp_pix=config.stamp_pix, channels=config.channels)
    learner, optimizer = _learner(description, config, n_examples=len(sets.training))
    weights = [*learner.trunk.weights, *learner.head.weights]
    variables = [*weights, *optimizer.variables]
    done = checkpoint.read(variables) if checkpoint else None
    done = done or Progress(best=_values(weights))
    for epoch in range(len(done.history) + 1, config.epochs + 1):
        if epoch - 1 - done.best_epoch >= config.patience:
            break
        shown = Shuffled(sets.training, config, epoch=epoch, hard=_hard(learner, sets.training, config, epoch=epoch))
        fitted = learner.fit(shown, shuffle=False, verbose=0)
        losses = {
            "training_loss": float(fitted.history["candidate"][0]),
            "validation_loss": _loss(learner, sets, config),
        }
        progress(
            f"epoch {epoch} of {config.epochs}: training loss {losses['training_loss']:.4f}, "
            f"validation loss {losses['validation_loss']:.4f}"
        )
        done = replace(done, history=[*done.history, losses])
        if losses["validation_loss"] < done.best_loss:
            done = replace(done, best=_values(weights), best_loss=losses["validation_loss"], best_epoch=epoch)
        if checkpoint:
            checkpoint.write(_values(variables), done)
    raw = Network(description=description, weights=done.best, centre=np.zeros(HIDDEN), precision=np.eye(HIDDEN))
    return _calibrated(raw, sets, config, done.history)


def _learner(description: Description, config: TrainConfig, *, n_examples: int) -> tuple[Learner, Any]:
    """Return an untrained network and its optimiser, both with all their variables."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.precision)
    try:
        trunk, head = build_network(description, seed=config.seed)
        learner = Learner(trunk, head, pixel_loss_weight=config.pixel_loss_weight)
    finally:
        keras.config.set_dtype_policy(before)
    n_steps = config.epochs * -(-n_examples // config.batch_size)
    warm_up = max(1, round(_WARM_UP * n_steps))
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 25.0,
        max(1, n_steps - warm_up),
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=_CLIP_NORM)
    learner.compile(optimizer=optimizer, jit_compile=uses_xla())
    learner.built = True
    optimizer.build(learner.trainable_variables)
    return learner, optimizer


def _hard(learner: Learner, examples: Examples, config: TrainConfig, *, epoch: int) -> NDArray[np.bool_] | None:
    """Return which false examples the network takes most for real by now; None before it has learnt anything.

    Hard examples are mined anew for every epoch (Shrivastava et al. 2016), from whole frames.
    """
    if config.hard_weight <= 1.0 or epoch == 1 or examples.is_real.all():
        return None
    logit = learner.predict(InOrder(examples, examples.in_frames, config), verbose=0)["logit"]
    least = np.quantile(logit[~examples.is_real], 1.0 - config.hard_fraction)
    return np.asarray(~examples.is_real & (logit >= least))


def _loss(learner: Learner, sets: TrainingSet, config: TrainConfig) -> float:
    """Return the mean loss of the score over both views of the validation examples."""
    part = sets.validation
    seen = [
        learner.evaluate(InOrder(part, one, config), verbose=0, return_dict=True)
        for one in (part.in_frames, part.in_triplets)
    ]
    return float(np.mean([one["candidate"] for one in seen]))


def _values(variables: Sequence[Any]) -> list[NDArray[np.float32]]:
    return [np.array(one.numpy()) for one in variables]


def _calibrated(
    network: Network, sets: TrainingSet, config: TrainConfig, history: Sequence[Mapping[str, float]]
) -> UNet:
    raw, part = UNet(network), sets.calibration
    weight = balance(part.is_real, config.real_fraction, part.weight)
    calibration: dict[str, tuple[float, float]] = {
        one.origin: fit_calibration(raw.features(one)[1], part.is_real, weight)
        for one in (part.in_frames, part.in_triplets)
    }
    features = np.concatenate([raw.features(one)[0] for one in (sets.training.in_frames, sets.training.in_triplets)])
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
