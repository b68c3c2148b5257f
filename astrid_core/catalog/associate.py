"""Which detections are of the same object at rest.

What comes out depends on the set of detections alone: not on their order, and not on the portions in which they became
known. An object is named after the earliest of its detections, so that detections which arrive in the order of their
time never rename what is known; late ones may join two objects, or part one.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID, uuid5

from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.sphere import ARCSEC, unit_vectors

NAMESPACE = UUID("6b1c2f0e-6f0b-5b1e-9c53-0d0a5f2f7c11")
"""Objects are named inside this namespace, so that the same first detection always founds the same object."""

REACH = 5.0
"""Objects whose mean positions are so many radii apart have no say in each other: a detection lies within one radius
of the first one of its object, and so does the mean."""

_Direction = tuple[float, ...]
"""Unit vector."""
_AROUND = tuple(itertools.product((-1, 0, 1), repeat=3))


def entry_id(detection_id: str) -> UUID:
    """Return the identity of the object that a detection founds."""
    return uuid5(NAMESPACE, detection_id)


def ordered(points: Iterable[LightCurvePoint]) -> list[LightCurvePoint]:
    """Return the points by time, then exposure, then the name by which they found objects."""
    return sorted(points, key=lambda point: (point.mid_mjd, point.observation_id, point.root))


def by_entry(points: Iterable[LightCurvePoint]) -> dict[UUID, list[LightCurvePoint]]:
    """Return the points of each object, in their order."""
    found: dict[UUID, list[LightCurvePoint]] = {}
    for point in points:
        found.setdefault(point.entry_id, []).append(point)
    return found


def associate(points: Iterable[LightCurvePoint], *, radius_arcsec: float, max_chi2: float) -> Mapping[str, UUID]:
    """Return the object of each detection.

    Exposures are taken in the order of their time. A detection belongs to an object if it lies within
    ``radius_arcsec`` of the first one of it, and if its distance from the mean of all of them, over the errors of
    both, squared, is at most ``max_chi2`` (two degrees of freedom: 30 parts one in three million). Where the error is
    unknown only the radius decides. An exposure shows an object once: the least chi-square wins, the others found
    objects of their own. Takes a time that grows with the number of detections.
    """
    all_points = ordered(points)
    places = [tuple(place) for place in unit_vectors([point.position for point in all_points]).tolist()]
    unknown_arcsec = radius_arcsec / math.sqrt(max_chi2)
    variances = [(point.position_err_arcsec or unknown_arcsec) ** 2 for point in all_points]
    objects = _Objects(radius_arcsec=radius_arcsec, max_chi2=max_chi2)
    joined: dict[str, UUID] = {}
    for _, exposure in groupby(range(len(all_points)), key=lambda one: all_points[one].observation_id):
        found = list(exposure)
        offers = sorted(
            (chi2, all_points[one].root, str(known.identity), one, known)
            for one in found
            for chi2, known in objects.near(places[one], variances[one])
        )
        taken: set[UUID] = set()
        for _, _, _, one, known in offers:
            name = all_points[one].detection_id
            if name not in joined and known.identity not in taken:
                taken.add(known.identity)
                joined[name] = known.identity
                known.take(places[one], variances[one])
        for one in found:
            name = all_points[one].detection_id
            if name not in joined:
                joined[name] = objects.found(all_points[one].root, places[one], variances[one])
    return joined


@dataclass(slots=True)
class _Object:
    """What is known of one object while detections are being given out."""

    identity: UUID
    first: _Direction
    total: _Direction
    """Sum of directions over their variances."""
    weight: float

    def take(self, place: _Direction, variance: float) -> None:
        x, y, z = self.total
        self.total = (x + place[0] / variance, y + place[1] / variance, z + place[2] / variance)
        self.weight += 1.0 / variance

    def chi2(self, place: _Direction, variance: float) -> float:
        x, y, z = self.total
        mean = (x / self.weight, y / self.weight, z / self.weight)
        return _chord2(place, mean) / ARCSEC**2 / (variance + 1.0 / self.weight)


class _Objects:
    """Objects by place: in boxes as wide as the radius, so that what is near lies in a box or beside it."""

    def __init__(self, *, radius_arcsec: float, max_chi2: float) -> None:
        self._reach = 2.0 * math.sin(radius_arcsec * ARCSEC / 2.0)
        self._max_chi2 = max_chi2
        self._boxes: dict[tuple[int, int, int], list[_Object]] = {}

    def near(self, place: _Direction, variance: float) -> Sequence[tuple[float, _Object]]:
        """Return the objects that a detection may belong to, with chi-square."""
        x, y, z = self._box(place)
        known = (one for i, j, k in _AROUND for one in self._boxes.get((x + i, y + j, z + k), ()))
        offers = ((one.chi2(place, variance), one) for one in known if _chord2(place, one.first) <= self._reach**2)
        return [(chi2, one) for chi2, one in offers if chi2 <= self._max_chi2]

    def found(self, root: str, place: _Direction, variance: float) -> UUID:
        """Let a detection found an object."""
        total = (place[0] / variance, place[1] / variance, place[2] / variance)
        new = _Object(identity=entry_id(root), first=place, total=total, weight=1.0 / variance)
        self._boxes.setdefault(self._box(place), []).append(new)
        return new.identity

    def _box(self, place: _Direction) -> tuple[int, int, int]:
        x, y, z = place
        return math.floor(x / self._reach), math.floor(y / self._reach), math.floor(z / self._reach)


def _chord2(one: _Direction, other: _Direction) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2
