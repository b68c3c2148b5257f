"""``subtract`` on a GPU beside the same on the CPU of the same machine: ``python -m benchmarks.gpu``.

One simulated pair of 1024 x 1024 pixels, repeated side by side to every size. Needs CuPy and a device. ``--page``
writes benchmarks/gpu.md.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from astrid_core.differencing.arrays import open_arrays
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.subtract import Difference, subtract
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import prepare
from astrid_core.shared.images import SkyImage
from astrid_core.simulate.pair import PairConfig, simulate_pair
from benchmarks.scaling import repeated, simulate

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "gpu.md"
SIZES = (1024, 2048, 4096, 8192)
STAGES = (1024, 2048)
TILES_PIX = (256, 512, 1024, 2048)


def measure(folder: Path, size: int, *, tile_pix: int, arrays: ModuleType, repeats: int) -> dict[str, float]:
    """Return median seconds of wall clock on both, and how far the results are apart."""
    science, reference = (repeated(folder / f"{name}.fits", size) for name in ("science", "reference"))
    config = DifferenceConfig(method="zogy", tile_pix=tile_pix)
    on_cpu, cpu_s = _timed(science, reference, config, np, repeats)
    on_gpu, gpu_s = _timed(science, reference, config, arrays, repeats)
    good = (on_cpu.mask == 0) & (on_gpu.mask == 0)
    peak = np.nanmax(np.abs(on_cpu.difference))
    return {
        "cpu_s": cpu_s,
        "gpu_s": gpu_s,
        "score_apart": float(np.abs(on_cpu.score - on_gpu.score)[good].max()),
        "difference_apart": float(np.abs(on_cpu.difference - on_gpu.difference)[good].max() / peak),
        "masks_equal": float((on_cpu.mask == on_gpu.mask).mean()),
    }


def _timed(
    science: SkyImage, reference: SkyImage, config: DifferenceConfig, arrays: ModuleType, repeats: int
) -> tuple[Difference, float]:
    # The first run compiles kernels and plans transforms.
    result, seconds = subtract(science, reference, config, arrays=arrays), []
    for _ in range(repeats):
        started = time.perf_counter()
        result = subtract(science, reference, config, arrays=arrays)
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds)


def measure_stage(size: int, *, tile_pix: int, arrays: ModuleType) -> dict[str, float]:
    """Return seconds of wall clock of a whole difference, as the stage computes it: only ``subtract`` uses the GPU."""
    made = simulate_pair(PairConfig(side_pix=size), 1)
    science, reference = (
        prepare(pixels, wcs=wcs, detector=detector, config=PreprocessConfig()).image
        for pixels, wcs, detector in (
            (made.science, made.science_wcs, made.science_detector),
            (made.reference, made.reference_wcs, made.reference_detector),
        )
    )
    config = DifferenceConfig(method="zogy", tile_pix=tile_pix)
    found, seconds = {}, {}
    for name, library in (("gpu_s", arrays), ("cpu_s", np)):
        started = time.perf_counter()
        found[name] = difference_pair(science, reference, config, arrays=library)
        seconds[name] = time.perf_counter() - started
    places = [{(round(peak.x_pix, 1), round(peak.y_pix, 1)) for peak in one.peaks} for one in found.values()]
    return seconds | {"n_candidates": len(places[1]), "equal": len(places[0] & places[1]) / max(len(places[1]), 1)}


def stage_table(rows: Sequence[tuple[int, dict[str, float]]]) -> str:
    """Return a row per size."""
    columns = ("frame", "CPU s", "GPU s", "times as fast", "candidates", "of them at the same 0.1 pix")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [
        f"| {size} x {size} | {one['cpu_s']:.2f} | {one['gpu_s']:.2f} | {one['cpu_s'] / one['gpu_s']:.1f} "
        f"| {one['n_candidates']:.0f} | {one['equal']:.3f} |"
        for size, one in rows
    ]
    return "\n".join(lines)


def table(rows: Sequence[tuple[int, int, dict[str, float]]]) -> str:
    """Return a row per size and tile."""
    columns = (
        "frame", "tile", "CPU s", "GPU s", "times as fast", "largest difference of the score, sigma",
        "of the difference, parts of its peak", "equal mask pixels",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [
        f"| {size} x {size} | {tile_pix} | {one['cpu_s']:.2f} | {one['gpu_s']:.2f} | {one['cpu_s'] / one['gpu_s']:.1f} "
        f"| {one['score_apart']:.1e} | {one['difference_apart']:.1e} | {one['masks_equal']:.6f} |"
        for size, tile_pix, one in rows
    ]
    return "\n".join(lines)


def page(
    rows: Sequence[tuple[int, int, dict[str, float]]], stages: Sequence[tuple[int, dict[str, float]]], *,
    device: str, command: str,
) -> str:  # fmt: skip
    """Return benchmarks/gpu.md."""
    n_cores = len(os.sched_getaffinity(0))
    return f"""# Subtraction on a GPU

Written by `{command}` on a machine with {device} and {n_cores} CPU cores, all of which serve
the CPU's column: wall clock of `subtract` alone, PSFs given, one simulated pair repeated side by side.

{table(rows)}

## The whole difference

Sources, PSFs, registration, flux scale, subtraction and candidates of one pair, in tiles as large as the frame: what
the stage computes. Everything but the subtraction stays on the CPU.

{stage_table(stages)}
"""


def _device_name(arrays: Any) -> str:
    return str(arrays.cuda.runtime.getDeviceProperties(0)["name"].decode())


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--tiles", type=int, nargs="+", default=list(TILES_PIX))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--stages", type=int, nargs="+", default=list(STAGES), help="sizes of whole differences")
    parser.add_argument("--page", action="store_true", help="write benchmarks/gpu.md")
    arguments = parser.parse_args()
    arrays = open_arrays("cupy")
    rows = []
    with tempfile.TemporaryDirectory(prefix="astrid_gpu_") as work:
        simulate(Path(work))
        for size in arguments.sizes:
            for tile_pix in (one for one in arguments.tiles if one <= size):
                found = measure(Path(work), size, tile_pix=tile_pix, arrays=arrays, repeats=arguments.repeats)
                rows.append((size, tile_pix, found))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
    stages = [(size, measure_stage(size, tile_pix=size, arrays=arrays)) for size in arguments.stages]
    print(stage_table(stages), flush=True)
    if arguments.page:
        command = " ".join(["python -m benchmarks.gpu", *sys.argv[1:]])
        PAGE.write_text(page(rows, stages, device=_device_name(arrays), command=command))


if __name__ == "__main__":
    main()
