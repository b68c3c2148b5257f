"""Where the pixels of one grid lie on another, and how large they are there."""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from scipy.interpolate import RectBivariateSpline

from astrid_core.preprocessing.sources import FloatArray

_STEP_PIX = 32
_LEAST_STEP_PIX = 4
_LEAST_NODES = 6
_TOLERANCE_PIX = 0.005
"""Positions between the nodes are off by less than this; stars are not placed as well by any WCS."""


@dataclass(frozen=True, slots=True)
class Places:
    """For pixels (ny, nx) of a grid: ``x``, ``y``, 0-based position in the source's pixels, NaN where there is none,
    and ``area``, how many pixels of the source each covers.
    """

    x: FloatArray
    y: FloatArray
    area: FloatArray


@dataclass(frozen=True, slots=True)
class GridMap:
    """Where the pixels of ``grid`` lie in those of ``source``, asked strip by strip: a whole frame fills the memory."""

    source: WCS
    grid: WCS
    n_columns: int
    mesh: tuple[RectBivariateSpline, RectBivariateSpline, RectBivariateSpline] | None
    """Splines of x, y and area; None where the WCS has to be asked at every pixel."""

    def rows(self, first: int, behind: int) -> Places:
        """Return the places of the pixels from row ``first`` to before row ``behind``."""
        columns = np.arange(float(self.n_columns))
        if self.mesh is not None:
            rows = np.arange(float(first), float(behind))
            return Places(*(np.asarray(fit(rows, columns)) for fit in self.mesh))
        x, y = _positions(self.source, self.grid, np.arange(first - 1.0, behind + 1.0), columns)
        (x_y, x_x), (y_y, y_x) = np.gradient(x), np.gradient(y)
        inner = np.s_[1:-1]
        return Places(x[inner], y[inner], np.abs(x_x * y_y - x_y * y_x)[inner])


def map_grid(source: WCS, grid: WCS, shape: tuple[int, int]) -> GridMap:
    """Return where the pixels of ``grid`` (ny, nx) lie in the pixels of ``source``.

    Both WCS are asked on a mesh that splines join, as fine as distortions need it; everywhere if no mesh will do.
    """
    step = _STEP_PIX
    while step >= _LEAST_STEP_PIX:
        rows, columns = (_nodes(side, step) for side in shape)
        x, y = _positions(source, grid, rows, columns)
        if not np.isfinite(x).all():
            break
        fits = [RectBivariateSpline(rows, columns, plane, s=0) for plane in (x, y)]
        if _error(fits, source, grid, rows, columns) < _TOLERANCE_PIX:
            area = RectBivariateSpline(rows, columns, _jacobian(fits, rows, columns), s=0)
            return GridMap(source, grid, shape[1], (fits[0], fits[1], area))
        step //= 2
    return GridMap(source, grid, shape[1], None)


def _nodes(side: int, step: int) -> FloatArray:
    return np.linspace(0.0, side - 1.0, max(_LEAST_NODES, int(np.ceil((side - 1) / step)) + 1))


def _positions(source: WCS, grid: WCS, rows: FloatArray, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = np.meshgrid(columns, rows)
    there = source.world_to_pixel(grid.pixel_to_world(x, y))
    return np.asarray(there[0], dtype=float), np.asarray(there[1], dtype=float)


def _error(fits: list[RectBivariateSpline], source: WCS, grid: WCS, rows: FloatArray, columns: FloatArray) -> float:
    """Return by how much the splines are off between the nodes, pixels."""
    between = (rows[:-1] + rows[1:]) / 2.0, (columns[:-1] + columns[1:]) / 2.0
    exact = _positions(source, grid, *between)
    return max(float(np.abs(fit(*between) - plane).max()) for fit, plane in zip(fits, exact, strict=True))


def _jacobian(fits: list[RectBivariateSpline], rows: FloatArray, columns: FloatArray) -> FloatArray:
    (x_x, x_y), (y_x, y_y) = ((fit(rows, columns, dy=1), fit(rows, columns, dx=1)) for fit in fits)
    return np.asarray(np.abs(x_x * y_y - x_y * y_x))
