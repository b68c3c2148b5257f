"""A frame in overlapping tiles, each with the PSF of its own middle, and joins that do not show."""

from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from astrid_core.shared.images import FloatImage

_Kind = TypeVar("_Kind", bound=np.generic)
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Strip:
    """One cut of one axis: tiles are the products of the strips of both."""

    first: int
    """Where the tile begins; negative where it reaches over the edge of the frame."""
    length: int
    """A fast one to transform."""
    blended: slice
    """The part of the frame that the tile has a say in."""
    weight: FloatImage
    """How much, along ``blended``; the weights of all strips sum to 1."""
    core: tuple[float, float]
    """First and last pixel of its own."""

    @property
    def centre(self) -> float:
        """The middle of its own pixels."""
        return (self.core[0] + self.core[1]) / 2.0

    @property
    def of_tile(self) -> slice:
        """``blended``, in pixels of the tile."""
        return slice(self.blended.start - self.first, self.blended.stop - self.first)


@dataclass(frozen=True, slots=True)
class Window:
    """One tile."""

    rows: Strip
    columns: Strip

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that are transformed."""
        return self.rows.length, self.columns.length

    @property
    def blended(self) -> tuple[slice, slice]:
        """The part of the frame that the tile has a say in."""
        return self.rows.blended, self.columns.blended

    @property
    def weight(self) -> FloatImage:
        """How much, over ``blended``."""
        return np.outer(self.rows.weight, self.columns.weight)

    def lift(self, plane: NDArray[_Kind], *, fill: float | bool = 0.0) -> NDArray[_Kind]:
        """Copy the pixels of the tile out of the frame, ``fill`` beyond its edge."""
        first = (max(self.rows.first, 0), max(self.columns.first, 0))
        last = (self.rows.first + self.shape[0], self.columns.first + self.shape[1])
        part = plane[first[0] : last[0], first[1] : last[1]]
        if part.shape == self.shape:
            return part.copy()
        tile = np.full(self.shape, fill, dtype=plane.dtype)
        y, x = first[0] - self.rows.first, first[1] - self.columns.first
        tile[y : y + part.shape[0], x : x + part.shape[1]] = part
        return tile

    def add(self, plane: FloatImage, tile: FloatImage, weight: FloatImage) -> None:
        """Blend ``tile`` into the frame."""
        plane[self.blended] += tile[self.rows.of_tile, self.columns.of_tile] * weight


def strips(side: int, tile_pix: int, *, overlap: int, guard: int) -> tuple[Strip, ...]:
    """Cut an axis into equal strips whose weights ramp linearly across ``overlap``; ``guard`` pixels beyond those keep
    what wraps around in a transform away from them.
    """
    edges = np.linspace(0, side, max(1, round(side / tile_pix)) + 1).round().astype(int)
    return tuple(
        _strip(start, stop, side, overlap=overlap, guard=guard)
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    )


def _strip(start: int, stop: int, side: int, *, overlap: int, guard: int) -> Strip:
    half = overlap // 2
    blended = slice(max(0, start - half), min(side, stop + half))
    length = fft.next_fast_len(stop - start + overlap + 2 * guard, real=True)
    at = np.arange(blended.start, blended.stop) + 0.5
    weight = np.ones(len(at))
    if start > 0:
        weight = np.minimum(weight, (at - (start - half)) / (2 * half))
    if stop < side:
        weight = np.minimum(weight, (stop + half - at) / (2 * half))
    return Strip(
        first=start - (length - (stop - start)) // 2,
        length=length,
        blended=blended,
        weight=weight.astype(np.float32),
        core=(float(start), float(stop - 1)),
    )


def apart(rows: tuple[Strip, ...], columns: tuple[Strip, ...]) -> tuple[tuple[Window, ...], ...]:
    """Return all tiles in four groups, none of which holds two that share pixels of the frame: the tiles of a group may
    be added to it at the same time, and the sums do not depend on who comes first.
    """
    return tuple(
        tuple(Window(row, column) for row in rows[y::2] for column in columns[x::2]) for y, x in product((0, 1), (0, 1))
    )


def linear_basis(cuts: tuple[Strip, ...], side: int) -> FloatArray:
    """Return (side, 2 n): for each strip its weight, and its weight times the distance from its centre in half widths.

    With it, sum_ij B_row[y, i] M[i, j] B_column[x, j] is what tiles give together that are each bilinear in position.
    """
    basis = np.zeros((side, 2 * len(cuts)))
    for index, cut in enumerate(cuts):
        at = np.arange(cut.blended.start, cut.blended.stop)
        basis[cut.blended, 2 * index] = cut.weight
        basis[cut.blended, 2 * index + 1] = cut.weight * (at - cut.centre) / half_width(cut)
    return basis


def half_width(cut: Strip) -> float:
    """Return half the distance from the first to the last own pixel of a strip."""
    return max((cut.core[1] - cut.core[0]) / 2.0, 0.5)
