"""What the shipped network says of real triplets, none of which it was trained on."""

import csv
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.judgement import LIKELY
from astrid_core.detection.ports import Network
from astrid_core.detection.real_triplets import LabelledTriplets
from astrid_core.detection.score_table import score_triplets

_MASKED = -1.0
_N_DRAWS = 2000
_REAL = ("bts_transient", "tns_transient", "known_moving", "known_variable_or_agn")
_BEST_FIRST = ("bts_transient", "tns_transient", "known_moving")
_LSST_SIDES = (31, 127)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Scores of one set; arrays of equal length."""

    label: NDArray[np.str_]
    group: NDArray[np.str_]
    """The object, by which rows are weighted."""
    score: NDArray[np.float64]
    """-1 where there is none."""


def labelled_ztf(folder: Path) -> LabelledTriplets:
    """Return the ZTF triplets with what is known of them."""
    triplets, labels, groups = _read_ztf(folder)
    is_real = np.isin(labels, _REAL)
    return LabelledTriplets(
        triplets=triplets,
        is_real=is_real,
        is_known=is_real | (labels == "bogus_inspected"),
        group=groups,
        origin="ztf",
    )


def ztf(network: Network, folder: Path, *, groups: Container[str] | None = None) -> Labelled:
    """Score the ZTF triplets; of some objects only, where they are named."""
    triplets, labels, group = _read_ztf(folder)
    chosen = np.array([groups is None or one in groups for one in group.tolist()], dtype=bool)
    return Labelled(label=labels[chosen], group=group[chosen], score=_scores(triplets[chosen], network))


def _read_ztf(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.str_], NDArray[np.str_]]:
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    with np.load(folder / "triplets.npz") as stored:
        triplets = stored["triplets"]
    return triplets, np.array([row["label"] for row in rows]), np.array([row["group"] for row in rows])


def rubin(network: Network, folder: Path) -> tuple[Labelled, int]:
    """Score the Rubin triplets; those of other sides than ``astrid score`` takes are padded with NaN or left out."""
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    scores, labels, groups, n_left_out = [], [], [], 0
    for row in rows:
        images = []
        for part in ("science", "template", "difference"):
            with fits.open(folder / "stamps" / f"{row['diaSourceId']}_{part}.fits") as hdus:
                images.append(np.asarray(next(one.data for one in hdus if one.data is not None), dtype=np.float32))
        if len({one.shape for one in images}) > 1 or max(images[0].shape) > _LSST_SIDES[1]:
            n_left_out += 1
            continue
        triplet = np.full((3, *(max(side | 1, _LSST_SIDES[0]) for side in images[0].shape)), np.nan, dtype=np.float32)
        triplet[:, : images[0].shape[0], : images[0].shape[1]] = images
        scores.append(_scores(triplet[None], network)[0])
        labels.append(row["label"])
        groups.append(row.get("designation") or row.get("diaObjectId") or row["diaSourceId"])
    return Labelled(label=np.array(labels), group=np.array(groups), score=np.array(scores)), n_left_out


def _scores(triplets: NDArray[np.floating], network: Network) -> NDArray[np.float64]:
    table = score_triplets(triplets, network, DetectConfig())
    return np.asarray(np.ma.filled(table["score"], _MASKED), dtype=float)


def real_triplets(
    network: Network, folder: Path, learnt_from: Sequence[Mapping[str, Any]], thresholds: Mapping[float, str]
) -> str:
    """Return what the network says of the real triplets that it has not learnt from; ``thresholds`` have names."""
    kept_apart = {one for real in learnt_from for one in real["test_groups"]}
    rows = ztf(network, folder / "ztf-triplets", groups=kept_apart or None)
    others, n_left_out = rubin(network, folder / "lsst-alerts")
    n_bogus = int((rows.label == "bogus_inspected").sum())
    n_learnt = sum(int(real["n_training"]) for real in learnt_from)
    said = (
        f"Half of the ZTF objects ({n_learnt} rows) were learnt from; here is the other half."
        if kept_apart
        else "No real image had any part in training."
    )
    return f"""Accepted is a score of {LIKELY} or more, or one above the threshold of triplets for so many false candidates per square degree
of simulated sky; an object with many rows counts once. {said}
Real negatives are few: {n_bogus} of ZTF, judged by eye and not by experts, and a handful of Rubin's own flags.

ZTF:

{table(rows, thresholds)}

Rubin ({n_left_out} left out because their sides are larger than 127 pixels or differ):

{table(others, thresholds)}"""  # noqa: E501 - figures are shorter


def table(found: Labelled, thresholds: Mapping[float, str]) -> str:
    """Return a row per label: the part at or above each threshold, with its interval, each object counting once."""
    head = "".join(f" accepted at {name} |" for name in thresholds.values())
    lines = [
        f"| label | rows | objects | not scored |{head} median score |",
        "|---|---|---|---|---|" + "---|" * len(thresholds),
    ]
    order = (*_BEST_FIRST, *sorted(set(found.label) - set(_BEST_FIRST)))
    for label in order:
        chosen = found.label == label
        if not chosen.any():
            continue
        judged = chosen & (found.score >= 0.0)
        cells = []
        for threshold in thresholds:
            parts = by_object(found.score[judged] >= threshold, found.group[judged])
            low, high = _interval(parts)
            cells.append(f"{np.mean(parts):.3f} ({low:.3f} to {high:.3f})")
        n_objects = len(set(found.group[judged].tolist()))
        lines.append(
            f"| {label} | {chosen.sum()} | {n_objects} | {(chosen & ~judged).sum()} | {' | '.join(cells)} "
            f"| {np.median(found.score[judged]):.3f} |"
        )
    return "\n".join(lines)


def by_object(accepted: NDArray[np.bool_], group: NDArray[np.str_]) -> list[float]:
    """Return for each object the accepted part of its rows."""
    return [float(accepted[group == one].mean()) for one in sorted(set(group.tolist()))]


def _interval(parts: Sequence[float]) -> tuple[float, float]:
    """Return the interval of the mean: objects drawn anew; of all or none accepted, by Wilson."""
    values, n = np.array(parts), len(parts)
    if values.min() == values.max() and values[0] in {0.0, 1.0}:
        edge = 3.84 / (n + 3.84)
        return (1.0 - edge, 1.0) if values[0] else (0.0, edge)
    draws = np.random.default_rng(1).integers(0, n, (_N_DRAWS, n))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
