"""Stamps around candidates: what a network sees of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.config import DetectConfig
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.images import FloatImage

VERSION = 2
"""Raise when the same product should give different stamps: networks trained on other stamps are then refused."""

CHANNELS = ("score", "difference", "new", "old", "masked")
"""Planes of a stamp. A negative candidate is shown as a positive one with the two epochs exchanged, because what faded
is what appeared in the reversed order."""

GRID_PIX = 4
"""Corners of stamps lie on multiples of this in their frame: a network with strides then says of a stamp what it says
of the whole frame."""
OUTSIDE = (0.0, 0.0, 0.0, 0.0, 1.0)
"""Planes where there is no frame."""

_SOFTENING = 3.0
"""Epochs are shown as asinh(counts / 3 sky sigma): linear in the noise, logarithmic in the stars."""


Kind = TypeVar("Kind", bound=np.generic)
Place: TypeAlias = Peak | Candidate
"""Where to cut."""
Origin: TypeAlias = Literal["frame", "triplet"]
"""Cut from a whole difference, or made of three small images of which nothing else is known."""
Made: TypeAlias = tuple[NDArray[np.float32], tuple[int, int]] | str
"""A stamp (size, size, channels) and where its candidate is in it, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Stamps of the places that can be scored, and why the others cannot."""

    pixels: NDArray[np.float32]
    """(n, size, size, channels), see ``CHANNELS``."""
    offset: NDArray[np.intp]
    """(n, 2): row and column of the candidate in its stamp, within ``GRID_PIX`` of the centre."""
    index: NDArray[np.intp]
    """For each stamp the number of its place."""
    refused: dict[int, str]
    """Number of a place to the reason why it has no stamp."""
    origin: Origin = "frame"

    def __len__(self) -> int:
        return len(self.pixels)


def cut_stamps(product: DifferenceProduct, places: Sequence[Place], *, size_pix: int, config: DetectConfig) -> Stamps:
    """Cut stamps of ``size_pix`` (a multiple of 8) around the peaks, in the order of ``places``."""
    planes = frame_planes(product)

    def made() -> Iterator[Made]:
        for place in places:
            box = cut(planes, place, size_pix, fill=OUTSIDE)
            offset = offset_of(place, size_pix)
            reason = refusal(box[..., 4] > 0.0, offset, radius_pix=product.science_fwhm_pix, config=config)
            yield reason or (box if place.score >= 0.0 else exchanged(box), offset)

    return gather(made(), len(places), size_pix)


def gather(made: Iterable[Made], n_places: int, size_pix: int, *, origin: Origin = "frame") -> Stamps:
    """Return the stamps of places, given in their order."""
    refused: dict[int, str] = {}
    pixels = np.empty((n_places, size_pix, size_pix, len(CHANNELS)), dtype=np.float32)
    offsets: list[tuple[int, int]] = []
    kept: list[int] = []
    for number, one in enumerate(made):
        if isinstance(one, str):
            refused[number] = one
            continue
        pixels[len(kept)], offset = one
        offsets.append(offset)
        kept.append(number)
    return Stamps(
        pixels=pixels[: len(kept)],
        offset=np.array(offsets, dtype=np.intp).reshape(-1, 2),
        index=np.array(kept, dtype=np.intp),
        refused=refused,
        origin=origin,
    )


def exchanged(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return planes (..., channels) as if the two epochs had come in the other order."""
    return np.concatenate([-planes[..., :2], planes[..., 3:1:-1], planes[..., 4:]], axis=-1)


def offset_of(place: Place, size_pix: int) -> tuple[int, int]:
    """Return row and column of a place in the stamp that ``cut`` gives."""
    top, left = _corner(place, size_pix)
    return round(place.y_pix) - top, round(place.x_pix) - left


def cut(planes: NDArray[Kind], place: Place, size_pix: int, *, fill: Sequence[float]) -> NDArray[Kind]:
    """Return the box (size, size, k) of ``planes`` (ny, nx, k) around a place, with ``fill`` outside the frame."""
    ny, nx = planes.shape[:2]
    top, left = _corner(place, size_pix)
    box = np.empty((size_pix, size_pix, planes.shape[2]), dtype=planes.dtype)
    box[:] = np.asarray(fill, dtype=planes.dtype)
    rows = slice(max(top, 0), max(min(top + size_pix, ny), 0))
    columns = slice(max(left, 0), max(min(left + size_pix, nx), 0))
    inside = planes[rows, columns]
    y, x = rows.start - top, columns.start - left
    box[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return box


def _corner(place: Place, size_pix: int) -> tuple[int, int]:
    first = size_pix // 2 - GRID_PIX // 2
    top, left = (GRID_PIX * ((round(at) - first) // GRID_PIX) for at in (place.y_pix, place.x_pix))
    return top, left


def frame_planes(product: DifferenceProduct) -> NDArray[np.float32]:
    """Return the planes of a whole difference (ny, nx, channels), zero where masked."""
    masked = product.mask != 0
    usable = ~masked & np.isfinite(product.variance) & (product.variance > 0.0)
    variance = np.where(usable, product.variance, np.float32(1.0))
    sky = float(np.sqrt(np.median(variance[usable]))) if usable.any() else 1.0
    difference = (product.difference / np.sqrt(variance)).astype(np.float32)
    return stack_planes(product.score, difference, product.science, product.reference, masked, sky_sigma=sky)


def stack_planes(
    score: FloatImage,
    difference: FloatImage,
    new: FloatImage,
    old: FloatImage,
    masked: NDArray[np.bool_],
    *,
    sky_sigma: float | NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return images (..., ny, nx) as planes; ``difference`` is in sigma, the two epochs are in counts above the sky.

    ``sky_sigma`` is one number, or one (..., 1, 1) per image.
    """
    unit = _SOFTENING * np.asarray(sky_sigma, dtype=np.float32)
    epochs = (_calm(plane, masked) / unit for plane in (new, old))
    shown = (_calm(score, masked), _calm(difference, masked), *epochs)
    return np.stack([*(np.arcsinh(plane) for plane in shown), masked.astype(np.float32)], axis=-1).astype(np.float32)


def _calm(plane: FloatImage, masked: NDArray[np.bool_]) -> FloatImage:
    return np.where(masked | ~np.isfinite(plane), np.float32(0.0), plane).astype(np.float32)


def refusal(masked: NDArray[np.bool_], offset: tuple[int, int], *, radius_pix: float, config: DetectConfig) -> str:
    """Return why a candidate cannot be judged by a stamp of which so much is masked; empty if it can."""
    if not masked.any():
        return ""
    y, x = np.ogrid[: masked.shape[0], : masked.shape[1]]
    away = np.hypot(y - offset[0], x - offset[1])
    disc = masked[away <= max(1.5, radius_pix)]
    for what, part, allowed in (
        ("stamp", masked, config.max_masked_stamp),
        ("disc of one FWHM", disc, config.max_masked_fraction),
    ):
        fraction = float(part.mean())
        if fraction > allowed:
            return f"too much of the {what} is masked or outside the frame (masked={fraction:.2f}, allowed={allowed})"
    return ""
