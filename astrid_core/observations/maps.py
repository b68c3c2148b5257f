"""Maps in files of their own beside an exposure: weight, noise, mask, exposure."""

import io
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.roles import Role
from astrid_core.observations.siblings import plane_shape
from astrid_core.observations.structure import Hdu, walk
from astrid_core.shared.errors import UnusableFile


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFile:
    """A map and the HDU that it was read from."""

    role: Role
    hdu: Hdu
    plane: NDArray[np.float64]


def read_map(role: Role, plain: bytes, extension: int, config: IngestConfig) -> MapFile:
    """Return the map in the bytes of an uncompressed file: its only image, or that in HDU ``extension``."""
    images = [hdu for hdu in walk(io.BytesIO(plain), name=role.value, config=config) if plane_shape(hdu) is not None]
    chosen = images if len(images) == 1 else [hdu for hdu in images if hdu.number == extension]
    if not chosen:
        raise UnusableFile(f"{role.value} has no image there", extension=extension, n_images=len(images))
    with fits.open(io.BytesIO(plain), memmap=False, uint=False) as opened:
        plane = np.asarray(opened[chosen[0].number].data, dtype=np.float64).reshape(plane_shape(chosen[0]))
    return MapFile(role=role, hdu=chosen[0], plane=plane)


def require_shape(one: MapFile, shape: tuple[int, int]) -> None:
    """Raise UnusableFile unless a map has the shape (ny, nx) of its image."""
    if one.plane.shape != shape:
        ny, nx = one.plane.shape
        raise UnusableFile(
            f"{one.role.value} has another shape than its image",
            map_pix=f"{nx} x {ny}",
            image_pix=f"{shape[1]} x {shape[0]}",
        )
