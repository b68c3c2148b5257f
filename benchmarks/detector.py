"""Measure the shipped network and write docs/detector.md: ``python -m benchmarks.detector --frames FOLDER``.

Needs the frames that ``python -m benchmarks.detector_frames`` makes, both kinds, in FOLDER; with ``--real`` the folder
of the real data, too. ``--store`` keeps the thresholds beside the shipped network.
"""

# ruff: noqa: E501 - the lines of the page are long where figures stand for numbers

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.models import baseline
from astrid_core.adapters.models.network import read_network
from astrid_core.bootstrap import load_pipeline, training_frames
from astrid_core.detection.calibration import balance
from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import CHANNELS, Stamps
from astrid_core.detection.evaluate import area_under_curve, calibration_error
from astrid_core.detection.judgement import LIKELY, entropy
from astrid_core.detection.ports import Network
from astrid_core.detection.triplets import triplet_stamps
from astrid_core.stages.train import train_key
from benchmarks.detector_calibration import calibrations
from benchmarks.detector_frames import Patches, load
from benchmarks.detector_patches import area_deg2, as_triplets, frame_stamps, operate, spread
from benchmarks.detector_real import rubin, table, ztf

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "detector.md"
MANIFEST = Path(baseline.__file__).parent / "baseline" / "manifest.json"
DENSITIES_PER_DEG2 = (10.0, 30.0, 100.0)
N_TIMED = 2000
FRAME_PIX = 2048

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of the candidates of changed and of empty frames."""


def scores_of(network: Network, changed: Patches, empty: Patches) -> dict[str, Scores]:
    """Return the scores by what is seen of the candidates."""
    found: dict[str, Scores] = {}
    for name, cut in (("network, whole frame", frame_stamps), ("network, triplet", as_triplets)):
        both = [_scored(network, cut(one), len(one.at)) for one in (changed, empty)]
        found[name] = (both[0], both[1])
    # Only the order counts for a threshold.
    found["significance alone"] = (
        np.abs(changed.score).astype(float),
        np.abs(empty.score).astype(float),
    )
    return found


def _scored(network: Network, stamps: Stamps, n: int) -> NDArray[np.float64]:
    return spread(stamps, network.judge(stamps).score, n)


def completeness_table(changed: Patches, empty: Patches, scores: dict[str, Scores]) -> tuple[str, dict[str, float]]:
    """Return a row per detector and density, and the thresholds of the network on whole frames."""
    lines = [
        "| ranked by | false per deg^2 | threshold | false found | completeness | 95 % interval |",
        "|---|---|---|---|---|---|",
    ]
    thresholds: dict[str, float] = {}
    for name, both in scores.items():
        for density in DENSITIES_PER_DEG2:
            one = operate(changed, empty, both, density)
            lines.append(
                f"| {name} | {density:.0f} | {one.threshold:.3f} | {one.n_false} | {one.completeness:.3f} | "
                f"{one.low:.3f} to {one.high:.3f} |"
            )
            if name == "network, whole frame":
                thresholds[f"{density:.0f}"] = one.threshold
    return "\n".join(lines), thresholds


def split_threshold(changed: Patches, empty: Patches, both: Scores) -> str:
    """Tell how a threshold of one half of the empty sky does on the other."""
    first = empty.frame % 2 == 0
    half = replace(empty, searched_mpix=empty.searched_mpix / 2.0)
    said = []
    for density in DENSITIES_PER_DEG2:
        one = operate(changed, half, (both[0], np.where(first, both[1], -1.0)), density)
        seen = (both[1][~first] >= one.threshold).sum() / area_deg2(half)
        said.append(f"{density:.0f} became {seen:.0f}")
    return ", ".join(said)


def speed(network: Network) -> dict[str, float]:
    """Return triplets per second, cutting included, and CPU seconds of a whole frame."""
    rng = np.random.default_rng(1)
    triplets = rng.normal(0.0, 1.0, (N_TIMED, 3, 63, 63)).astype(np.float32)
    network.judge(triplet_stamps(triplets[:300], size_pix=network.stamp_pix, config=DetectConfig()))
    started = time.perf_counter()
    for first in range(0, N_TIMED, 500):
        part = triplets[first : first + 500]
        network.judge(triplet_stamps(part, size_pix=network.stamp_pix, config=DetectConfig()))
    per_s = N_TIMED / (time.perf_counter() - started)
    planes = rng.normal(0.0, 1.0, (FRAME_PIX, FRAME_PIX, len(CHANNELS))).astype(np.float32)
    planes[..., 4] = 0.0
    at = rng.integers(40, FRAME_PIX - 40, (1000, 2))
    whole = read_network(network.content)
    whole.judge_frame(planes[:1024, :1024], at[:1] % 900 + 40, np.ones(1, dtype=int))
    cpu, wall = time.process_time(), time.perf_counter()
    whole.judge_frame(planes, at, np.ones(len(at), dtype=int))
    return {
        "triplets_per_s": per_s,
        "frame_cpu_s": time.process_time() - cpu,
        "frame_s": time.perf_counter() - wall,
    }


def page(network: Network, changed: Patches, empty: Patches, real: Path | None) -> tuple[str, dict[str, float]]:
    """Return docs/detector.md and the thresholds."""
    shipped = baseline.read_shipped()
    pipeline = load_pipeline()
    today = train_key(pipeline.train, training_frames(pipeline))
    scores = scores_of(network, changed, empty)
    rows, thresholds = completeness_table(changed, empty, scores)
    joined = [np.concatenate(scores[name]) for name in ("network, whole frame", "network, triplet")]
    is_real = np.concatenate([changed.is_real, np.zeros(len(empty.at), dtype=bool)])
    ece = [_balanced_ece(one, is_real, pipeline.train.real_fraction) for one in joined]
    judged = joined[0] >= 0.0
    wrong = (joined[0] >= LIKELY) != is_real
    telling = area_under_curve(entropy(joined[0])[judged], wrong[judged])
    timed = speed(network)
    bright = np.abs(changed.source_snr) >= 5.0
    n_false = [int((scores["network, whole frame"][1] >= at).sum()) for at in (0.0, LIKELY)]
    metrics = shipped.metrics
    n_cores = len(os.sched_getaffinity(0))
    text = f"""# How good the network is

