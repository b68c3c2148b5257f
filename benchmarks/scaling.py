"""How the cost of ``subtract`` and its memory grow with the frame: ``python -m benchmarks.scaling``.

One simulated pair of 1024 x 1024 pixels, repeated side by side to every size; each size in a process of its own.
``--page`` writes benchmarks/scaling.md.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
from numpy.typing import NDArray

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.pair import difference_pair
from astrid_core.differencing.subtract import subtract
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import prepare
from astrid_core.shared.fits_format import fits_to_image, image_to_fits
from astrid_core.shared.images import SkyImage
from astrid_core.simulate.pair import PairConfig, simulate_pair

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "scaling.md"
SIZES = (1024, 2048, 4096, 8192, 10_000)
_SIDE = 1024
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Idle threads of the linear algebra wait by spinning, which would count as work."""
_CONFIG = DifferenceConfig(method="zogy")
"""The PSFs of the repeated pair are those of the first only; what a kernel would make of that is no matter here."""
_Kind = TypeVar("_Kind", bound=np.generic)
_PLANES_BYTES = 10
"""Of an image, per pixel: pixels, variance and mask."""


def simulate(folder: Path) -> None:
    """Write one registered pair of 1024 x 1024 pixels on one flux scale."""
    made = simulate_pair(PairConfig(side_pix=_SIDE), 1)
    science, reference = (
        prepare(pixels, wcs=wcs, detector=detector, config=PreprocessConfig()).image
        for pixels, wcs, detector in (
            (made.science, made.science_wcs, made.science_detector),
            (made.reference, made.reference_wcs, made.reference_detector),
        )
    )
    pair = difference_pair(science, reference, DifferenceConfig())
    for name, image in (("science", pair.science), ("reference", pair.reference)):
        (folder / f"{name}.fits").write_bytes(image_to_fits(image))


def measure(folder: Path, size: int) -> dict[str, float]:
    """Return CPU seconds of one subtraction, and bytes at the peak beyond the two images."""
    science, reference = (repeated(folder / f"{name}.fits", size) for name in ("science", "reference"))
    # Imports and plans are paid for once, whatever the size.
    subtract(_cut(science, 256), _cut(reference, 256), _CONFIG, workers=1)
    before = psutil.Process().memory_info().rss
    started = time.process_time()
    subtract(science, reference, _CONFIG, workers=1)
    spent = time.process_time() - started
    return {"cpu_s": spent, "bytes": 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}


def repeated(path: Path, size: int) -> SkyImage:
    """Return the image of a file, repeated side by side to ``size`` x ``size`` pixels."""
    image = fits_to_image(path.read_bytes())
    if image.psf is None:
        raise ValueError("a prepared image carries its PSF")
    n = -(-size // _SIDE)

    def tiled(plane: NDArray[_Kind]) -> NDArray[_Kind]:
        # Row by row: no copy that is larger than the frame, which would count as the peak.
        whole = np.empty((size, size), dtype=plane.dtype)
        for row in range(size):
            whole[row] = np.tile(plane[row % _SIDE], n)[:size]
        return whole

    return SkyImage(
        pixels=tiled(image.pixels),
        variance=tiled(image.variance),
        mask=tiled(image.mask),
        psf=replace(image.psf, frame_shape=(size, size)),
    )


def _cut(image: SkyImage, side: int) -> SkyImage:
    part = np.s_[:side, :side]
    return replace(image, pixels=image.pixels[part], variance=image.variance[part], mask=image.mask[part], wcs=None)


def run(sizes: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return what ``measure`` finds per size."""
    results = {}
    with tempfile.TemporaryDirectory(prefix="astrid_scaling_") as work:
        simulate(Path(work))
        for size in sizes:
            command = [sys.executable, "-m", "benchmarks.scaling", "--child", work, "--sizes", str(size)]
            done = subprocess.run(command, check=True, cwd=ROOT, env=os.environ | _ONE_THREAD, stdout=subprocess.PIPE)
            results[size] = json.loads(done.stdout)
    return results


def table(results: Mapping[int, Mapping[str, float]]) -> str:
    """Return a row per size; the last column is what N log N grows by."""
    first = min(results)
    columns = (
        "frame", "CPU s", "CPU s per Mpix", "times that of the first", "N log N would be",
        "bytes per pixel beyond the images", "peak with the images, GiB",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for size, one in results.items():
        mpix = size**2 / 1e6
        grown = one["cpu_s"] / results[first]["cpu_s"]
        expected = size**2 * np.log(size) / (first**2 * np.log(first))
        whole = one["bytes"] + 2 * _PLANES_BYTES * size**2
        lines.append(
            f"| {size} x {size} | {one['cpu_s']:.2f} | {one['cpu_s'] / mpix:.3f} | {grown:.1f} | {expected:.1f} "
            f"| {one['bytes'] / size**2:.0f} | {whole / 2**30:.2f} |"
        )
    return "\n".join(lines)


def page(results: Mapping[int, Mapping[str, float]], command: str) -> str:
    """Return benchmarks/scaling.md."""
    return f"""# Large frames

Written by `{command}`: `subtract` alone, PSFs given, one worker, one simulated pair repeated side by side. Tiles have
one size whatever the frame, so that the cost per pixel hardly grows at all.

{table(results)}
"""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--page", action="store_true", help="write benchmarks/scaling.md")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        print(json.dumps(measure(arguments.child, arguments.sizes[0])))
        return
    results = run(arguments.sizes)
    print(table(results))
    if arguments.page:
        PAGE.write_text(page(results, " ".join(["python -m benchmarks.scaling", *sys.argv[1:]])))


if __name__ == "__main__":
    main()
