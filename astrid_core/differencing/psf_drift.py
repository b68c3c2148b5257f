"""How the PSF of a place departs from that of the middle of its tile, in second moments."""

import numpy as np

from astrid_core.differencing.fields import N_MODES, Field, FloatArray
from astrid_core.differencing.tiles import Strip, half_width, linear_basis
from astrid_core.shared.images import FloatImage, PsfModel


def psf_drift(
    science: PsfModel, reference: PsfModel, rows: tuple[Strip, ...], columns: tuple[Strip, ...], shape: tuple[int, int]
) -> Field:
    """Return what static sources leave in the score because all of a tile is subtracted with one pair of PSFs.

    A PSF that is P at the middle of the tile and P + q : dd P elsewhere, to second order in moments, leaves the same
    combination of second derivatives of the light in S. q is taken as linear in position within a tile.
    """
    values = np.zeros((N_MODES, 2 * len(rows), 2 * len(columns)))
    if science.degree or reference.degree:
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                of_science, of_reference = _slopes(science, row, column), _slopes(reference, row, column)
                values[3:, 2 * i, 2 * j + 1] = of_science[0] - of_reference[0]
                values[3:, 2 * i + 1, 2 * j] = of_science[1] - of_reference[1]
    return Field(linear_basis(rows, shape[0]), values, linear_basis(columns, shape[1]))


def _slopes(model: PsfModel, row: Strip, column: Strip) -> tuple[FloatArray, FloatArray]:
    """Return the change of q (xx, xy, yy) from the middle of a tile to its edge, along x and along y."""
    if model.degree == 0:
        return np.zeros(3), np.zeros(3)
    x, y = column.centre, row.centre
    width, height = half_width(column), half_width(row)
    middle = model.at(x, y)
    along_x = _moments(model.at(x + width, y) - model.at(x - width, y), middle) / 2.0
    return along_x, _moments(model.at(x, y + height) - model.at(x, y - height), middle) / 2.0


def _moments(change: FloatImage, psf: FloatImage) -> FloatArray:
    """Return the multiples of P_xx, P_xy and P_yy that come nearest to a change of P."""
    p = psf.astype(np.float64)
    ddx = np.roll(p, -1, 1) + np.roll(p, 1, 1) - 2 * p
    ddy = np.roll(p, -1, 0) + np.roll(p, 1, 0) - 2 * p
    cross = np.gradient(np.gradient(p, axis=1), axis=0)
    design = np.stack([ddx.ravel(), cross.ravel(), ddy.ravel()], axis=1)
    return np.asarray(np.linalg.solve(design.T @ design, design.T @ change.ravel()))
