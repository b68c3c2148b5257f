"""Measure the shipped network and write docs/detector.md: ``python -m benchmarks.detector --frames FOLDER``.

Needs the frames that ``python -m benchmarks.detector_frames`` makes, both kinds, in FOLDER; with ``--real`` the folder
of the real data, too. ``--store`` keeps the thresholds beside the shipped network.
"""

# ruff: noqa: E501 - the lines of the page are long where figures stand for numbers

import argparse
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.models import baseline
from astrid_core.bootstrap import load_pipeline, training_frames
from astrid_core.detection.calibration import balance
from astrid_core.detection.cutouts import Stamps
from astrid_core.detection.evaluate import area_under_curve, calibration_error
from astrid_core.detection.judgement import LIKELY, entropy
from astrid_core.detection.ports import Network
from astrid_core.stages.train import train_key
from benchmarks.detector_calibration import calibrations
from benchmarks.detector_confusion import confusion
from benchmarks.detector_frames import ALONE_FWHM, PIXEL_SCALE_ARCSEC, THRESHOLD_SIGMA, Patches, load
from benchmarks.detector_patches import are_found, area_deg2, as_triplets, counted, frame_stamps, operate, spread
from benchmarks.detector_real import real_triplets
from benchmarks.detector_speed import describe, measure

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "detector.md"
MANIFEST = Path(baseline.__file__).parent / "baseline" / "manifest.json"
DENSITIES_PER_DEG2 = (10.0, 30.0, 100.0)
SNR_EDGES = (4.0, 5.0, 6.0, 8.0, 12.0, 20.0, 60.0)

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


def completeness_table(
    changed: Patches, empty: Patches, scores: dict[str, Scores]
) -> tuple[str, dict[str, dict[str, float]]]:
    """Return a row per detector and density, and the thresholds of each by density."""
    lines = [
        "| ranked by | false per deg^2 | threshold | false found | completeness | 95 % interval |",
        "|---|---|---|---|---|---|",
    ]
    thresholds: dict[str, dict[str, float]] = {name: {} for name in scores}
    for name, both in scores.items():
        for density in DENSITIES_PER_DEG2:
            one = operate(changed, empty, both, density)
            lines.append(
                f"| {name} | {density:.0f} | {one.threshold:.3f} | {one.n_false} | {one.completeness:.3f} | "
                f"{one.low:.3f} to {one.high:.3f} |"
            )
            thresholds[name][f"{density:.0f}"] = one.threshold
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


def page(network: Network, changed: Patches, empty: Patches, real: Path | None) -> tuple[str, dict[str, float]]:
    """Return docs/detector.md and the thresholds."""
    shipped = baseline.read_shipped()
    pipeline = load_pipeline()
    learnt_from: Any = shipped.manifest["real_triplets"]
    injected: Any = shipped.manifest["injected"]
    digests = [one["digest"] for one in learnt_from]
    today = train_key(pipeline.train, training_frames(pipeline), digests, injected["recipe"])
    scores = scores_of(network, changed, empty)
    rows, found = completeness_table(changed, empty, scores)
    thresholds = found["network, whole frame"]
    seen = {LIKELY: f"{LIKELY}", **{at: f"{density} per deg^2" for density, at in found["network, triplet"].items()}}
    joined = [np.concatenate(scores[name]) for name in ("network, whole frame", "network, triplet")]
    is_real = np.concatenate([changed.is_real, np.zeros(len(empty.at), dtype=bool)])
    judged = joined[0] >= 0.0
    wrong = (joined[0] >= LIKELY) != is_real
    telling = area_under_curve(entropy(joined[0])[judged], wrong[judged])
    bright = counted(changed)
    n_false = [int((scores["network, whole frame"][1] >= at).sum()) for at in (0.0, LIKELY)]
    text = f"""# How good the network is

Written by `python -m benchmarks.detector` about the network that comes with the code (recipe `{shipped.recipe}`;
{"today's code and settings give the same recipe" if today == shipped.recipe else f"today's recipe is `{today}`"}).
[What it is](science.md#scores-of-the-network); [why it is shipped](decisions/0012-a-network-is-shipped.md).

## On simulated skies

{changed.n_frames} frames with {int(bright.sum())} changes of a predicted S/N of 5 or more on usable pixels, and {empty.n_frames} frames,
{area_deg2(empty):.1f} square degrees of {PIXEL_SCALE_ARCSEC} arcsec pixels, in which nothing changes; neither had any part in training. The frames show
hundreds of changes per Mpix where the sky shows a few: changes within {ALONE_FWHM:.0f} FWHM of another one ({int((~changed.source_is_alone).sum())}) are not
counted. Candidates are those of the chain at {THRESHOLD_SIGMA:.0f} sigma. On the empty sky they are {len(empty.at)} ({len(empty.at) / area_deg2(empty):.0f} per square
degree); the network takes {n_false[1]} of them for real (score of {LIKELY} or more). Intervals are of sources drawn anew.

{rows}

No network can find what is no candidate. What the threshold of the search leaves of the changes, and of the false ones:

{ceilings(changed, empty)}

Production searches at {pipeline.difference.threshold_sigma:.1f} sigma. Thresholds of one half of the empty sky, false candidates per square degree on the
other: {split_threshold(changed, empty, scores["network, whole frame"])}.

Completeness by predicted S/N, whole frames:

{by_snr(changed, empty, scores["network, whole frame"])}

## What is taken for what

Candidates from {THRESHOLD_SIGMA:.0f} sigma on, whole frames. A real one that lies on light of the older epoch is called variable.

{confusion(network, changed, empty)}

## What a score means

Expected calibration error over {len(is_real)} candidates, of which {is_real.mean():.0%} are real here, and over those with a score above 0.05:

| seen as | all | above 0.05 | all, weighted to {pipeline.train.real_fraction:.0%} real |
|---|---|---|---|
{calibration_rows(scores, is_real, pipeline.train.real_fraction)}

Scores are calibrated for frames as they come, in which {pipeline.train.real_fraction:.0%} of the candidates are real. The entropy of the score tells wrong
decisions from right ones with an area under the curve of {telling:.3f}.

{calibrations(joined[0], is_real, np.concatenate([changed.frame, empty.frame + 100_000]), pipeline.train.real_fraction)}

## On real triplets

{real_triplets(network, real, learnt_from, seen) if real else "Not measured in this run."}

## Cost

{describe(measure(network.content))}

Training took {shipped.metrics["elapsed_s"]:.0f} s, of which {shipped.metrics["frames_s"]:.0f} s made the frames. The weights are {len(network.content) / 1000:.0f} kB.
"""
    return text, thresholds