Written by `python -m benchmarks.detector` about the network that comes with the code (recipe `{shipped.recipe}`;
{"today's code and settings give the same recipe" if today == shipped.recipe else f"today's recipe is `{today}`"}).
[What it is](science.md#scores-of-the-network); [why it is shipped](decisions/0012-a-network-is-shipped.md).

## On simulated skies

{changed.n_frames} frames with {int(bright.sum())} changes of a predicted S/N of 5 or more on usable pixels, and {empty.n_frames} frames,
{area_deg2(empty):.1f} square degrees of {0.4} arcsec pixels, in which nothing changes; neither had any part in training.
Candidates are those of the chain at {pipeline.difference.threshold_sigma:.0f} sigma: they hold {(changed.source_candidate[bright] >= 0).mean():.3f} of the changes, which no
network can better. On the empty sky they are {len(empty.at)} ({len(empty.at) / area_deg2(empty):.0f} per square degree); the network takes {n_false[1]} of
them for real (score of {LIKELY} or more). Intervals are of sources drawn anew.

{rows}

Ten square degrees of empty sky would be needed for a threshold at 10 per square degree; here are {area_deg2(empty):.1f}. Thresholds
of one half of it, false candidates per square degree on the other: {split_threshold(changed, empty, scores["network, whole frame"])}.

Expected calibration error where {pipeline.train.real_fraction:.0%} of the candidates are real: {ece[0]:.3f} for whole frames, {ece[1]:.3f} for triplets. The
entropy of the score tells wrong decisions from right ones with an area under the curve of {telling:.3f}.

{calibrations(joined[0], is_real, np.concatenate([changed.frame, empty.frame + 100_000]), pipeline.train.real_fraction)}

## On real triplets

{_real(network, real)}

## Cost

{timed["triplets_per_s"]:.0f} triplets of 63 x 63 pixels per second, cutting and filtering included; {timed["frame_cpu_s"]:.1f} CPU seconds ({timed["frame_s"]:.1f} s) for 1000
candidates of one sign on a whole frame of {FRAME_PIX} x {FRAME_PIX}; both on {n_cores} cores shared with other work. Training took
{metrics["elapsed_s"]:.0f} s, of which {metrics["frames_s"]:.0f} s made the frames. The weights are {len(network.content) / 1000:.0f} kB.
"""
    return text, thresholds


def _balanced_ece(score: NDArray[np.float64], is_real: NDArray[np.bool_], real_fraction: float) -> float:
    """Return the calibration error of as many real and false candidates as the calibration is meant for."""
    judged = score >= 0.0
    weight = balance(is_real[judged], real_fraction)
    drawn = np.random.default_rng(1).choice(np.flatnonzero(judged), 20_000, p=weight / weight.sum())
    return calibration_error(score[drawn], is_real[drawn]) or 0.0


def _real(network: Network, folder: Path | None) -> str:
    if folder is None:
        return "Not measured in this run."
    rows, (others, n_left_out) = ztf(network, folder / "ztf-triplets"), rubin(network, folder / "lsst-alerts")
    n_bogus = int((rows.label == "bogus_inspected").sum())
    return f"""Accepted is a score of {LIKELY} or more; an object with many rows counts once. No real image had any part in training. Real
negatives are few: {n_bogus} of ZTF, judged by eye and not by experts, and a handful of Rubin's own flags.

ZTF:

{table(rows)}

Rubin ({n_left_out} left out because their sides are larger than 127 pixels or differ):

{table(others)}"""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--real", type=Path, help="folder of the real data")
    parser.add_argument("--store", action="store_true", help="keep the thresholds beside the shipped network")
    arguments = parser.parse_args()
    network = baseline.read_shipped().network
    found = page(network, load(arguments.frames, "changed"), load(arguments.frames, "empty"), arguments.real)
    PAGE.write_text(found[0])
    if arguments.store:
        manifest = json.loads(MANIFEST.read_text())
        manifest["made_from"]["thresholds_per_deg2"] = found[1]
        MANIFEST.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
