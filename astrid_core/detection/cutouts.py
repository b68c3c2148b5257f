"""Stamps around candidates: what a network sees of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.config import DetectConfig
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.images import FloatImage

VERSION = 1
"""Raise when the same product should give different stamps: networks trained on other stamps are then refused."""

CHANNELS = ("score", "difference", "new", "old", "masked", "sign")
"""Planes of a stamp. A negative candidate is shown as a positive one with the two epochs exchanged, because what faded
is what appeared in the reversed order; ``sign`` tells which it was."""

_SOFTENING = 3.0
"""Epochs are shown as asinh(counts / 3 sky sigma): linear in the noise, logarithmic in the stars."""


Kind = TypeVar("Kind", bound=np.generic)
Place: TypeAlias = Peak | Candidate
"""Where to cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Stamps of the places that can be scored, and why the others cannot."""

    pixels: NDArray[np.float32]
    """(n, size, size, channels), see ``CHANNELS``."""
    index: NDArray[np.intp]
    """For each stamp the number of its place."""
    refused: dict[int, str]
    """Number of a place to the reason why it has no stamp."""


def cut_stamps(product: DifferenceProduct, places: Sequence[Place], *, size_pix: int, config: DetectConfig) -> Stamps:
    """Cut stamps of ``size_pix`` (even) with the peak on pixel (size / 2, size / 2), in the order of ``places``."""
    planes = _planes(product)
    refused: dict[int, str] = {}
    pixels = np.empty((len(places), size_pix, size_pix, len(CHANNELS)), dtype=np.float32)
    kept: list[int] = []
    disc = _disc(size_pix, product.science_fwhm_pix)
    for number, place in enumerate(places):
        box = cut(planes, place, size_pix, fill=(0.0, 0.0, 0.0, 0.0, 1.0))
        masked = box[..., 4] > 0.0
        reason = _refusal(masked, disc, config.max_masked_fraction)
        if reason:
            refused[number] = reason
            continue
        sign = np.float32(-1.0 if place.score < 0.0 else 1.0)
        stamp = pixels[len(kept)]
        stamp[..., :2] = box[..., :2] * sign
        stamp[..., 2:4] = box[..., 2:4] if sign > 0 else box[..., 3:1:-1]
        stamp[..., 4] = masked
        stamp[..., 5] = sign
        kept.append(number)
    return Stamps(pixels=pixels[: len(kept)], index=np.array(kept, dtype=np.intp), refused=refused)


def cut(planes: NDArray[Kind], place: Place, size_pix: int, *, fill: Sequence[float]) -> NDArray[Kind]:
    """Return the box (size, size, k) of ``planes`` (ny, nx, k) around a place, with ``fill`` outside the frame."""
    ny, nx = planes.shape[:2]
    top, left = round(place.y_pix) - size_pix // 2, round(place.x_pix) - size_pix // 2
    box = np.empty((size_pix, size_pix, planes.shape[2]), dtype=planes.dtype)
    box[:] = np.asarray(fill, dtype=planes.dtype)
    rows = slice(max(top, 0), max(min(top + size_pix, ny), 0))
    columns = slice(max(left, 0), max(min(left + size_pix, nx), 0))
    inside = planes[rows, columns]
    y, x = rows.start - top, columns.start - left
    box[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return box


def _planes(product: DifferenceProduct) -> NDArray[np.float32]:
    """Return score, difference, science, reference and mask as (ny, nx, 5), zero where masked."""
    masked = product.mask != 0
    usable = ~masked & np.isfinite(product.variance) & (product.variance > 0.0)
    variance = np.where(usable, product.variance, np.float32(1.0))
    sky = np.float32(np.sqrt(np.median(variance[usable]))) if usable.any() else np.float32(1.0)
    difference = (product.difference / np.sqrt(variance)).astype(np.float32)
    old, new = (_calm(plane, masked) / (_SOFTENING * sky) for plane in (product.reference, product.science))
    stack = (_calm(product.score, masked), _calm(difference, masked), new, old)
    return np.stack([*(np.arcsinh(plane) for plane in stack), masked.astype(np.float32)], axis=-1).astype(np.float32)


def _calm(plane: FloatImage, masked: NDArray[np.bool_]) -> FloatImage:
    return np.where(masked | ~np.isfinite(plane), np.float32(0.0), plane).astype(np.float32)


def _disc(size_pix: int, radius_pix: float) -> NDArray[np.bool_]:
    y, x = np.mgrid[:size_pix, :size_pix] - size_pix // 2
    return np.asarray(np.hypot(x, y) <= max(1.5, radius_pix))


def _refusal(masked: NDArray[np.bool_], disc: NDArray[np.bool_], allowed: float) -> str:
    for what, part in (("stamp", masked), ("disc of one FWHM", masked[disc])):
        fraction = float(part.mean())
        if fraction > allowed:
            return f"too much of the {what} is masked or outside the frame (masked={fraction:.2f}, allowed={allowed})"
    return ""
