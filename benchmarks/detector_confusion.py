"""What the network takes for what: confusion matrices by cause, sharpness of the images and significance."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.entities import Kind
from astrid_core.detection.judgement import LIKELY, classify
from astrid_core.detection.ports import Network
from benchmarks.detector_frames import Patches
from benchmarks.detector_patches import frame_stamps

_REAL = (Kind.TRANSIENT, Kind.VARIABLE, Kind.MOVING)
FWHM_EDGES_PIX = (0.0, 2.5, 3.5, 20.0)
"""Families of images: by how many pixels a star covers."""
SIGMA_EDGES = (4.0, 5.0, 6.0, 8.0, 12.0, 20.0, np.inf)


def confusion(network: Network, changed: Patches, empty: Patches) -> str:
    """Return the tables."""
    judged = [_judged(network, one) for one in (changed, empty)]
    score, kind = (np.concatenate([one[number] for one in judged]) for number in range(2))
    causes, is_real, size, fwhm = (
        np.concatenate([getattr(one, name) for one in (changed, empty)])
        for name in ("cause", "is_real", "score", "fwhm_pix")
    )
    is_kept = score >= LIKELY
    return "\n\n".join((
        "By what the candidate is, or what made it (rows), and what it is called (columns):",
        _by_cause(causes, kind),
        "By the sharpness of the science image:",
        _by_bin("FWHM, pix", fwhm, FWHM_EDGES_PIX, is_real, is_kept),
        "By significance:",
        _by_bin("S_corr", np.abs(size), SIGMA_EDGES, is_real, is_kept),
    ))  # fmt: skip


def _judged(network: Network, patches: Patches) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    stamps = frame_stamps(patches)
    found = network.judge(stamps)
    score, kind = np.full(len(patches.at), -1.0), np.full(len(patches.at), "not scored", dtype="<U32")
    score[stamps.index] = found.score
    kind[stamps.index] = [one.value for one in classify(found, patches.flags[stamps.index])]
    return score, kind


def _by_cause(causes: NDArray[np.str_], kind: NDArray[np.str_]) -> str:
    names = [one.value for one in Kind] + ["not scored"]
    columns = [name for name in names if (kind == name).any()]
    lines = ["| | candidates | " + " | ".join(columns) + " |", "|---|---|" + "---|" * len(columns)]
    order = [one.value for one in _REAL]
    for cause in sorted(set(causes.tolist()), key=lambda one: (one not in order, one)):
        here = causes == cause
        cells = [str(int((kind[here] == name).sum())) for name in columns]
        lines.append(f"| {cause} | {int(here.sum())} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _by_bin(
    name: str,
    values: NDArray[np.floating],
    edges: Sequence[float],
    is_real: NDArray[np.bool_],
    is_kept: NDArray[np.bool_],
) -> str:
    lines = [
        f"| {name} | real, accepted | real, rejected | false, accepted | false, rejected |",
        "|---|---|---|---|---|",
    ]
    for low, high in pairwise(edges):
        here = (values >= low) & (values < high)
        cells = [
            int((here & (is_real == real) & (is_kept == kept)).sum())
            for real in (True, False)
            for kept in (True, False)
        ]
        span = f"{low:.3g} to {high:.3g}" if np.isfinite(high) else f"{low:.3g} and more"
        lines.append(f"| {span} | " + " | ".join(str(one) for one in cells) + " |")
    return "\n".join(lines)
