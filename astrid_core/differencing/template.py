"""The references of several cells as one image that an exposure can be compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from astropy.wcs import WCS

from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.grids import owners
from astrid_core.differencing.pixel_grid import Box, cut, moved_box, step_between, wcs_of
from astrid_core.differencing.placed import box_on, scaled
from astrid_core.preprocessing.register import resample
from astrid_core.shared.images import MaskPlane, SkyImage
from astrid_core.shared.sky import SkyPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A reference and its pixels."""

    reference: ReferenceImage
    image: SkyImage


def assemble(parts: Sequence[Part], science: SkyImage | None = None) -> SkyImage:
    """Return the references of one exposure as one image on the grid of the first.

    Every pixel comes from the cell that owns it, and from the margin of another where that has no data. Pieces of one
    plane are laid side by side; only those of another are interpolated. Their flux scales are brought to that of the
    first by their zero points. Where ``science`` knows the sky, what lies far from it is left out.
    """
    first = parts[0]
    if len(parts) == 1 or first.image.wcs is None:
        return first.image
    grid = first.image.wcs
    field = reduce(Box.around, (box for part in parts if (box := _box_of(part.image, grid)) is not None))
    near = box_on(science, grid) if science is not None and science.wcs is not None else None
    if near is not None:
        inside = field.overlap(near.grown(max(near.shape) // 8))
        # A header that points elsewhere says nothing.
        field = field if field.overlap(near).is_empty else inside
    wcs = wcs_of(grid, field)
    owned = owners(wcs, field.shape, first.reference.cell.order)
    blank = np.full(field.shape, np.nan, dtype=np.float32)
    pixels, variance = blank, blank.copy()
    mask = np.full(field.shape, MaskPlane.NO_DATA, dtype=np.uint16)
    for part in parts:
        laid = scaled(_laid(part.image, grid, field), counts_ratio(part.reference, first.reference))
        has_data = (laid.mask & np.uint16(MaskPlane.NO_DATA)) == 0
        empty = (mask & np.uint16(MaskPlane.NO_DATA)) != 0
        takes = has_data & (empty | (owned == part.reference.cell.number))
        pixels[takes], variance[takes], mask[takes] = laid.pixels[takes], laid.variance[takes], laid.mask[takes]
    return SkyImage(pixels=pixels, variance=variance, mask=mask, wcs=wcs, psf=first.image.psf)


def can_join(other: ReferenceImage, first: ReferenceImage) -> bool:
    """Tell whether the flux scales of two references are known to each other: built together, or both calibrated."""
    return other.recipe == first.recipe or (other.zero_point_mag is not None and first.zero_point_mag is not None)


def owner_of(position: SkyPosition | None, references: Sequence[ReferenceImage]) -> ReferenceImage:
    """Return the reference, of those that an exposure was compared with, that owns a place; the first for none."""
    for reference in references:
        if position is not None and reference.cell.holds(position):
            return reference
    return references[0]


def counts_ratio(other: ReferenceImage, first: ReferenceImage) -> float:
    """Return the counts of ``first`` per count of another that can be joined with it."""
    if other.recipe == first.recipe or other.zero_point_mag is None or first.zero_point_mag is None:
        return 1.0
    return float(10.0 ** (0.4 * (first.zero_point_mag - other.zero_point_mag)))


def _box_of(image: SkyImage, grid: WCS) -> Box | None:
    step = None if image.wcs is None else step_between(grid, image.wcs)
    if step is None:
        return box_on(image, grid)
    return Box(x=step[0], y=step[1], nx=image.shape[1], ny=image.shape[0])


def _laid(image: SkyImage, grid: WCS, field: Box) -> SkyImage:
    step = None if image.wcs is None else step_between(grid, image.wcs)
    if step is None:
        return resample(image, wcs_of(grid, field), field.shape)
    return replace(cut(image, moved_box(field, (-step[0], -step[1]))), wcs=wcs_of(grid, field))