def ceilings(changed: Patches, empty: Patches) -> str:
    """Return for several thresholds of the search which part of the changes is a candidate, and how much else is."""
    lines = ["| candidates from | changes among them | false per deg^2 |", "|---|---|---|"]
    for sigma in (THRESHOLD_SIGMA, 4.5, 5.0):
        held = are_found(changed, np.abs(changed.score), sigma)
        n_false = int((np.abs(empty.score) >= sigma).sum())
        lines.append(f"| {sigma:.1f} sigma | {held[counted(changed)].mean():.3f} | {n_false / area_deg2(empty):.0f} |")
    return "\n".join(lines)


def by_snr(changed: Patches, empty: Patches, both: Scores) -> str:
    """Return completeness in bins of the predicted S/N at each density."""
    snr = np.abs(changed.source_snr)
    head = "".join(f" {density:.0f} per deg^2 |" for density in DENSITIES_PER_DEG2)
    lines = [f"| predicted S/N | changes |{head}", "|---|---|" + "---|" * len(DENSITIES_PER_DEG2)]
    thresholds = [operate(changed, empty, both, density, n_draws=1).threshold for density in DENSITIES_PER_DEG2]
    found = [are_found(changed, both[0], one) for one in thresholds]
    for low, high in pairwise(SNR_EDGES):
        chosen = (snr >= low) & (snr < high) & changed.source_is_alone
        cells = [f"{one[chosen].mean():.3f}" for one in found]
        lines.append(f"| {low:.0f} to {high:.0f} | {int(chosen.sum())} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def calibration_rows(scores: dict[str, Scores], is_real: NDArray[np.bool_], real_fraction: float) -> str:
    """Return the calibration errors by what is seen of the candidates."""
    lines = []
    for name in ("network, whole frame", "network, triplet"):
        score = np.concatenate(scores[name])
        judged = score >= 0.0
        likely = score > 0.05
        errors = [
            calibration_error(score[judged], is_real[judged]),
            calibration_error(score[likely], is_real[likely]),
            _balanced_ece(score, is_real, real_fraction),
        ]
        lines.append(f"| {name} | " + " | ".join(f"{one or 0.0:.4f}" for one in errors) + " |")
    return "\n".join(lines)


def _balanced_ece(score: NDArray[np.float64], is_real: NDArray[np.bool_], real_fraction: float) -> float:
    """Return the calibration error of as many real and false candidates as the calibration is meant for."""
    judged = score >= 0.0
    weight = balance(is_real[judged], real_fraction)
    drawn = np.random.default_rng(1).choice(np.flatnonzero(judged), 20_000, p=weight / weight.sum())
    return calibration_error(score[drawn], is_real[drawn]) or 0.0


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
