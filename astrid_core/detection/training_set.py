"""Examples to learn from: stamps of candidates with what is known about them, kept apart by frame."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astrid_core.detection.config import DetectConfig, TrainConfig
from astrid_core.detection.cutouts import CHANNELS, Place, cut, cut_stamps
from astrid_core.differencing.products import DifferenceProduct

_MATCH_PIX = 1.5
_AMBIGUOUS_PIX = 1.0
"""Beyond the match radius by up to this much a candidate is neither true nor false."""
_REAL_SNR = 3.0
"""A source that changed by less than this cannot be the cause of a candidate: what lies on it is left out."""
_FAINT = 5.0
_CORE_SIGMA, _RESIDUAL_SIGMA = 3.0, 4.0


class PixelClass(IntEnum):
    """What a pixel of a stamp shows."""

    NOTHING = 0
    CHANGED = 1
    """Light of a source that changed."""
    RESIDUAL = 2
    """Significant, yet nothing changed there."""
    UNUSABLE = 3
    """Masked or outside the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSource:
    """A source that is known to have changed between the two epochs."""

    x_pix: float
    y_pix: float
    predicted_snr: float
    """Signed, of the difference."""
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFrame:
    """One difference, its candidates and all that changed in it."""

    number: int
    product: DifferenceProduct
    candidates: Sequence[Place]
    changed: Sequence[KnownSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Stamps with labels; arrays of equal length."""

    stamps: NDArray[np.float32]
    """(n, size, size, channels)."""
    classes: NDArray[np.uint8]
    """(n, size, size), see PixelClass."""
    is_real: NDArray[np.bool_]
    score: NDArray[np.float32]
    """Signed S_corr of the candidate."""
    frame: NDArray[np.int32]
    searched_mpix: float
    """Usable sky in the frames that these candidates come from."""

    def __len__(self) -> int:
        return len(self.is_real)

    def take(self, chosen: NDArray[np.bool_], *, searched_mpix: float) -> "Examples":
        """Return the chosen examples."""
        return Examples(
            stamps=self.stamps[chosen],
            classes=self.classes[chosen],
            is_real=self.is_real[chosen],
            score=self.score[chosen],
            frame=self.frame[chosen],
            searched_mpix=searched_mpix,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Examples from three disjoint sets of frames."""

    training: Examples
    validation: Examples
    test: Examples


def build_training_set(frames: Iterable[LabelledFrame], config: TrainConfig) -> TrainingSet:
    """Label the candidates of every frame and keep whole frames together."""
    parts: dict[str, list[Examples]] = {"training": [], "validation": [], "test": []}
    roles = assign_frames(config)
    for frame in frames:
        parts[roles[frame.number]].append(examples_of(frame, config))
    return TrainingSet(**{role: join(found, stamp_pix=config.stamp_pix) for role, found in parts.items()})


def assign_frames(config: TrainConfig) -> tuple[str, ...]:
    """Return for each frame number what its frame is for; at least one frame for each purpose."""
    n_validation = max(1, round(config.n_frames * config.validation_fraction))
    n_test = max(1, round(config.n_frames * config.test_fraction))
    n_training = max(1, config.n_frames - n_validation - n_test)
    return ("training",) * n_training + ("validation",) * n_validation + ("test",) * n_test


def examples_of(frame: LabelledFrame, config: TrainConfig) -> Examples:
    """Return the labelled stamps of one frame."""
    is_real, is_known = label(frame.candidates, frame.changed, fwhm_pix=frame.product.science_fwhm_pix)
    score = np.array([place.score for place in frame.candidates], dtype=np.float32)
    chosen = is_known & _thin_out(is_real, score, frame.number, config)
    places = [frame.candidates[number] for number in np.flatnonzero(chosen).tolist()]
    cuts = cut_stamps(frame.product, places, size_pix=config.stamp_pix, config=DetectConfig())
    classes = class_map(frame.product, frame.changed)[..., None]
    kept = np.flatnonzero(chosen)[cuts.index].tolist()
    boxes = [
        cut(classes, frame.candidates[number], config.stamp_pix, fill=(PixelClass.UNUSABLE,))[..., 0] for number in kept
    ]
    shape = (len(kept), config.stamp_pix, config.stamp_pix)
    return Examples(
        stamps=cuts.pixels,
        classes=np.array(boxes, dtype=np.uint8).reshape(shape),
        is_real=is_real[kept],
        score=score[kept],
        frame=np.full(len(kept), frame.number, dtype=np.int32),
        searched_mpix=float((frame.product.mask == 0).sum()) / 1e6,
    )


def label(
    candidates: Sequence[Place], changed: Sequence[KnownSource], *, fwhm_pix: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which candidates are real, and for which of them that can be said at all.

    Real is what lies within 1.5 px (half a FWHM in bad seeing) of a source that changed in the same direction.
    """
    is_real = np.zeros(len(candidates), dtype=bool)
    is_known = np.ones(len(candidates), dtype=bool)
    if not changed or not candidates:
        return is_real, is_known
    tree = cKDTree([(one.x_pix, one.y_pix) for one in changed])
    radius = max(_MATCH_PIX, 0.5 * fwhm_pix)
    for number, place in enumerate(candidates):
        at = (place.x_pix, place.y_pix)
        near = [changed[other] for other in tree.query_ball_point(at, radius)]
        same = [one for one in near if one.predicted_snr * place.score > 0.0]
        is_real[number] = any(abs(one.predicted_snr) >= _REAL_SNR for one in same)
        if not is_real[number]:
            is_known[number] = not tree.query_ball_point(at, radius + _AMBIGUOUS_PIX)
    return is_real, is_known


def class_map(product: DifferenceProduct, changed: Sequence[KnownSource]) -> NDArray[np.uint8]:
    """Return the PixelClass of every pixel of a frame."""
    significance = np.abs(product.score)
    classes = np.zeros(product.score.shape, dtype=np.uint8)
    classes[significance > _RESIDUAL_SIGMA] = PixelClass.RESIDUAL
    reach = 1.5 * product.science_fwhm_pix
    half = int(np.ceil(reach))
    ny, nx = product.score.shape[:2]
    for one in changed:
        row, column = round(one.y_pix), round(one.x_pix)
        rows, columns = slice(max(row - half, 0), row + half + 1), slice(max(column - half, 0), column + half + 1)
        if row < -half or column < -half or row >= ny + half or column >= nx + half:
            continue
        y, x = np.mgrid[rows.start : min(rows.stop, ny), columns.start : min(columns.stop, nx)]
        light = (np.hypot(x - one.x_pix, y - one.y_pix) <= reach) & (significance[rows, columns] > _CORE_SIGMA)
        classes[rows, columns][light] = PixelClass.CHANGED
    classes[product.mask != 0] = PixelClass.UNUSABLE
    return classes


def join(parts: Sequence[Examples], *, stamp_pix: int) -> Examples:
    """Return all examples in one."""
    if not parts:
        shape = (0, stamp_pix, stamp_pix)
        return Examples(
            stamps=np.zeros((*shape, len(CHANNELS)), dtype=np.float32),
            classes=np.zeros(shape, dtype=np.uint8),
            is_real=np.zeros(0, dtype=bool),
            score=np.zeros(0, dtype=np.float32),
            frame=np.zeros(0, dtype=np.int32),
            searched_mpix=0.0,
        )
    return Examples(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("stamps", "classes", "is_real", "score", "frame")
        },
        searched_mpix=sum(part.searched_mpix for part in parts),
    )


def _thin_out(
    is_real: NDArray[np.bool_], score: NDArray[np.float32], number: int, config: TrainConfig
) -> NDArray[np.bool_]:
    """Keep a seeded choice of the false candidates that are faint."""
    faint = np.flatnonzero(~is_real & (np.abs(score) < _FAINT))
    rng = np.random.default_rng((config.seed, number))
    keep = np.ones(len(score), dtype=bool)
    if len(faint) > config.max_faint_per_frame:
        keep[rng.permutation(faint)[config.max_faint_per_frame :]] = False
    return keep
