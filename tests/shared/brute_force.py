"""Regions whose places are known by dot products of vectors alone, and places where searches go wrong."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy_healpix import HEALPix
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CENTRES = ((0.0, 90.0), (77.0, -90.0), (123.0, 89.7), (0.0, 0.0), (359.9999, -30.0), (180.0, 41.8103149), (45.0, 0.0))
"""The poles, beside one, over RA 0, where HEALPix bends, where four of its cells meet."""
CONE_RADII_DEG = (1e-8, 0.2 / 3600.0, 1.0 / 60.0, 1.0, 20.0, 89.999, 90.001, 91.0, 133.0, 179.5, 180.0)
POLYGON_RADII_DEG = (0.3 / 3600.0, 0.02, 3.0, 50.0, 110.0, 170.0)
ROUND = (1.0, 1.0, 1.0, 1.0, 1.0)
STAR = (1.0, 0.35, 0.9, 0.4, 1.0, 0.3, 0.8, 0.45)
"""Distances of corners from the middle: a convex polygon, and one that is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A region, and what lies in it."""

    text: str
    holds: Callable[[Floats], Bools]
    """Of vectors, one a row."""
    near: Floats
    """Places close to its edge."""


def vectors(ra_deg: Floats, dec_deg: Floats) -> Floats:
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def positions(places: Floats) -> tuple[Floats, Floats]:
    ra = np.degrees(np.arctan2(places[:, 1], places[:, 0])) % 360.0
    return np.where(ra >= 360.0, 0.0, ra), np.degrees(np.arctan2(places[:, 2], np.hypot(places[:, 0], places[:, 1])))


def anywhere(n: int, *, seed: int = 1) -> Floats:
    found = np.random.default_rng(seed).normal(size=(n, 3))
    return np.asarray(found / np.linalg.norm(found, axis=1)[:, None], dtype=float)


def around(centre: tuple[float, float], distance_deg: Floats, bearing_deg: Floats) -> Floats:
    """Return places so far from a centre, in that direction from the north of it."""
    ra, dec = math.radians(centre[0]), math.radians(centre[1])
    middle = np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])
    east = np.array([-math.sin(ra), math.cos(ra), 0.0])
    north = np.cross(middle, east)
    far, turn = np.radians(distance_deg)[:, None], np.radians(bearing_deg)[:, None]
    return np.asarray(np.cos(far) * middle + np.sin(far) * (np.cos(turn) * north + np.sin(turn) * east), dtype=float)


def cone(centre: tuple[float, float], radius_deg: float) -> Known:
    rng = np.random.default_rng(2)
    middle = vectors(np.array([centre[0]]), np.array([centre[1]]))[0]
    chord = 2.0 * math.sin(math.radians(radius_deg) / 2.0)
    # The ninth digit of an angle of milliarcseconds is the last of its coordinates.
    off = np.concatenate([rng.uniform(-1.0, 1.0, 20), *(rng.choice([-1, 1], 20) * size for size in (1e-2, 1e-4))])
    distance = np.clip(radius_deg * (1.0 + off), 0.0, 180.0)
    return Known(
        text=f"cone({centre[0]!r},{centre[1]!r},{radius_deg!r}deg)",
        holds=lambda places: np.linalg.norm(places - middle, axis=1) <= chord,
        near=around(centre, distance, rng.uniform(0.0, 360.0, len(off))),
    )


def polygon(centre: tuple[float, float], radius_deg: float, shape: Sequence[float], *, backwards: bool) -> Known:
    """Return a polygon of which every corner is seen from its middle: it is made of triangles."""
    rng = np.random.default_rng(3)
    bearings = 11.0 + np.arange(len(shape)) * 360.0 / len(shape)
    corners = around(centre, radius_deg * np.array(shape), -bearings if backwards else bearings)
    # As they are written: what is asked for is exactly these.
    ra_deg, dec_deg = positions(corners)
    corners, following = vectors(ra_deg, dec_deg), np.roll(vectors(ra_deg, dec_deg), -1, axis=0)
    middle = vectors(np.array([centre[0]]), np.array([centre[1]]))[0]
    sign = 1.0 if float(np.cross(corners[0] - middle, following[0] - middle) @ middle) > 0.0 else -1.0

    def in_triangles(places: Floats) -> Bools:
        # The middle is a corner of all triangles, and in none.
        found = np.linalg.norm(places - middle, axis=1) < 1e-14
        for one, two in zip(corners, following, strict=True):
            sides = [
                sign * ((places - start) @ np.cross(start, end - start))
                for start, end in ((middle, one), (one, two), (two, middle))
            ]
            found |= (sides[0] >= 0.0) & (sides[1] >= 0.0) & (sides[2] > 0.0)
        return np.asarray(found, dtype=bool)

    is_larger_part = in_triangles(anywhere(100_000)).mean() > 0.5
    picked = rng.integers(0, len(shape), 40)
    edge = corners[picked] + rng.uniform(0.0, 1.0, (40, 1)) * (following - corners)[picked]
    near = edge + rng.normal(size=(40, 3)) * math.radians(radius_deg) * 10.0 ** rng.uniform(-4.0, -1.0, (40, 1))
    told = ", ".join(f"{ra!r} {dec!r}" for ra, dec in zip(ra_deg.tolist(), dec_deg.tolist(), strict=True))
    return Known(
        text=f"polygon({told})",
        holds=lambda places: in_triangles(places) != is_larger_part,
        near=near / np.linalg.norm(near, axis=1)[:, None],
    )


def cells(text: str, wanted: Sequence[tuple[int, int, int]]) -> Known:
    """Return a region of cells: of each order those from one number to another."""

    def holds(places: Floats) -> Bools:
        ra, dec = positions(places)
        found = np.zeros(len(places), dtype=bool)
        for order, first, last in wanted:
            number = HEALPix(nside=2**order, order="nested").lonlat_to_healpix(ra * u.deg, dec * u.deg)
            found |= (number >= first) & (number <= last)
        return found

    rng = np.random.default_rng(4)
    near = []
    for order, first, last in wanted:
        edge = HEALPix(nside=2**order, order="nested").boundaries_lonlat(np.array([first, last]), step=5)
        there = vectors(edge[0].deg.ravel(), edge[1].deg.ravel())
        near.append(there + rng.normal(size=there.shape) * math.radians(58.6 / 2**order) * 1e-3)
    places = np.concatenate(near)
    return Known(text=text, holds=holds, near=places / np.linalg.norm(places, axis=1)[:, None])


def known_regions() -> list[Known]:
    """Return cones, polygons, cells and MOCs of every size, everywhere it is hard."""
    cones = [cone(centre, radius) for centre in CENTRES for radius in CONE_RADII_DEG]
    polygons = [
        polygon(centre, radius, shape, backwards=number % 2 == 1)
        for number, centre in enumerate(CENTRES)
        for radius in POLYGON_RADII_DEG
        for shape in (ROUND, STAR)
    ]
    others = [
        cells("cells(3/0, 3/5, 4/1000)", [(3, 0, 0), (3, 5, 5), (4, 1000, 1000)]),
        cells("cells(6/18773,6/18090)", [(6, 18773, 18773), (6, 18090, 18090)]),
        cells("cells(0/0, 0/3, 20/7696581394432)", [(0, 0, 0), (0, 3, 3), (20, 7696581394432, 7696581394432)]),
        cells("cells(26/18014398509481984)", [(26, 18014398509481984, 18014398509481984)]),
        cells("moc(2/0-7 5/6000-6100)", [(2, 0, 7), (5, 6000, 6100)]),
        cells("moc(0/0-8 2/150-170)", [(0, 0, 8), (2, 150, 170)]),
        cells("moc(0/0-11)", [(0, 0, 11)]),
    ]
    return cones + polygons + others
