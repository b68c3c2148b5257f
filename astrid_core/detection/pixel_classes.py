"""What every pixel of a difference shows, where it is known what changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.images import MaskPlane

_CORE_SIGMA, _RESIDUAL_SIGMA = 3.0, 4.0
_DEFECT_PIX = 3.0
_DEFECTS = MaskPlane.BAD | MaskPlane.SATURATED | MaskPlane.COSMIC_RAY | MaskPlane.TRAIL | MaskPlane.BRIGHT


class PixelClass(IntEnum):
    """What a pixel of a stamp shows."""

    BACKGROUND = 0
    NEW = 1
    """Light of a source that brightened."""
    FADED = 2
    """Light that is gone."""
    RESIDUAL = 3
    """Significant, yet nothing changed there."""
    INSTRUMENTAL = 4
    """Cosmic ray, bad pixel, trail, saturation."""
    UNUSABLE = 5
    """Outside of the frame or masked for other reasons; nothing is to be learnt there."""


N_LEARNT = PixelClass.UNUSABLE.value
"""Classes that a network tells apart."""
EXCHANGED = np.array([0, 2, 1, 3, 4, 5], dtype=np.uint8)
"""The classes as if the two epochs had come in the other order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSource:
    """A source that is known to have changed between the two epochs."""

    x_pix: float
    y_pix: float
    predicted_snr: float
    """Signed, of the difference."""
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDefect:
    """A place of the science exposure that something other than the sky has spoilt."""

    x_pix: float
    y_pix: float
    kind: str
    """cosmic_ray, hot_pixel or trail."""


def class_map(
    product: DifferenceProduct, changed: Sequence[KnownSource], defects: Sequence[KnownDefect] = ()
) -> NDArray[np.uint8]:
    """Return the PixelClass of every pixel of a frame."""
    significance = np.abs(product.score)
    classes = np.zeros(product.score.shape, dtype=np.uint8)
    is_residual = significance > _RESIDUAL_SIGMA
    classes[is_residual] = PixelClass.RESIDUAL
    for defect in defects:
        here, away = _around(classes.shape, defect.x_pix, defect.y_pix, _DEFECT_PIX)
        classes[here][(away <= _DEFECT_PIX) & is_residual[here]] = PixelClass.INSTRUMENTAL
    reach = 1.5 * product.science_fwhm_pix
    for one in changed:
        here, away = _around(classes.shape, one.x_pix, one.y_pix, reach)
        light = (away <= reach) & (significance[here] > _CORE_SIGMA)
        classes[here][light] = PixelClass.NEW if one.predicted_snr > 0.0 else PixelClass.FADED
    classes[product.mask != 0] = PixelClass.UNUSABLE
    classes[(product.mask & _DEFECTS) != 0] = PixelClass.INSTRUMENTAL
    return classes


def _around(
    shape: tuple[int, ...], x: float, y: float, reach_pix: float
) -> tuple[tuple[slice, slice], NDArray[np.float64]]:
    """Return the box around a place, empty outside of the frame, and the distances in it."""
    half, (ny, nx) = int(np.ceil(reach_pix)), shape[:2]
    row, column = round(y), round(x)
    rows = slice(min(max(row - half, 0), ny), min(max(row + half + 1, 0), ny))
    columns = slice(min(max(column - half, 0), nx), min(max(column + half + 1, 0), nx))
    at_y, at_x = np.mgrid[rows, columns]
    return (rows, columns), np.hypot(at_x - x, at_y - y)
