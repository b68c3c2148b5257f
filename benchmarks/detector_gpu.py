"""How long an epoch of training takes in each precision: ``python -m benchmarks.detector_gpu --examples FILE``.

FILE is what ``python -m benchmarks.detector_peers --examples FILE`` keeps. The back end is that of KERAS_BACKEND.
"""

import argparse
import pickle
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from astrid_core.adapters.models.network import read_network
from astrid_core.adapters.models.training import train_unet
from astrid_core.detection.config import PRECISIONS, TrainConfig
from astrid_core.detection.evaluate import area_under_curve
from astrid_core.detection.training_set import TrainingSet, join


def measure(sets: TrainingSet, precision: str, *, batch_size: int, epochs: int) -> str:
    """Train and tell seconds per epoch after the first, which compiles, and how good the network is."""
    config = TrainConfig(precision=precision, epochs=epochs, batch_size=batch_size, patience=epochs)
    ends: list[float] = []
    network = train_unet(sets, config, progress=lambda _: ends.append(time.perf_counter()))
    seen = sets.validation.in_frames
    score = network.judge(seen).score
    again = read_network(network.content).judge(seen).score
    auc = area_under_curve(score, sets.validation.is_real)
    return (
        f"{keras.backend.backend():10s} {precision:14s} batches of {batch_size}: {np.diff(ends).min():6.2f} s per "
        f"epoch of {len(sets.training)} candidates, validation loss {network.history[-1]['validation_loss']:.4f}, area "
        f"under the curve {auc:.4f}, saved and loaded differ by {np.abs(score - again).max():.1e}"
    )


def main() -> None:
    """Measure each precision and size of batches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=1, help="show every candidate so many times an epoch")
    parser.add_argument("--batches", type=int, nargs="+", default=[64])
    arguments = parser.parse_args()
    with arguments.examples.open("rb") as file:
        sets = pickle.load(file)  # noqa: S301 - benchmarks.detector_peers wrote it
    sets = replace(sets, training=join([sets.training] * arguments.repeat, stamp_pix=TrainConfig().stamp_pix))
    for batch_size in arguments.batches:
        for precision in PRECISIONS:
            print(measure(sets, precision, batch_size=batch_size, epochs=arguments.epochs), flush=True)


if __name__ == "__main__":
    main()
