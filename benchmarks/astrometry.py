"""How well, how often and how falsely frames are tied to catalog stars: benchmarks/astrometry.md.

Run ``python -m benchmarks.astrometry``; it needs the real data (ASTRID_REAL_DATA) and some minutes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import astrometry_real, astrometry_simulated
from benchmarks.astrometry_real import Tied
from benchmarks.astrometry_simulated import Trial

PAGE = Path(__file__).with_suffix(".md")
LIMIT_MAS = 30.0
_N_HEADERS, _N_BLIND, _N_WRONG_HEADERS, _N_WRONG_BLIND = 100, 200, 100, 30
_RULE_OF_THREE = 3.0
_PANOPTES_TRUTH = (0.50, 1.71)
_GOTO_TRUTH = (0.47, 81.45)
"""Shifts in pixels, as the PROVENANCE.md of both sets tells them."""


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes for the simulated fields")
    workers = parser.parse_args().workers
    parts = [_hsc(list(astrometry_real.hsc_ccds())), _panoptes(), _goto()]
    parts += [_headers(workers), _blind(workers), _wrong(workers)]
    text = "# Astrometry\n\nWritten by `python -m benchmarks.astrometry`.\n\n" + "\n\n".join(parts) + "\n"
    PAGE.write_text(text)
    print(text)


def _hsc(ccds: Sequence[Tied]) -> str:
    """Return the section about the CCDs of HSC."""
    solved = [one.solution for one in ccds if one.solution is not None]
    rms = np.array([max(one.rms_x_mas, one.rms_y_mas) for one in solved])
    held_out = np.array([max(one.held_out_x_mas, one.held_out_y_mas) for one in solved])
    good = int((rms <= LIMIT_MAS).sum())
    models = sorted({one.model for one in solved})
    failed = [f"{one.name}: {one.reason}" for one in ccds if one.solution is None] + [
        f"{one.name}: rms {one.solution.rms_x_mas:.1f} x {one.solution.rms_y_mas:.1f} mas"
        for one in ccds
        if one.solution is not None and max(one.solution.rms_x_mas, one.solution.rms_y_mas) > LIMIT_MAS
    ]
    counts = ", ".join(f"{model} {sum(one.model == model for one in solved)}" for model in models)
    return (
        "## CCDs of Subaru/HSC against Gaia\n\n"
        "Star lists of single CCDs (pixels of 0.17 arcsec; headers linear, CUNIT written `degree`), each fitted alone "
        f"to the {int(np.median([one.n_matched for one in solved]))} stars (median; at least "
        f"{min(one.n_matched for one in solved)}) that it shares with the extract.\n\n"
        "| CCDs | solved | rms per axis <= 30 mas | worst axis: median, 90 %, largest | "
        "of stars left out: median, 90 % |\n"
        "|---|---|---|---|---|\n"
        f"| {len(ccds)} | {len(solved)} | {good} ({100 * good / len(ccds):.0f} %) | {np.median(rms):.1f}, "
        f"{np.percentile(rms, 90):.1f}, {rms.max():.1f} mas | {np.median(held_out):.1f}, "
        f"{np.percentile(held_out, 90):.1f} mas |\n\n"
        "rms is per degree of freedom. Stars left out (each in its turn) are predicted worse than stars are fitted: "
        "with so few of them every one carries a part of the distortion. Largest chance of a false match: "
        f"10^{max(one.log10_chance for one in solved):.0f}. Models: {counts}.\n\n"
        f"Above the limit or unsolved: {'; '.join(failed) if failed else 'none'}."
    )


def _panoptes() -> str:
    lines = ["| frame | result |", "|---|---|"]
    for one in astrometry_real.panoptes_frames():
        if one.solution is None:
            lines.append(f"| {one.name} | refused: {one.reason} |")
            continue
        text = f"{one.solution.method}, {one.solution.n_matched} stars, rms {one.solution.rms_pix:.2f} pixels"
        if one.name == "unsolved":
            x, y = astrometry_real.unsolved_offset(one.solution)
            text += f"; shift to solved.fits.fz ({x:+.2f}, {y:+.2f}), measured by others {_PANOPTES_TRUTH}"
        lines.append(f"| {one.name} | {text} |")
    return (
        "## PANOPTES\n\nNo catalog of these fields is at hand: the stars of solved.fits.fz, placed by its own WCS, "
        "are the catalog. tiny and noheader are crops of unsolved; rotation and pole show other fields and must be "
        "refused. No header tells anything but pole's.\n\n" + "\n".join(lines)
    )


def _goto() -> str:
    found = astrometry_real.goto_pattern()
    if found is None:
        return "## GOTO\n\nNo pattern of stars is found."
    off = np.hypot(*(found.shift - np.array(_GOTO_TRUTH)))
    return (
        "## GOTO\n\nTwo frames without header, by patterns of their stars: shift "
        f"({found.shift[0]:+.2f}, {found.shift[1]:+.2f}) pixels from {found.n_matched} stars, rms {found.rms_pix:.2f}; "
        f"{off:.2f} pixels from what others measured, {_GOTO_TRUTH}."
    )


def _headers(workers: int) -> str:
    trials = astrometry_simulated.headers(_N_HEADERS, workers)
    rms = np.array([one.rms_pix for one in trials if one.rms_pix is not None])
    return (
        "## Headers off by 5 arcsec, 0.2 degrees and 1 per cent\n\n"
        f"{len(trials)} simulated frames of 2048 x 2048 pixels with 30 to 400 stars, position errors 0.05 pixels, a "
        "fifth of the catalog stars missing, as many spurious sources; every fifth within 0.3 degrees of a pole, every "
        f"other one mirrored. Solved: {len(rms)}. Error of the WCS over the frame, rms: median {np.median(rms):.3f}, "
        f"95 % {np.percentile(rms, 95):.3f}, largest {rms.max():.3f} pixels."
    )


def _blind(workers: int) -> str:
    trials = astrometry_simulated.blind(_N_BLIND, workers)
    lines = [
        "| stars in frame and catalog | frames | solved within a pixel | solved wrongly | refused |",
        "|---|---|---|---|---|",
    ]
    groups = [(str(n), [one for one in trials if one.n_stars == n]) for n in astrometry_simulated.N_STARS]
    groups += [
        ("all near a pole", [one for one in trials if one.is_polar]),
        ("all mirrored", [one for one in trials if one.is_mirrored]),
        ("all", trials),
    ]
    for name, group in groups:
        right, solved = sum(one.is_right for one in group), astrometry_simulated.accepted(group)
        share = f"{right} ({100 * right / len(group):.1f} %)"
        lines.append(f"| {name} | {len(group)} | {share} | {solved - right} | {len(group) - solved} |")
    return (
        "## Nothing known but a region and the scale within a factor of two\n\n"
        "Regions of 0.6 to 4 degrees in radius, any rotation, 30 % of the catalog stars missing in the frame, 30 % "
        "spurious sources, magnitudes of another band (0.4 mag scatter), position errors 0.2 pixels.\n\n"
        + "\n".join(lines)
    )


def _wrong(workers: int) -> str:
    lines = ["| start | frames | accepted | upper limit (95 %) | least chance seen |", "|---|---|---|---|---|"]
    for name, trials in (
        ("header", astrometry_simulated.wrong_headers(_N_WRONG_HEADERS, workers)),
        ("blind", astrometry_simulated.wrong_blind(_N_WRONG_BLIND, workers)),
    ):
        n, least = astrometry_simulated.accepted(trials), _least(trials)
        limit = f"{100 * _RULE_OF_THREE / len(trials):.1f} %" if n == 0 else "-"
        lines.append(f"| {name} | {len(trials)} | {n} | {limit} | {least} |")
    return (
        "## Stars of other fields\n\nEvery solution here would be false. A header start goes on to search for patterns "
        "when the header leads nowhere. Accepted is what unrelated stars would match less often than once in 10^9.\n\n"
        + "\n".join(lines)
    )


def _least(trials: Sequence[Trial]) -> str:
    known = [one.log10_chance for one in trials if one.log10_chance is not None]
    return f"10^{min(known):.1f}" if known else "no pattern at all"


if __name__ == "__main__":
    main()
