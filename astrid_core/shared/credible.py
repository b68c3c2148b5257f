"""The smallest part of a probability sky map that holds a credible level, as exact HEALPix cells."""

from dataclasses import dataclass

import numpy as np
from astropy_healpix import HEALPix
from mocpy import MOC
from numpy.typing import NDArray

_ROUNDING = 1e-9
"""Sums of millions of numbers are no better: a level that is missed by less counts as reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatMap:
    """A sky map with pixels of one size, in the order of their numbers; all finite, none negative."""

    order: int
    is_nested: bool
    probability: NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiOrderMap:
    """A sky map with pixels (NESTED) of many sizes, none of which overlap; all finite, none negative."""

    orders: NDArray[np.int64]
    numbers: NDArray[np.int64]
    density: NDArray[np.float64]
    """Probability per steradian."""

    @property
    def probability(self) -> NDArray[np.float64]:
        """That of each pixel."""
        return self.density * (np.pi / 3.0) * 0.25**self.orders


def credible_cells(sky_map: FlatMap | MultiOrderMap, level: float) -> MOC:
    """Return the pixels that are at least as dense as the one with which ``level`` of the whole map is reached.

    Pixels of one density are taken all or none, so that the answer depends neither on how the map is numbered nor on
    how finely it is cut. A level of 1 takes every pixel that holds anything. ValueError for a level outside of (0, 1].
    """
    if not 0.0 < level <= 1.0:
        message = f"the credible level of a sky map must lie in (0, 1], not {level!r}"
        raise ValueError(message)
    if isinstance(sky_map, FlatMap):
        least = _least(sky_map.probability, None, level)
        taken = np.flatnonzero(sky_map.probability >= least)
        numbers = taken if sky_map.is_nested else HEALPix(nside=2**sky_map.order).ring_to_nested(taken)
        depths = np.full(len(numbers), sky_map.order, dtype=np.uint8)
        return MOC.from_healpix_cells(ipix=numbers.astype(np.uint64), depth=depths, max_depth=sky_map.order)
    dense = sky_map.density >= _least(sky_map.density, sky_map.probability, level)
    orders, numbers = sky_map.orders[dense], sky_map.numbers[dense]
    return MOC.from_healpix_cells(
        ipix=numbers.astype(np.uint64), depth=orders.astype(np.uint8), max_depth=int(orders.max())
    )


def _least(density: NDArray[np.floating], probability: NDArray[np.float64] | None, level: float) -> float:
    """Return the density of the last pixel that is needed; without ``probability`` pixels are of one size."""
    shown = density > 0.0
    if level == 1.0:
        return float(density[shown].min())
    # The densest first. Pixels of one size are sorted by value, without a table of places that is as large again.
    if probability is None:
        rising = density[shown]
        rising.sort()
        densest = rising[::-1]
        held = np.cumsum(densest, dtype=np.float64)
    else:
        by_density = np.argsort(density[shown])[::-1]
        densest = density[shown][by_density]
        held = np.cumsum(probability[shown][by_density])
    last = int(np.searchsorted(held, level * held[-1] * (1.0 - _ROUNDING)))
    return float(densest[last])
