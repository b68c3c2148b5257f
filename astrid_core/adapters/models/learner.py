"""The U-Net while it learns: its losses, on any back end of Keras."""

from typing import Any

import keras
from keras import ops

from astrid_core.adapters.models.unet import unfold, windows
from astrid_core.detection.pixel_classes import N_LEARNT, PixelClass

_GAMMA = 2.0
_LEARNED = (PixelClass.NEW, PixelClass.FADED, PixelClass.RESIDUAL, PixelClass.INSTRUMENTAL)
"""Classes with so few pixels that only an overlap measure keeps them from being ignored."""


class Learner(keras.Model):  # type: ignore[misc] # keras has no types
    """Trunk and head in one; ``candidate`` is the loss of the score alone, by which training is stopped."""

    def __init__(self, trunk: Any, head: Any, *, pixel_loss_weight: float) -> None:
        super().__init__()
        self.trunk, self.head = trunk, head
        self._pixel_loss_weight = pixel_loss_weight
        self._candidate = keras.metrics.Mean(name="candidate")

    def call(self, inputs: Any, *, training: bool = False) -> Any:
        """Return the logit of each candidate and those of the pixel classes."""
        stamps = inputs["stamps"]
        maps, pixels = self.trunk(stamps, training=training)
        which = ops.arange(ops.shape(stamps)[0], dtype="int32")
        seen = windows(ops.cast(stamps, maps.dtype), maps, pixels, which, inputs["offset"])
        return {"logit": self.head(seen, training=training)[1][:, 0], "pixels": ops.cast(unfold(pixels), "float32")}

    def compute_loss(
        self,
        x: Any = None,  # noqa: ARG002 - as keras calls it
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,  # noqa: ARG002, FBT001, FBT002 - as keras calls it
    ) -> Any:
        """Return the weighted cross-entropy of the score plus the loss of the pixel classes."""
        losses = keras.losses.binary_crossentropy(y["is_real"][:, None], y_pred["logit"][:, None], from_logits=True)
        candidate = ops.mean(losses if sample_weight is None else sample_weight * losses)
        self._candidate.update_state(candidate, sample_weight=ops.cast(ops.shape(losses)[0], "float32"))
        return candidate + self._pixel_loss_weight * pixel_loss(y_pred["pixels"], y["classes"])


def pixel_loss(logits: Any, classes: Any) -> Any:
    """Return focal loss (Lin et al. 2017) over all classes plus soft Dice over the rare ones."""
    # What is unusable has no class here, and no weight.
    truth = ops.one_hot(ops.cast(classes, "int32"), len(PixelClass))[..., :N_LEARNT]
    log_p = ops.log_softmax(logits, axis=-1)
    p = ops.exp(log_p) * ops.sum(truth, axis=-1, keepdims=True)
    focal = -ops.mean(ops.sum(truth * (1.0 - p) ** _GAMMA * log_p, axis=-1))
    axes = (0, 1, 2)
    overlap, either = ops.sum(truth * p, axis=axes), ops.sum(truth, axis=axes) + ops.sum(p, axis=axes)
    dice = 1.0 - (2.0 * overlap + 1.0) / (either + 1.0)
    return focal + sum(dice[one] for one in _LEARNED) / len(_LEARNED)
