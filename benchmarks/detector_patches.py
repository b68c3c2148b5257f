"""What a detector sees of the patches that ``benchmarks.detector_frames`` has kept, and what its scores are worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import GRID_PIX, Made, Stamps, exchanged, gather, refusal, stack_planes
from astrid_core.detection.triplets import triplet_stamps
from benchmarks.detector_frames import PATCH_PIX, PIXEL_SCALE_ARCSEC, Patches

STAMP_PIX = 64
_TRIPLET_PIX = 63
_BRIGHT_SNR = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """A threshold and what it costs and brings."""

    allowed_per_deg2: float
    threshold: float
    n_false: int
    completeness: float
    low: float
    high: float


def frame_stamps(patches: Patches) -> Stamps:
    """Return the stamps as the detection stage cuts them."""
    return gather((_shown(patches, number) for number in range(len(patches.at))), len(patches.at), STAMP_PIX)


def _shown(patches: Patches, number: int) -> Made:
    half, first = PATCH_PIX // 2, STAMP_PIX // 2 - GRID_PIX // 2
    offset = patches.at[number] - GRID_PIX * ((patches.at[number] - first) // GRID_PIX)
    top, left = (half - offset).tolist()
    science, reference, difference, score, variance, mask = np.moveaxis(
        patches.planes[number, top : top + STAMP_PIX, left : left + STAMP_PIX], -1, 0
    )
    masked = mask != 0
    noise = np.sqrt(np.where(masked | ~(variance > 0.0), np.float32(1.0), variance))
    shown = stack_planes(
        score, difference / noise, science, reference, masked, sky_sigma=float(patches.sky_sigma[number])
    )
    place = (int(offset[0]), int(offset[1]))
    reason = refusal(masked, place, radius_pix=float(patches.fwhm_pix[number]), config=DetectConfig())
    return reason or (shown if patches.score[number] >= 0.0 else exchanged(shown), place)


def as_triplets(patches: Patches) -> Stamps:
    """Return the same candidates as stamps of triplets."""
    first = PATCH_PIX // 2 - _TRIPLET_PIX // 2
    inner = patches.planes[:, first : first + _TRIPLET_PIX, first : first + _TRIPLET_PIX]
    hidden = (inner[..., 5].astype(int) & 1) != 0
    images = np.where(hidden[..., None], np.float32(np.nan), inner[..., :3])
    return triplet_stamps(np.moveaxis(images, -1, 1), size_pix=STAMP_PIX, config=DetectConfig())


def spread(stamps: Stamps, values: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    """Return values of stamps by candidate; -1 for those that cannot be scored."""
    every = np.full(n, -1.0)
    every[stamps.index] = values
    return every


def counted(patches: Patches) -> NDArray[np.bool_]:
    """Tell which sources completeness is of: those of a predicted S/N of 5 or more with no other one near."""
    return (np.abs(patches.source_snr) >= _BRIGHT_SNR) & patches.source_is_alone


def area_deg2(patches: Patches) -> float:
    """Return how much sky was searched."""
    return patches.searched_mpix * 1e6 * (PIXEL_SCALE_ARCSEC / 3600.0) ** 2


def are_found(changed: Patches, scores: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Tell which sources have a candidate with at least this score."""
    return (changed.source_candidate >= 0) & (np.append(scores, -1.0)[changed.source_candidate] >= threshold)


def operate(
    changed: Patches,
    empty: Patches,
    scores: tuple[NDArray[np.float64], NDArray[np.float64]],
    allowed_per_deg2: float,
    *,
    n_draws: int = 400,
) -> Operating:
    """Set a threshold on empty sky and measure the completeness at it; its interval is from frames drawn anew."""
    on_changed, on_empty = scores
    n_allowed = int(allowed_per_deg2 * area_deg2(empty))
    falling = np.sort(on_empty[~empty.is_real])[::-1]
    threshold = float(np.nextafter(falling[n_allowed], 2.0)) if n_allowed < len(falling) else 0.0
    threshold = max(threshold, 0.0)
    bright = counted(changed)
    found = are_found(changed, on_changed, threshold)[bright].astype(float)
    draws = np.random.default_rng(1).integers(0, len(found), (n_draws, len(found)))
    low, high = np.percentile(found[draws].mean(axis=1), [2.5, 97.5])
    return Operating(
        allowed_per_deg2=allowed_per_deg2,
        threshold=threshold,
        n_false=int((on_empty[~empty.is_real] >= threshold).sum()),
        completeness=float(found.mean()),
        low=float(low),
        high=float(high),
    )


def mean_and_spread(values: Sequence[float]) -> str:
    """Return the mean of several seeds and their range."""
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"
