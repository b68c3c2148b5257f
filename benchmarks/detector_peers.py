"""The network beside a plain CNN and beside itself with less to see: ``python -m benchmarks.detector_peers``.

All learn from the same simulated frames, seen in the same order, and are measured on the frames that
``python -m benchmarks.detector_frames`` has made. The CNN is of the VGG type of braai (Duev et al. 2019, figure 4) and
trains for as much CPU time as the network has taken. Writes docs/detector_peers.md.
"""

# ruff: noqa: E501 - the lines of the page are long where figures stand for numbers

import argparse
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from astrid_core.adapters.models.backend import make_repeatable
from astrid_core.adapters.models.batches import Shuffled
from astrid_core.adapters.models.training import train_unet
from astrid_core.bootstrap import load_pipeline, training_frames
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.cutouts import CHANNELS, Stamps
from astrid_core.detection.judgement import LIKELY
from astrid_core.detection.training_set import Examples, TrainingSet, build_training_set
from benchmarks.detector_frames import THRESHOLD_SIGMA, load
from benchmarks.detector_injections import table, with_and_without
from benchmarks.detector_patches import are_found, counted, frame_stamps, mean_and_spread, operate, spread

PAGE = Path(__file__).resolve().parents[1] / "docs" / "detector_peers.md"
DENSITIES_PER_DEG2 = (10.0, 30.0, 100.0)
SEEDS = (1, 2, 3)
_CROP_PIX = 56
"""Of the stamp, with the candidate in the middle."""
_MOST_EPOCHS = 60
_PLAIN = "plain CNN of the VGG type, same CPU time"

Score = Callable[[Stamps], NDArray[np.floating]]


class PlainCnn(keras.Model):  # type: ignore[misc] # keras has no types
    """Two pairs of convolutions, a dense layer, a score."""

    def __init__(self, *, seed: int) -> None:
        super().__init__()
        layers = keras.layers
        kernel = [keras.initializers.HeNormal(seed=1000 * seed + number) for number in range(6)]
        self._body = keras.Sequential([
            *(layers.Conv2D(16, 3, activation="relu", kernel_initializer=one) for one in kernel[:2]),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25, seed=seed),
            *(layers.Conv2D(32, 3, activation="relu", kernel_initializer=one) for one in kernel[2:4]),
            layers.MaxPooling2D(4),
            layers.Dropout(0.25, seed=seed + 1),
            layers.Flatten(),
            layers.Dense(256, activation="relu", kernel_initializer=kernel[4]),
            layers.Dropout(0.5, seed=seed + 2),
            layers.Dense(1, kernel_initializer=kernel[5]),
        ])  # fmt: skip

    def call(self, inputs: Any, *, training: bool = False) -> Any:
        """Return the logit of each candidate."""
        return self._body(inputs["stamps"], training=training)[:, 0]

    def compute_loss(
        self,
        x: Any = None,  # noqa: ARG002 - as keras calls it
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,  # noqa: ARG002, FBT001, FBT002 - as keras calls it
    ) -> Any:
        """Return the weighted cross-entropy."""
        losses = keras.losses.binary_crossentropy(y["is_real"][:, None], y_pred[:, None], from_logits=True)
        return ops.mean(sample_weight * losses)


class Centred(Shuffled):
    """The same batches with the candidate in the middle: a plain CNN is told its place in no other way."""

    def __getitem__(self, number: int) -> Any:
        """Return a batch."""
        inputs, truth, weight = super().__getitem__(number)
        return {"stamps": _centred(inputs["stamps"], inputs["offset"])}, truth, weight


def _centred(pixels: NDArray[Any], offset: NDArray[Any]) -> NDArray[np.float32]:
    half = _CROP_PIX // 2
    padded = np.pad(pixels, ((0, 0), (half, half), (half, half), (0, 0)))
    boxes = [
        one[row : row + _CROP_PIX, column : column + _CROP_PIX]
        for one, (row, column) in zip(padded, offset, strict=True)
    ]
    return np.array(boxes, dtype=np.float32)


def train_plain(sets: TrainingSet, config: TrainConfig, *, cpu_s: float) -> tuple[Score, int]:
    """Train the CNN until its CPU time is spent; return what scores stamps and how many epochs there were."""
    make_repeatable()
    network = PlainCnn(seed=config.seed)
    steps = len(Shuffled(sets.training, config, epoch=1))
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, decay_steps=_MOST_EPOCHS * steps // 4)
    network.compile(optimizer=keras.optimizers.AdamW(rate, weight_decay=config.weight_decay), jit_compile=False)
    started, best, least, epoch = time.process_time(), network.get_weights(), np.inf, 0
    part = sets.validation
    shown = {"stamps": _centred(part.stamps, part.offset)}
    while time.process_time() - started < cpu_s and epoch < _MOST_EPOCHS:
        epoch += 1
        network.fit(Centred(sets.training, config, epoch=epoch), shuffle=False, verbose=0)
        logit = network.predict(shown, verbose=0)
        loss = float((np.logaddexp(0.0, logit) - part.is_real * logit).mean())
        if loss < least:
            best, least = network.get_weights(), loss
    network.set_weights(best)

    def score(stamps: Stamps) -> NDArray[np.floating]:
        logit = network.predict({"stamps": _centred(stamps.pixels, stamps.offset)}, verbose=0, batch_size=256)
        return np.asarray(1.0 / (1.0 + np.exp(-logit.astype(float))))

    return score, epoch


