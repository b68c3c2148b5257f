"""Rectangles of pixels that can be cut out of one another and laid on one another without interpolation."""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.shared.images import MaskPlane, SkyImage

T = TypeVar("T", bound=np.generic)

_WHOLE_PIX = 1e-4
"""Grids whose pixels lie so near to one another are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Whole pixels of an endless grid: columns from ``x`` on and rows from ``y`` on."""

    x: int
    y: int
    nx: int
    ny: int

    @classmethod
    def of(cls, shape: tuple[int, int]) -> "Box":
        """Return all pixels of a grid of ``shape`` (ny, nx)."""
        return cls(x=0, y=0, nx=shape[1], ny=shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns; 0 or less where there is nothing."""
        return self.ny, self.nx

    @property
    def is_empty(self) -> bool:
        """Tell whether it holds no pixel."""
        return self.nx <= 0 or self.ny <= 0

    def overlap(self, other: "Box") -> "Box":
        """Return what both hold; empty where they do not meet."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Box(
            x=x,
            y=y,
            nx=min(self.x + self.nx, other.x + other.nx) - x,
            ny=min(self.y + self.ny, other.y + other.ny) - y,
        )

    def around(self, other: "Box") -> "Box":
        """Return the smallest one that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(
            x=x,
            y=y,
            nx=max(self.x + self.nx, other.x + other.nx) - x,
            ny=max(self.y + self.ny, other.y + other.ny) - y,
        )

    def grown(self, n_pix: int) -> "Box":
        """Return it with a margin on all sides."""
        return Box(x=self.x - n_pix, y=self.y - n_pix, nx=self.nx + 2 * n_pix, ny=self.ny + 2 * n_pix)

    def within(self, other: "Box") -> tuple[slice, slice]:
        """Return the rows and columns of ``other`` that it takes, which must hold all of it."""
        return np.s_[self.y - other.y : self.y - other.y + self.ny, self.x - other.x : self.x - other.x + self.nx]


def box_of(points: NDArray[np.float64]) -> Box:
    """Return the smallest box whose pixels hold 0-based positions (n, 2)."""
    low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
    return Box(x=int(low[0]), y=int(low[1]), nx=int(high[0] - low[0]) + 1, ny=int(high[1] - low[1]) + 1)


def wcs_of(plane: WCS, box: Box) -> WCS:
    """Return the WCS of a box of the grid that ``plane`` describes."""
    moved = plane.deepcopy()
    corner = np.array([box.x, box.y])
    moved.wcs.crpix = moved.wcs.crpix - corner
    if moved.sip is not None:
        moved.sip.crpix[:] = moved.sip.crpix - corner
    moved.wcs.set()
    return moved


def cut(image: SkyImage, box: Box) -> SkyImage:
    """Return the pixels in a box of the image's own grid; beyond its edges there is no data. PSFs do not travel."""
    own = Box.of(image.shape)
    both = box.overlap(own)

    def lay(plane: NDArray[T], blank: float) -> NDArray[T]:
        if both == box:
            return plane[box.within(own)]
        larger = np.full(box.shape, blank, dtype=plane.dtype)
        if not both.is_empty:
            larger[both.within(box)] = plane[both.within(own)]
        return larger

    return SkyImage(
        pixels=lay(image.pixels, np.nan),
        variance=lay(image.variance, np.nan),
        mask=lay(image.mask, MaskPlane.NO_DATA),
        wcs=None if image.wcs is None else wcs_of(image.wcs, box),
    )


def step_between(one: WCS, other: WCS) -> tuple[int, int] | None:
    """Return by how many columns and rows ``other`` starts after ``one``; None where they are no pieces of one grid."""
    step = one.wcs.crpix - other.wcs.crpix
    whole = np.rint(step)
    is_same = (
        not one.has_distortion
        and not other.has_distortion
        and list(one.wcs.ctype) == list(other.wcs.ctype)
        and np.allclose(one.wcs.crval, other.wcs.crval, rtol=0.0, atol=1e-10)
        and np.allclose(one.pixel_scale_matrix, other.pixel_scale_matrix, rtol=1e-9, atol=0.0)
        and np.abs(step - whole).max() < _WHOLE_PIX
    )
    return (int(whole[0]), int(whole[1])) if is_same else None


def moved_box(box: Box, step: tuple[int, int]) -> Box:
    """Return a box as it is called on a grid that starts ``step`` columns and rows before its own."""
    return replace(box, x=box.x + step[0], y=box.y + step[1])
