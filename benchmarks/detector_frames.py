"""Frames to measure detectors on, kept as patches around candidates: ``python -m benchmarks.detector_frames``.

Two kinds, both simulated and sent through the whole preparation and subtraction, none of them part of any training:
``changed`` frames show many changes of known predicted S/N, ``empty`` ones show a sky in which nothing changes. One
file per frame, so that a run that was cut off goes on where it stopped.
"""

import argparse
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astrid_core.bootstrap import load_pipeline, training_frames
from astrid_core.detection.pixel_classes import KnownSource
from astrid_core.detection.training_set import LabelledFrame, label
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.images import MaskPlane
from astrid_core.simulate.training_frames import SimulatedFrames, quiet

PATCH_PIX = 72
PLANES = ("science", "reference", "difference", "score", "variance", "mask")
FIRST_SEED = 9_000_001
"""Far from the seeds of trainings."""
SIDES_PIX = {"changed": 512, "empty": 1024}
PIXEL_SCALE_ARCSEC = 1.0
"""Of a simulated wide-field camera: its 700 stars per Mpix are 9,000 per square degree, as far from the Milky Way."""
ALONE_FWHM = 3.0
_REACH_PIX = 3.0
_LIT_SIGMA = 5.0
THRESHOLD_SIGMA = 4.0
"""Lower than in production, so that the page can tell what its threshold costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """Candidates of many frames; arrays of equal length but ``snr`` and ``found``, which are per source."""

    planes: NDArray[np.float32]
    """(n, size, size, 6), see ``PLANES``; the candidate on pixel (size / 2, size / 2)."""
    at: NDArray[np.int64]
    """(n, 2): row and column of that pixel in the frame."""
    score: NDArray[np.float32]
    flags: NDArray[np.int64]
    sky_sigma: NDArray[np.float32]
    """Of the frame."""
    fwhm_pix: NDArray[np.float32]
    is_real: NDArray[np.bool_]
    cause: NDArray[np.str_]
    """What the candidate is, or what made it, see ``causes``."""
    frame: NDArray[np.int64]
    source_snr: NDArray[np.float64]
    """Predicted S/N of every source that changed on usable pixels."""
    source_is_alone: NDArray[np.bool_]
    """No other one is near: these frames show hundreds of changes per Mpix where the sky shows a few, and of two that
    touch one hides the other.
    """
    source_candidate: NDArray[np.int64]
    """Number of the candidate that found it, or -1."""
    searched_mpix: float
    n_frames: int


def frames_of(kind: str) -> SimulatedFrames:
    """Return frames that only measure, under the settings of production."""
    pipeline = load_pipeline()
    frames = training_frames(pipeline)
    train = replace(
        pipeline.train,
        seed=FIRST_SEED + (kind == "empty"),
        n_frames=100_000,
        n_quiet=0,
        validation_fraction=1e-5,
        calibration_fraction=1e-5,
        test_fraction=1.0 - 4e-5,
        frame_pix=SIDES_PIX[kind],
        threshold_sigma=THRESHOLD_SIGMA,
    )
    pair = replace(frames.pair, camera=replace(frames.pair.camera, pixel_scale_arcsec=PIXEL_SCALE_ARCSEC))
    if kind == "empty":
        pair = quiet(pair)
    return replace(frames, train=train, pair=pair)


def keep(kind: str, number: int, folder: Path) -> Path:
    """Make one frame and write its patches, unless they are there."""
    path = folder / f"{kind}-{number:05d}.npz"
    if path.exists():
        return path
    try:
        (frame,) = frames_of(kind).make(number + 10)
    except Unprocessable as error:
        fields: dict[str, object] = {"refused": str(error)}
    else:
        fields = _fields(frame)
    partial = path.with_suffix(f".{os.getpid()}")
    with partial.open("wb") as file:
        np.savez(file, **fields)  # type: ignore[arg-type] # numpy's stub takes the names for its own flag
    partial.rename(path)
    return path


def _fields(frame: LabelledFrame) -> dict[str, object]:
    product, half = frame.product, PATCH_PIX // 2
    stack = np.stack([np.asarray(getattr(product, name), dtype=np.float32) for name in PLANES], axis=-1)
    padded = np.pad(stack, ((half, half), (half, half), (0, 0)))
    # Outside of the frame is no data.
    padded[..., 5] = np.pad(stack[..., 5], half, constant_values=1.0)
    at = np.array([(round(one.y_pix), round(one.x_pix)) for one in frame.candidates], dtype=np.int64).reshape(-1, 2)
    planes = [padded[y : y + PATCH_PIX, x : x + PATCH_PIX] for y, x in at.tolist()]
    is_real, is_known = label(frame.candidates, frame.changed, fwhm_pix=product.science_fwhm_pix)
    ny, nx = product.score.shape
    inside = [one for one in frame.changed if 0 <= round(one.y_pix) < ny and 0 <= round(one.x_pix) < nx]
    usable = [one for one in inside if product.mask[round(one.y_pix), round(one.x_pix)] == 0]
    radius = max(1.5, 0.5 * product.science_fwhm_pix)
    variance = product.variance[(product.mask == 0) & (product.variance > 0.0)]
    return {
        "planes": np.array(planes, dtype=np.float32).reshape(-1, PATCH_PIX, PATCH_PIX, len(PLANES)),
        "at": at,
        "score": np.array([one.score for one in frame.candidates], dtype=np.float32),
        "flags": np.array([getattr(one, "flags", 0) for one in frame.candidates], dtype=np.int64),
        "is_real": is_real,
        "is_known": is_known,
        "cause": causes(frame),
        "sky_sigma": np.float32(np.sqrt(np.median(variance))),
        "fwhm_pix": np.float32(product.science_fwhm_pix),
        "source_snr": np.array([one.predicted_snr for one in usable], dtype=float),
        "source_is_alone": np.array([_is_alone(one, frame, product.science_fwhm_pix) for one in usable], dtype=bool),
        "source_candidate": np.array([_nearest(one.x_pix, one.y_pix, frame, radius) for one in usable], dtype=np.int64),
        "searched_mpix": np.float64((product.mask == 0).sum() / 1e6),
    }


def causes(frame: LabelledFrame) -> NDArray[np.str_]:
    """Return for every candidate the kind of the nearest change or defect, or of what lies there; noise otherwise."""
    product, light = frame.product, frame.product.reference
    sky = float(np.sqrt(np.median(product.variance[(product.mask == 0) & (product.variance > 0.0)])))
    reach = max(_REACH_PIX, product.science_fwhm_pix)
    known = [(one.x_pix, one.y_pix, one.kind) for one in frame.changed]
    known += [(one.x_pix, one.y_pix, one.kind) for one in frame.defects]
    found = []
    for one in frame.candidates:
        away, kind = min(
            ((float(np.hypot(x - one.x_pix, y - one.y_pix)), kind) for x, y, kind in known), default=(np.inf, "")
        )
        flags = getattr(one, "flags", 0)
        if away > reach:
            y, x = round(one.y_pix), round(one.x_pix)
            is_lit = float(light[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].max()) > _LIT_SIGMA * sky
            is_bright = bool(flags & (MaskPlane.SATURATED | MaskPlane.BRIGHT))
            kind = "beside a bright star" if is_bright else "on a constant source" if is_lit else "noise"
        found.append(kind)
    return np.array(found, dtype="<U32")


def _is_alone(one: KnownSource, frame: LabelledFrame, fwhm_pix: float) -> bool:
    away = np.array([(other.x_pix - one.x_pix, other.y_pix - one.y_pix) for other in frame.changed if other is not one])
    return not len(away) or float(np.hypot(*away.T).min()) >= ALONE_FWHM * fwhm_pix


def _nearest(x: float, y: float, frame: LabelledFrame, radius_pix: float) -> int:
    away = [float(np.hypot(one.x_pix - x, one.y_pix - y)) for one in frame.candidates]
    return int(np.argmin(away)) if away and min(away) <= radius_pix else -1


def load(folder: Path, kind: str, *, most: int | None = None) -> Patches:
    """Read the patches of a kind; what is neither real nor false is left out."""
    parts: dict[str, list[NDArray[np.generic]]] = {}
    n_kept, n_frames, mpix = 0, 0, 0.0
    for number, path in enumerate(sorted(folder.glob(f"{kind}-*.npz"))[:most]):
        with np.load(path) as stored:
            if "refused" in stored.files:
                continue
            known = stored["is_known"]
            places = np.where(known, np.cumsum(known) - 1 + n_kept, -1)
            candidate = stored["source_candidate"]
            n = int(known.sum())
            found = np.append(places, -1)[candidate]
            for name in ("planes", "at", "score", "flags", "is_real", "cause"):
                parts.setdefault(name, []).append(stored[name][known])
            for name in ("sky_sigma", "fwhm_pix"):
                parts.setdefault(name, []).append(np.full(n, stored[name], dtype=np.float32))
            parts.setdefault("frame", []).append(np.full(n, number, dtype=np.int64))
            for name in ("source_snr", "source_is_alone"):
                parts.setdefault(name, []).append(stored[name])
            parts.setdefault("source_candidate", []).append(found)
            n_kept, n_frames, mpix = n_kept + n, n_frames + 1, mpix + float(stored["searched_mpix"])
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    return Patches(**joined, searched_mpix=mpix, n_frames=n_frames)


def make(folder: Path, kind: str, numbers: Sequence[int], *, n_workers: int) -> None:
    """Make frames in parallel processes."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, mp_context=context) as pool:
        for done in as_completed([pool.submit(keep, kind, number, folder) for number in numbers]):
            print(done.result().name, flush=True)


def main() -> None:
    """Make frames of one kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(SIDES_PIX))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.count)
    make(arguments.folder, arguments.kind, numbers, n_workers=arguments.workers)


if __name__ == "__main__":
    main()