def blinded(sets: TrainingSet, plane: str) -> TrainingSet:
    """Return the examples without one plane."""
    return replace(
        sets, training=_without(sets.training, plane), validation=_without(sets.validation, plane),
        calibration=_without(sets.calibration, plane),
    )  # fmt: skip


def _without(examples: Examples, plane: str) -> Examples:
    return replace(examples, stamps=_dark(examples.stamps, plane), triplets=_dark(examples.triplets, plane))


def _dark(pixels: NDArray[np.float32], plane: str) -> NDArray[np.float32]:
    dark = pixels.copy()
    dark[..., CHANNELS.index(plane)] = 0.0
    return dark


def examples(path: Path | None, config: TrainConfig) -> TrainingSet:
    """Return the simulated examples, from a file where there is one."""
    if path is not None and path.exists():
        with path.open("rb") as file:
            return pickle.load(file)  # type: ignore[no-any-return] # noqa: S301 - this program wrote it
    pipeline = load_pipeline()
    made = build_training_set(training_frames(replace(pipeline, train=config)), config)
    if path is not None:
        with path.open("wb") as file:
            pickle.dump(made, file)
    return made


def main() -> None:
    """Train all, measure all, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--examples", type=Path, help="file that keeps the training examples from run to run")
    arguments = parser.parse_args()
    config = load_pipeline().train
    sets = examples(arguments.examples, config)
    changed, empty = load(arguments.frames, "changed"), load(arguments.frames, "empty")
    both = (frame_stamps(changed), frame_stamps(empty))
    found: dict[str, list[list[float]]] = {}
    spent: list[float] = []
    epochs: list[int] = []

    def measure(name: str, score: Score, plane: str | None = None) -> None:
        shown = [one if plane is None else replace(one, pixels=_dark(one.pixels, plane)) for one in both]
        scores = [spread(one, score(one), len(of.at)) for one, of in zip(shown, (changed, empty), strict=True)]
        row = [
            operate(changed, empty, (scores[0], scores[1]), one, n_draws=1).completeness for one in DENSITIES_PER_DEG2
        ]
        print(name, [round(one, 3) for one in row], flush=True)
        found.setdefault(name, []).append(row)

    for seed in SEEDS:
        seeded = replace(config, seed=seed)
        started = time.process_time()
        network = train_unet(sets, seeded, progress=lambda _: None)
        spent.append(time.process_time() - started)
        measure("U-Net with head", lambda stamps, network=network: network.judge(stamps).score)  # type: ignore[misc]
        score, n_epochs = train_plain(sets, seeded, cpu_s=spent[-1])
        epochs.append(n_epochs)
        measure(_PLAIN, score)
    for plane, text in (("old", "U-Net without the reference"), ("score", "U-Net without S_corr")):
        for seed in SEEDS[:2]:
            network = train_unet(blinded(sets, plane), replace(config, seed=seed), progress=lambda _: None)
            measure(text, lambda stamps, network=network: network.judge(stamps).score, plane)  # type: ignore[misc]
    learnt = with_and_without(sets, config, arguments.real, SEEDS[:2])
    for one in learnt:
        measure(f"U-Net that learnt from real images, too, {one.name}", one.network_score)
    rows = [
        f"| {name} | {len(values)} | " + " | ".join(mean_and_spread(one) for one in zip(*values, strict=True)) + " |"
        for name, values in found.items()
    ]
    plain = float(np.mean([row[0] for row in found[_PLAIN]]))
    offered = float(are_found(changed, np.abs(changed.score), THRESHOLD_SIGMA)[counted(changed)].mean())
    PAGE.write_text(f"""# The network beside others

Written by `python -m benchmarks.detector_peers`. [How good the network is](detector.md).

All learn from the same {len(sets.training)} simulated candidates ({int(sets.training.is_real.sum())} of them real), the last two from real images, too. Measured on the
{int(counted(changed).sum())} changes and the empty sky of [that page](detector.md). Numbers are completeness at so many false candidates per
square degree: the mean of the seeds and their range. The network took {np.mean(spent):.0f} CPU seconds to train; in the same time the CNN
saw every candidate {np.mean(epochs):.0f} times, the network {config.epochs} times at most.

| | seeds | 10 per deg^2 | 30 per deg^2 | 100 per deg^2 |
|---|---|---|---|---|
{chr(10).join(rows)}

Three points above the CNN would be {plain + 0.03:.3f} at {DENSITIES_PER_DEG2[0]:.0f} per square degree; {offered:.3f} of the changes are candidates at all.
Differences this small are chance: the network is not better than a plain CNN here, and neither plane is missed on skies
in which the subtraction leaves little. What the U-Net gives beside its score are the classes of pixels, one answer for
stamps and whole frames, and less CPU time on whole frames.

What injections into real images (a source, a hit and a shift in copies of each ZTF triplet, sources in a real series of
exposures) change on real images: the part of the ZTF objects kept apart that scores {LIKELY} or more, mean of the seeds.

{table(learnt)}
""")


if __name__ == "__main__":
    main()
