"""Which exposures are coadded together, and how their coadd is cut into the cells of the sky."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.coadd import Coadd, measured_psf
from astrid_core.differencing.grids import GridFamily, owners
from astrid_core.differencing.pixel_grid import Box, cut
from astrid_core.differencing.placed import box_on
from astrid_core.observations.entities import Observation
from astrid_core.shared.images import PsfModel, SkyImage
from astrid_core.shared.sky import SkyCell


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGroup:
    """Cells of one plane that are coadded in one go, and the exposures that touch any of them."""

    cells: tuple[SkyCell, ...]
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The part of a coadd that belongs to a cell."""

    cell: SkyCell
    image: SkyImage
    coverage: NDArray[np.uint16]
    used: tuple[int, ...]
    """Positions of the inputs that have data here."""


def group_cells(
    observations: Sequence[Observation], family: GridFamily, *, wanted: Collection[str], max_side_pix: int
) -> tuple[CellGroup, ...]:
    """Return the cells that the ``wanted`` among exposures of an instrument and band touch, with all exposures of each.

    Cells whose exposures are all among those of another join it, as long as the whole stays within ``max_side_pix``:
    the pieces of an isolated field then have one flux scale, and each of its exposures is registered once.
    """
    touching: dict[SkyCell, list[Observation]] = {}
    for observation in sorted(observations, key=lambda one: (one.mid_mjd, one.id)):
        for cell in family.cells_near(observation.position, observation.radius_deg):
            touching.setdefault(cell, []).append(observation)
    groups: list[CellGroup] = []
    names: list[frozenset[str]] = []
    asked = [(cell, seen) for cell, seen in touching.items() if any(one.id in wanted for one in seen)]
    for cell, seen in sorted(asked, key=lambda item: (-len(item[1]), item[0])):
        own = frozenset(one.id for one in seen)
        for number, of_group in enumerate(names):
            if not own <= of_group:
                continue
            joined = replace(groups[number], cells=tuple(sorted((*groups[number].cells, cell))))
            is_one_plane = family.plane_of(cell) == family.plane_of(groups[number].cells[0])
            if is_one_plane and max(_field(joined, family).shape) <= max_side_pix:
                groups[number] = joined
                break
        else:
            groups.append(CellGroup(cells=(cell,), observations=tuple(seen)))
            names.append(own)
    return tuple(sorted(groups, key=lambda group: group.cells))


def _field(group: CellGroup, family: GridFamily) -> Box:
    plane = family.plane_of(group.cells[0])
    seen = reduce(Box.around, (plane.box_around(one.position, one.radius_deg) for one in group.observations))
    return reduce(Box.around, (family.box_of(cell) for cell in group.cells)).overlap(seen)


def box_for(images: Sequence[SkyImage], cells: Sequence[SkyCell], family: GridFamily) -> Box | None:
    """Return the pixels of the cells' plane that are needed to coadd images; None where they do not meet the cells."""
    plane = family.plane_of(cells[0])
    seen = [found for image in images if image.wcs is not None and (found := box_on(image, plane.wcs)) is not None]
    if not seen:
        return None
    box = reduce(Box.around, (family.box_of(cell) for cell in cells)).overlap(reduce(Box.around, seen))
    return None if box.is_empty else box


def pieces(found: Coadd, cells: Sequence[SkyCell], family: GridFamily) -> Iterator[Piece]:
    """Cut the coadd of cells into pieces, each as large as its usable pixels with the margin around them.

    Cells in which it has no usable pixel of their own give no piece.
    """
    owned = owners(found.image.wcs, found.image.shape, family.order)
    whole = Box.of(found.image.shape)
    for cell in cells:
        own = found.image.usable & (owned == cell.number)
        if not own.any():
            continue
        y, x = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
        used = Box(x=int(x[0]), y=int(y[0]), nx=int(x[-1] - x[0]) + 1, ny=int(y[-1] - y[0]) + 1)
        here = used.grown(family.margin_pix).overlap(whole)
        image = cut(found.image, here)
        yield Piece(
            cell=cell,
            image=replace(image, psf=measured_psf(image) or _psf_of(found.image, here)),
            coverage=found.coverage[here.within(whole)],
            used=tuple(sorted(one.index for one in found.placed if one.has_data_in(here))),
        )


def _psf_of(image: SkyImage, box: Box) -> PsfModel:
    """Return the PSF of the whole as it is in the middle of a box, for a piece with too few stars of its own."""
    if image.psf is None:
        raise ValueError("a coadd carries its PSF")
    there = image.psf.at(box.x + (box.nx - 1) / 2, box.y + (box.ny - 1) / 2)
    return PsfModel(
        coefficients=there[None].astype(float), degree=0, frame_shape=box.shape, pixel_error=image.psf.pixel_error
    )
