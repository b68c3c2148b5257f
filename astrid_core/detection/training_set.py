"""Examples to learn from: stamps of candidates with what is known about them, kept apart by frame."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astrid_core.detection.config import DetectConfig, TrainConfig
from astrid_core.detection.cutouts import CHANNELS, Place, Stamps, cut, cut_stamps
from astrid_core.detection.pixel_classes import EXCHANGED, KnownDefect, KnownSource, PixelClass, class_map
from astrid_core.detection.triplets import triplet_stamps
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.images import MaskPlane

_MATCH_PIX, _AMBIGUOUS_PIX = 1.5, 1.0
"""Beyond the match radius by up to so much a candidate is neither true nor false."""
_REAL_SNR = 3.0
"""A source that changed by less than this cannot be the cause of a candidate: what lies on it is left out."""
_FAINT = 5.0
_QUIET_APART = 0.2
"""Part of the quiet frames that validates, and part that calibrates."""
_ARRAYS = ("stamps", "offset", "triplets", "classes", "is_real", "score", "frame", "weight")
TRIPLET_PIX = 63
"""Side of the triplets to learn from."""
_HIDDEN = MaskPlane.NO_DATA | MaskPlane.EDGE | MaskPlane.REFERENCE
"""What a survey that sends triplets marks as unknown; cosmic rays and saturated stars it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFrame:
    """One difference, its candidates and all that changed in it."""

    number: int
    product: DifferenceProduct
    candidates: Sequence[Place]
    changed: Sequence[KnownSource]
    defects: Sequence[KnownDefect] = ()
    """Of the science exposure."""
    is_all_known: bool = True
    """False where more may have changed than ``changed`` says: what else stands out is then neither real nor false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Stamps with labels; arrays of equal length."""

    stamps: NDArray[np.float32]
    """(n, size, size, channels), cut from the whole difference."""
    offset: NDArray[np.intp]
    """(n, 2): row and column of the candidate."""
    triplets: NDArray[np.float32]
    """The same candidates as stamps of triplets, from which nothing but three small images is known."""
    classes: NDArray[np.uint8]
    """(n, size, size), see PixelClass."""
    is_real: NDArray[np.bool_]
    score: NDArray[np.float32]
    """Signed S_corr of the candidate."""
    frame: NDArray[np.int32]
    weight: NDArray[np.float32]
    """Beside what balances real and false ones."""
    searched_mpix: float
    """Usable sky in the frames that these candidates come from."""

    def __len__(self) -> int:
        return len(self.is_real)

    @property
    def in_frames(self) -> Stamps:
        """The stamps that were cut from whole differences."""
        return Stamps(pixels=self.stamps, offset=self.offset, index=np.arange(len(self)), refused={})

    @property
    def in_triplets(self) -> Stamps:
        """The stamps that were made of triplets."""
        middle = np.full((len(self), 2), self.triplets.shape[1] // 2, dtype=np.intp)
        return Stamps(pixels=self.triplets, offset=middle, index=np.arange(len(self)), refused={}, origin="triplet")

    def take(self, chosen: NDArray[np.bool_], *, searched_mpix: float) -> "Examples":
        """Return the chosen examples."""
        return Examples(
            stamps=self.stamps[chosen],
            offset=self.offset[chosen],
            triplets=self.triplets[chosen],
            classes=self.classes[chosen],
            is_real=self.is_real[chosen],
            score=self.score[chosen],
            frame=self.frame[chosen],
            weight=self.weight[chosen],
            searched_mpix=searched_mpix,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Examples from disjoint sets of frames."""

    training: Examples
    validation: Examples
    """When to stop."""
    calibration: Examples
    """How scores become probabilities: frames as they come, nothing of them spoilt or enriched."""
    test: Examples

    @property
    def digest(self) -> str:
        """SHA-256 over all that a network is shown, by part and in order."""
        found = hashlib.sha256()
        for part in fields(self):
            examples = getattr(self, part.name)
            for name in _ARRAYS:
                found.update(f"{part.name}.{name}".encode())
                found.update(np.ascontiguousarray(getattr(examples, name)).data)
        return found.hexdigest()


def build_training_set(frames: Iterable[LabelledFrame], config: TrainConfig) -> TrainingSet:
    """Label the candidates of every frame and keep whole frames together."""
    parts: dict[str, list[Examples]] = {"training": [], "validation": [], "calibration": [], "test": []}
    roles = assign_frames(config)
    for frame in frames:
        parts[roles[frame.number]].append(examples_of(frame, config))
    return TrainingSet(**{role: join(found, stamp_pix=config.stamp_pix) for role, found in parts.items()})


def assign_frames(config: TrainConfig) -> tuple[str, ...]:
    """Return for each frame number what its frame is for; at least one frame for each purpose, the quiet ones last."""
    n_validation = max(1, round(config.n_frames * config.validation_fraction))
    n_calibration = max(1, round(config.n_frames * config.calibration_fraction))
    n_test = max(1, round(config.n_frames * config.test_fraction))
    n_training = max(1, config.n_frames - n_validation - n_calibration - n_test)
    sizes = {"training": n_training, "validation": n_validation, "calibration": n_calibration, "test": n_test}
    n_apart = round(config.n_quiet * _QUIET_APART)
    quiet = {"training": config.n_quiet - 2 * n_apart, "validation": n_apart, "calibration": n_apart}
    return tuple(role for part in (sizes, quiet) for role, n in part.items() for _ in range(n))


def examples_of(frame: LabelledFrame, config: TrainConfig) -> Examples:
    """Return the labelled stamps of one frame."""
    is_real, is_known = label(frame.candidates, frame.changed, fwhm_pix=frame.product.science_fwhm_pix)
    score = np.array([place.score for place in frame.candidates], dtype=np.float32)
    if not frame.is_all_known:
        is_known &= is_real
    chosen = is_known & _thin_out(is_real, score, frame.number, config)
    places = [frame.candidates[number] for number in np.flatnonzero(chosen).tolist()]
    cuts = cut_stamps(frame.product, places, size_pix=config.stamp_pix, config=DetectConfig())
    small = cut_triplets(frame.product, places)
    seen = triplet_stamps(small, size_pix=config.stamp_pix, config=DetectConfig())
    # A candidate is learnt from only where both views of it exist.
    in_frame, in_triplet = (np.isin(one.index, other.index) for one, other in ((cuts, seen), (seen, cuts)))
    classes = class_map(frame.product, frame.changed, frame.defects)[..., None]
    if not frame.is_all_known:
        classes[(classes != PixelClass.NEW) & (classes != PixelClass.FADED)] = PixelClass.UNUSABLE
    kept = np.flatnonzero(chosen)[cuts.index[in_frame]].tolist()
    boxes = [
        cut(classes, frame.candidates[number], config.stamp_pix, fill=(PixelClass.UNUSABLE,))[..., 0] for number in kept
    ]
    shape = (len(kept), config.stamp_pix, config.stamp_pix)
    truth = np.array(boxes, dtype=np.uint8).reshape(shape)
    turned = score[kept] < 0.0
    truth[turned] = EXCHANGED[truth[turned]]
    return Examples(
        stamps=cuts.pixels[in_frame],
        offset=cuts.offset[in_frame],
        triplets=seen.pixels[in_triplet],
        classes=truth,
        is_real=is_real[kept],
        score=score[kept],
        frame=np.full(len(kept), frame.number, dtype=np.int32),
        weight=_weights(is_real[kept], score[kept], n_faint=int(_is_faint(is_real, score)[is_known].sum())),
        searched_mpix=float((frame.product.mask == 0).sum()) / 1e6,
    )


def cut_triplets(product: DifferenceProduct, places: Sequence[Place]) -> NDArray[np.float32]:
    """Return (n, 3, size, size): what a survey would send of each place, NaN outside of the frame and where masked."""
    half = TRIPLET_PIX // 2
    stack = np.stack([product.science, product.reference, product.difference], axis=0).astype(np.float32)
    stack = np.where(product.mask & _HIDDEN, np.float32(np.nan), stack)
    padded = np.pad(stack, ((0, 0), (half, half), (half, half)), constant_values=np.nan)
    at = ((round(one.y_pix), round(one.x_pix)) for one in places)
    boxes = [padded[:, y : y + TRIPLET_PIX, x : x + TRIPLET_PIX] for y, x in at]
    return np.array(boxes, dtype=np.float32).reshape(-1, 3, TRIPLET_PIX, TRIPLET_PIX)


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
    tree, radius = cKDTree([(one.x_pix, one.y_pix) for one in changed]), max(_MATCH_PIX, 0.5 * fwhm_pix)
    for number, place in enumerate(candidates):
        at = (place.x_pix, place.y_pix)
        near = [changed[other] for other in tree.query_ball_point(at, radius)]
        same = [one for one in near if one.predicted_snr * place.score > 0.0]
        is_real[number] = any(abs(one.predicted_snr) >= _REAL_SNR for one in same)
        if not is_real[number]:
            is_known[number] = not tree.query_ball_point(at, radius + _AMBIGUOUS_PIX)
    return is_real, is_known


def join(parts: Sequence[Examples], *, stamp_pix: int) -> Examples:
    """Return all examples in one."""
    if not parts:
        shape = (0, stamp_pix, stamp_pix)
        return Examples(
            stamps=np.zeros((*shape, len(CHANNELS)), dtype=np.float32),
            offset=np.zeros((0, 2), dtype=np.intp),
            triplets=np.zeros((*shape, len(CHANNELS)), dtype=np.float32),
            classes=np.zeros(shape, dtype=np.uint8),
            is_real=np.zeros(0, dtype=bool),
            score=np.zeros(0, dtype=np.float32),
            frame=np.zeros(0, dtype=np.int32),
            weight=np.zeros(0, dtype=np.float32),
            searched_mpix=0.0,
        )
    return Examples(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS},
        searched_mpix=sum(part.searched_mpix for part in parts),
    )


def _thin_out(
    is_real: NDArray[np.bool_], score: NDArray[np.float32], number: int, config: TrainConfig
) -> NDArray[np.bool_]:
    """Keep a seeded choice of the false candidates that are faint."""
    faint = np.flatnonzero(_is_faint(is_real, score))
    rng = np.random.default_rng((config.seed, number))
    keep = np.ones(len(score), dtype=bool)
    if len(faint) > config.max_faint_per_frame:
        keep[rng.permutation(faint)[config.max_faint_per_frame :]] = False
    return keep


def _is_faint(is_real: NDArray[np.bool_], score: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(~is_real & (np.abs(score) < _FAINT))


def _weights(is_real: NDArray[np.bool_], score: NDArray[np.float32], *, n_faint: int) -> NDArray[np.float32]:
    """Return 1, and more for the faint false candidates that stand for those that were left out."""
    faint = _is_faint(is_real, score)
    return np.where(faint, n_faint / max(int(faint.sum()), 1), 1.0).astype(np.float32)
