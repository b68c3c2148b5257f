"""What the shipped network costs, beside a standard U-Net in the same run: ``python -m benchmarks.detector_speed``.

The U-Net is of the type of Ronneberger et al. 2015: two convolutions of 3 x 3 on each of five scales, of 32 to 512
channels, on the same planes and tiles. Its weights are untrained, which is no matter for the time that it takes.
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.models import baseline
from astrid_core.adapters.models.backend import compiled, make_repeatable
from astrid_core.adapters.models.network import TILE_PIX, read_network
from astrid_core.adapters.models.unet import HALO_PIX
from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import CHANNELS
from astrid_core.detection.pixel_classes import N_LEARNT
from astrid_core.detection.score_table import score_triplets
from astrid_core.detection.triplets import triplet_stamps

FRAME_PIX = 2048
TRIPLET_PIX = 63
N_TRIPLETS = 1024
N_CANDIDATES = 1000
REPEATS = 3
WIDTHS = (32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """CPU seconds of all threads, and seconds on the clock."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was measured."""

    triplets: Spent
    """From pixels to scores, of ``N_TRIPLETS``."""
    cutting: Spent
    """The part of it that makes stamps."""
    one_sign: Spent
    """Of the network on a whole frame: every pixel is looked at once."""
    both_signs: Spent
    """Every pixel is looked at twice, as what appeared and as what faded."""
    peak_bytes: float
    """Memory of the process that looked at whole frames, with everything that it had loaded."""
    standard: Spent
    """Of the standard U-Net on the same tiles."""

    @property
    def triplets_per_s(self) -> float:
        """By the clock."""
        return N_TRIPLETS / self.triplets.wall_s

    @property
    def ratios(self) -> tuple[float, float]:
        """How many times the CPU time of the network the standard U-Net takes: candidates of one sign, and of both."""
        return self.standard.cpu_s / self.one_sign.cpu_s, self.standard.cpu_s / self.both_signs.cpu_s


def measure(content: bytes) -> Cost:
    """Measure the network that ``content`` holds; whole frames in processes of their own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        triplets, cutting = pool.submit(_triplets, content).result()
        one_sign, both_signs, peak_bytes = pool.submit(_whole_frame, content).result()
        standard = pool.submit(_standard).result()
    return Cost(
        triplets=triplets,
        cutting=cutting,
        one_sign=one_sign,
        both_signs=both_signs,
        peak_bytes=peak_bytes,
        standard=standard,
    )


def describe(cost: Cost) -> str:
    """Return what was measured as a paragraph and a table."""
    n_cores = len(os.sched_getaffinity(0))
    ms = [1000.0 * one.cpu_s / N_TRIPLETS for one in (cost.triplets, cost.cutting)]
    n_mpix = FRAME_PIX**2 / 1e6
    rows = (
        (f"network and head, {N_CANDIDATES} candidates of one sign", cost.one_sign),
        (f"network and head, {N_CANDIDATES} candidates of both signs", cost.both_signs),
        (f"standard U-Net of {WIDTHS[0]} to {WIDTHS[-1]} channels", cost.standard),
    )
    table = "\n".join(
        f"| {name} | {one.cpu_s:.1f} | {one.cpu_s / n_mpix:.2f} | {one.wall_s:.1f} |" for name, one in rows
    )
    return f"""{cost.triplets_per_s:.0f} triplets of {TRIPLET_PIX} x {TRIPLET_PIX} pixels per second, from pixels to the table of scores; {ms[0]:.2f} ms of CPU time each, of
which {ms[1]:.2f} ms cut and filter. On a whole frame of {FRAME_PIX} x {FRAME_PIX}:

| | CPU s | CPU s per Mpix | s |
|---|---|---|---|
{table}

The best of {REPEATS} on {n_cores} cores shared with other work. The standard U-Net (Ronneberger et al. 2015: two convolutions of 3 x 3 on each
of five scales; same planes, same tiles, untrained) takes {cost.ratios[0]:.0f} times the CPU time of the network. What appeared and what
faded are looked at apart, so candidates of both signs cost twice as much as those of one: the standard U-Net, which would
look once, takes {cost.ratios[1]:.0f} times as much even so. The process that judged whole frames took {cost.peak_bytes / 2**30:.2f} GiB of memory at its peak,
libraries included."""  # noqa: E501 - figures are shorter


def _triplets(content: bytes) -> tuple[Spent, Spent]:
    network = read_network(content)
    shape = (N_TRIPLETS, 3, TRIPLET_PIX, TRIPLET_PIX)
    triplets = np.random.default_rng(1).normal(0.0, 1.0, shape).astype(np.float32)
    config = DetectConfig()
    cutting = _best(lambda: triplet_stamps(triplets, size_pix=network.stamp_pix, config=config))
    return _best(lambda: score_triplets(triplets, network, config)), cutting


def _whole_frame(content: bytes) -> tuple[Spent, Spent, float]:
    network = read_network(content)
    planes = _planes()
    at = np.random.default_rng(2).integers(HALO_PIX, FRAME_PIX - HALO_PIX, (N_CANDIDATES, 2))
    one, both = np.ones(N_CANDIDATES, dtype=int), np.where(np.arange(N_CANDIDATES) % 2, 1, -1)
    spent = [_best(lambda sign=sign: network.judge_frame(planes, at, sign)) for sign in (one, both)]  # type: ignore[misc]
    return spent[0], spent[1], _peak_bytes()


def _peak_bytes() -> float:
    """Return the most memory that this process has held; ``getrusage`` would tell of its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return 1024.0 * float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


def _standard() -> Spent:
    make_repeatable()
    network = standard_unet()
    infer = compiled(lambda tile: network(tile, training=False))
    padded = np.pad(_planes(), ((HALO_PIX, HALO_PIX), (HALO_PIX, HALO_PIX), (0, 0)))
    side = TILE_PIX + 2 * HALO_PIX
    corners = range(0, FRAME_PIX, TILE_PIX)
    tiles = [padded[None, top : top + side, left : left + side] for top in corners for left in corners]
    return _best(lambda: [keras.ops.convert_to_numpy(infer(tile)) for tile in tiles])


def standard_unet() -> Any:
    """Return an untrained network: planes (n, ny, nx, channels) to pixel-class logits; sides are multiples of 16."""
    layers = keras.layers
    planes = layers.Input((None, None, len(CHANNELS)))
    x, skipped = planes, []
    for width in WIDTHS[:-1]:
        skipped.append(_twice(x, width))
        x = layers.MaxPooling2D()(skipped[-1])
    x = _twice(x, WIDTHS[-1])
    for width, fine in zip(WIDTHS[-2::-1], reversed(skipped), strict=True):
        x = _twice(layers.Concatenate()([layers.Conv2DTranspose(width, 2, strides=2)(x), fine]), width)
    return keras.Model(planes, layers.Conv2D(N_LEARNT, 1)(x))


def _twice(x: Any, width: int) -> Any:
    for _ in range(2):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    return x


def _planes() -> NDArray[np.float32]:
    planes = np.random.default_rng(3).normal(0.0, 1.0, (FRAME_PIX, FRAME_PIX, len(CHANNELS))).astype(np.float32)
    planes[..., CHANNELS.index("masked")] = 0.0
    return planes


def _best(work: Callable[[], object]) -> Spent:
    """Return the least of some repeats; the first of all, which compiles, does not count."""
    work()
    spent = []
    for _ in range(REPEATS):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    return Spent(cpu_s=min(one[0] for one in spent), wall_s=min(one[1] for one in spent))


if __name__ == "__main__":
    print(describe(measure(baseline.read_shipped().network.content)))
