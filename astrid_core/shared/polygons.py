"""Polygons on the sphere: which places lie in one, and how far they are from its edge.

Corners are joined by great circles. A polygon is the smaller of the two parts into which its edge cuts the sky,
whichever way round its corners are named; it may be concave, hold a pole and lie across RA 0.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_CORNERS = 1000
"""Every place is compared with every edge."""
_LEAST_WIDTH_RAD = 1e-13
"""Below it rounding decides what is inside."""
_SAME_RAD = 1e-14
_HALF_THE_SKY = 2.0 * math.pi
_BATCH = 2_000_000
"""Places times edges that are compared at once."""


def unit_vectors(ra_deg: "Floats | Sequence[float]", dec_deg: "Floats | Sequence[float]") -> Floats:
    """Return directions as vectors, one a row."""
    ra, dec = np.radians(np.asarray(ra_deg, dtype=float)), np.radians(np.asarray(dec_deg, dtype=float))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


class SphericalPolygon:
    """A polygon with great circles as edges; ValueError says why corners make none."""

    def __init__(self, ra_deg: Sequence[float], dec_deg: Sequence[float]) -> None:
        if not 3 <= len(ra_deg) <= MOST_CORNERS:
            message = f"a polygon has at least three corners and at most {MOST_CORNERS}, not {len(ra_deg)}"
            raise ValueError(message)
        self._from = unit_vectors(ra_deg, dec_deg)
        self._to = np.roll(self._from, -1, axis=0)
        self._along = self._to - self._from
        self._normals = np.cross(self._from, self._along)
        self._refuse_bad_corners()
        self._refuse_crossings()
        self._refuse_no_area()
        self._start, self._start_is_inside = self._find_start()

    def contains(self, places: Floats) -> Bools:
        """Tell which vectors, one a row, lie inside; on the edge rounding decides."""
        step = max(1, _BATCH // len(self._from))
        parts = [self._crosses_oddly(places[at : at + step]) for at in range(0, len(places), step)]
        return np.asarray(np.concatenate([np.zeros(0, dtype=bool), *parts]) != self._start_is_inside, dtype=bool)

    def edge_distance(self, places: Floats) -> Floats:
        """Return how far each vector is from the edge, radians."""
        units = self._normals / np.linalg.norm(self._normals, axis=1)[:, None]
        # By differences, which are exact for small angles.
        apart = places[:, None, :] - self._from
        chords = np.linalg.norm(apart, axis=2)
        to_corner = 2.0 * np.arcsin(np.minimum(chords / 2.0, 1.0))
        beside = np.arcsin(np.minimum(np.abs(np.einsum("pei,ei->pe", apart, units)), 1.0))
        forward = places @ np.cross(units, self._from).T >= 0.0
        backward = places @ np.cross(self._to, units).T >= 0.0
        nearest = np.where(forward & backward, beside, to_corner)
        return np.asarray(nearest.min(axis=1), dtype=float)

    @cached_property
    def size_rad(self) -> float:
        """How far the corners are from the first one at most."""
        chord = np.linalg.norm(self._from - self._from[0], axis=1).max()
        return float(2.0 * np.arcsin(min(chord / 2.0, 1.0)))

    def _refuse_bad_corners(self) -> None:
        for number, corner in enumerate(self._from[:-1]):
            same = np.flatnonzero(np.linalg.norm(self._from[number + 1 :] - corner, axis=1) < _SAME_RAD)
            if same.size:
                message = f"corners {number + 1} and {number + 2 + int(same[0])} of a polygon are the same place"
                raise ValueError(message)
        opposite = np.flatnonzero(np.linalg.norm(self._from + self._to, axis=1) < 1e-9)
        if opposite.size:
            message = (
                f"corner {int(opposite[0]) + 1} of a polygon is opposite to the next: many great circles join them"
            )
            raise ValueError(message)

    def _refuse_crossings(self) -> None:
        n = len(self._from)
        for number in range(n - 2):
            # Neighbours share a corner; the last edge is a neighbour of the first.
            others = slice(number + 2, n - 1 if number == 0 else n)
            crossed = self._crossings(self._from[number], self._to[number][None, :])[0, others]
            if crossed.any():
                message = f"edges {number + 1} and {number + 3 + int(np.argmax(crossed))} of a polygon cross"
                raise ValueError(message)

    def _refuse_no_area(self) -> None:
        width = abs(self._area_from(self._middle)) / np.linalg.norm(self._along, axis=1).sum()
        if width < _LEAST_WIDTH_RAD:
            raise ValueError("a polygon needs an area: its corners lie on one great circle")

    @property
    def _middle(self) -> Floats:
        middle = self._from.sum(axis=0)
        length = float(np.linalg.norm(middle))
        return np.asarray(middle / length if length > _SAME_RAD else self._find_far(), dtype=float)

    def _find_start(self) -> tuple[Floats, bool]:
        """Return a place from which arcs are drawn, and whether it lies inside."""
        start = self._find_far()
        # From inside a hemisphere small areas are exact; elsewhere they are not small.
        middle = self._middle
        left = self._area_from(middle if (self._from @ middle).min() > 0.0 else start) % (2.0 * _HALF_THE_SKY)
        if abs(left - _HALF_THE_SKY) < 1e-9:
            raise ValueError("a polygon must not cut the sky into halves: there is no smaller part")
        # The first edge, seen from the start, is crossed from one of its sides; the others between are counted.
        target = self._from[0] + 0.5 * self._along[0]
        target /= np.linalg.norm(target)
        between = int(self._crossings(start, target[None, :])[0, 1:].sum())
        is_left = (float(self._normals[0] @ start) > 0.0) != (between % 2 == 1)
        return start, is_left == (left < _HALF_THE_SKY)

    def _find_far(self) -> Floats:
        """Return the one of some places that, with the place opposite, is farthest from the edge."""
        golden = np.arange(40) * math.pi * (3.0 - math.sqrt(5.0)) + 0.123
        heights = 1.0 - (np.arange(40) + 0.5) / 40.0
        some = unit_vectors(np.degrees(golden), np.degrees(np.arcsin(heights)))
        reach = np.minimum(self.edge_distance(some), self.edge_distance(-some))
        return np.asarray(some[int(np.argmax(reach))], dtype=float)

    def _area_from(self, base: Floats) -> float:
        """Return the area to the left of the edge, or that less the whole sky, steradians (Eriksson 1990)."""
        apart = self._from - base
        volume = np.einsum("ei,ei->e", np.cross(apart, self._to - base), np.broadcast_to(base, apart.shape))
        cosines = 1.0 + self._from @ base + self._to @ base + np.einsum("ei,ei->e", self._from, self._to)
        return float((2.0 * np.arctan2(volume, cosines)).sum())

    def _crosses_oddly(self, places: Floats) -> Bools:
        return np.asarray(self._crossings(self._start, places).sum(axis=1) % 2 == 1)

    def _crossings(self, start: Floats, places: Floats) -> Bools:
        """Tell which arcs from ``start`` to each place cross which edges."""
        # By differences, so that tiny polygons are as exact as large ones.
        planes = np.cross(start, places - start)
        # To the place opposite every great circle leads: one is as good as the other.
        lost = np.linalg.norm(planes, axis=1) < _SAME_RAD
        planes[lost] = np.cross(start, np.eye(3)[int(np.argmin(np.abs(start)))])
        sides = planes @ (self._from - start).T >= 0.0
        start_sides = np.einsum("ei,ei->e", start - self._from, self._normals) >= 0.0
        place_sides = np.einsum("pei,ei->pe", places[:, None, :] - self._from, self._normals) >= 0.0
        crosses = (sides != np.roll(sides, -1, axis=1)) & (start_sides != place_sides) & (sides != start_sides)
        return np.asarray(crosses, dtype=bool)
