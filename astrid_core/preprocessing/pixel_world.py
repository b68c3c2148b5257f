"""Pixels of one image as the world of another: the interface of astropy's WCS for positions that are known already."""

from typing import Any

import numpy as np
from astropy.wcs.wcsapi import BaseLowLevelWCS
from numpy.typing import NDArray

from astrid_core.preprocessing.sources import FloatArray


class PixelWorld(BaseLowLevelWCS):  # type: ignore[misc] # astropy brings no types
    """A WCS by table (APE 14): the world coordinates of pixel (column, row) are ``x`` and ``y`` [row, column].

    Without a table the world is the pixels themselves. It spares whoever asks for the same positions again, plane after
    plane, the sphere between them, which costs several times the interpolation.
    """

    def __init__(self, x: FloatArray | None = None, y: FloatArray | None = None) -> None:
        self._table = None if x is None or y is None else (x, y)

    @property
    def pixel_n_dim(self) -> int:
        """Columns and rows."""
        return 2

    @property
    def world_n_dim(self) -> int:
        """Those of the other image."""
        return 2

    @property
    def world_axis_physical_types(self) -> list[None]:
        """None that the standard knows."""
        return [None, None]

    @property
    def world_axis_units(self) -> list[str]:
        """Pixels on both axes."""
        return ["pix", "pix"]

    @property
    def world_axis_object_components(self) -> list[tuple[str, int, str]]:
        """Each axis is a quantity of its own."""
        return [("x", 0, "value"), ("y", 0, "value")]

    @property
    def world_axis_object_classes(self) -> dict[str, tuple[Any, ...]]:
        """Quantities in pixels."""
        from astropy.units import Quantity  # noqa: PLC0415 - astropy.units is asked for by reprojection only

        return {name: (Quantity, (), {"unit": "pix"}) for name in ("x", "y")}

    def pixel_to_world_values(self, *pixels: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
        """Return the table's values at whole pixels."""
        column, row = pixels
        if self._table is None:
            return np.asarray(column, dtype=float), np.asarray(row, dtype=float)
        at = np.asarray(row, dtype=np.intp), np.asarray(column, dtype=np.intp)
        return self._table[0][at], self._table[1][at]

    def world_to_pixel_values(self, *world: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
        """Return pixels, which without a table are what the world is. Raises NotImplementedError with one."""
        if self._table is not None:
            raise NotImplementedError("a table of positions is read in one direction only")
        x, y = world
        return np.asarray(x, dtype=float), np.asarray(y, dtype=float)
