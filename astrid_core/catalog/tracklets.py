"""Detections of one night that move: at most one in each exposure, on a straight line, at one speed.

What comes out depends on the set of detections of the night alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.stats import chi2 as chi2_distribution

from astrid_core.catalog.associate import ordered
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint, Motion
from astrid_core.catalog.sphere import ARCSEC, from_plane, on_plane, unit_vectors

_HOURS = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracklet:
    """One object that moved during a night."""

    points: tuple[LightCurvePoint, ...]
    """In the order of time."""
    mid_mjd: float
    """When its place is best known."""
    place: NDArray[np.float64]
    """Direction at ``mid_mjd``, shape (3,)."""
    velocity: tuple[float, float]
    """East and north, arcsec per hour."""
    place_err_arcsec: float
    velocity_err: float
    """Per axis, arcsec per hour."""
    chi2: float
    """Of the straight line, with 2 n - 4 degrees of freedom."""

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of its detections."""
        return tuple(point.detection_id for point in self.points)

    @property
    def motion(self) -> Motion:
        """How fast it moves, and where to."""
        east, north = self.velocity
        return Motion(rate_arcsec_h=math.hypot(east, north), angle_deg=math.degrees(math.atan2(east, north)) % 360.0)


def fit_tracklet(points: Sequence[LightCurvePoint], config: PublishConfig) -> Tracklet:
    """Return the straight line at one speed that fits two points or more best."""
    in_time = ordered(points)
    places = unit_vectors([point.position for point in in_time])
    errors = _errors(in_time, config)
    hours = np.array([point.mid_mjd for point in in_time]) * _HOURS
    weights = errors**-2
    mid = float(weights @ hours / weights.sum())
    around = places.sum(axis=0) / np.linalg.norm(places.sum(axis=0))
    plane = on_plane(places, around)
    since = hours - mid
    place, velocity = weights @ plane / weights.sum(), (weights * since) @ plane / (weights @ since**2)
    residuals = plane - place - since[:, None] * velocity
    return Tracklet(
        points=tuple(in_time),
        mid_mjd=mid / _HOURS,
        place=from_plane(place, around),
        velocity=(float(velocity[0]), float(velocity[1])),
        place_err_arcsec=float(weights.sum() ** -0.5),
        velocity_err=float((weights @ since**2) ** -0.5),
        chi2=float(weights @ (residuals**2).sum(axis=1)),
    )


def find_tracklets(points: Sequence[LightCurvePoint], config: PublishConfig) -> tuple[Tracklet, ...]:
    """Return what moved, each detection in at most one: the longest first, of those of one length the straightest.

    A detection that another exposure of the night shows at the same place is at rest. Two points always lie on a line:
    at least ``config.motion.min_points`` exposures must show the object.
    """
    lonely = _lonely(ordered(points), config)
    lines = (fit_tracklet([lonely[one] for one in members], config) for members in _lines(lonely, config))
    offers = sorted(
        (line for line in lines if line.chi2 <= _limit(len(line.points), config)),
        key=lambda found: (-len(found.points), found.chi2, found.names),
    )
    taken: set[str] = set()
    chosen = []
    for found in offers:
        if taken.isdisjoint(found.names):
            taken.update(found.names)
            chosen.append(found)
    return tuple(sorted(chosen, key=lambda found: found.names))


def _lonely(points: Sequence[LightCurvePoint], config: PublishConfig) -> list[LightCurvePoint]:
    """Return the points that no other exposure confirms where they are."""
    if len(points) < config.motion.min_points:
        return []
    places, errors = unit_vectors([point.position for point in points]), _errors(points, config)
    pairs = KDTree(places).query_pairs(config.match_radius_arcsec * ARCSEC, output_type="ndarray")
    one, other = pairs[:, 0], pairs[:, 1]
    offs = ((places[one] - places[other]) ** 2).sum(axis=1) / ARCSEC**2
    exposures = np.array([point.observation_id for point in points])
    is_same = (offs <= config.max_chi2 * (errors[one] ** 2 + errors[other] ** 2)) & (exposures[one] != exposures[other])
    at_rest = set(pairs[is_same].ravel().tolist())
    return [point for number, point in enumerate(points) if number not in at_rest]


def _lines(points: Sequence[LightCurvePoint], config: PublishConfig) -> set[tuple[int, ...]]:
    """Return the points, by number, that may lie on a line."""
    if len(points) < config.motion.min_points:
        return set()
    motion = config.motion
    places, errors = unit_vectors([point.position for point in points]), _errors(points, config)
    hours = np.array([point.mid_mjd for point in points]) * _HOURS
    exposures = np.unique([point.observation_id for point in points], return_inverse=True)[1]
    reach = 2.0 * math.sin(min(motion.max_rate_arcsec_h * motion.max_arc_h * ARCSEC, math.pi) / 2.0)
    found: set[tuple[int, ...]] = set()
    for first, near in enumerate(KDTree(places).query_ball_point(places, reach)):
        later = np.array([one for one in near if 0.0 < hours[one] - hours[first] <= motion.max_arc_h], dtype=np.intp)
        if len(later) < motion.min_points - 1:
            continue
        plane, since = on_plane(places[later], places[first]), hours[later] - hours[first]
        speed = np.hypot(plane[:, 0], plane[:, 1]) / since
        for second in np.flatnonzero(speed <= motion.max_rate_arcsec_h):
            part = since / since[second]
            offs = ((plane - part[:, None] * plane[second]) ** 2).sum(axis=1)
            variances = (errors[first] * (1.0 - part)) ** 2 + (errors[later[second]] * part) ** 2 + errors[later] ** 2
            chi2 = offs / variances
            chi2[second] = 0.0
            members = _best_of_each(chi2, exposures[later], np.flatnonzero(chi2 <= config.max_chi2))
            if len(members) >= motion.min_points - 1:
                found.add((first, *(int(later[one]) for one in members)))
    return found


def _best_of_each(chi2: NDArray[np.float64], exposures: NDArray[np.intp], offered: NDArray[np.intp]) -> list[int]:
    """Return the offered one of each exposure with the least chi-square."""
    best: dict[int, int] = {}
    for one in sorted(offered.tolist(), key=lambda one: (chi2[one], one)):
        best.setdefault(int(exposures[one]), one)
    return sorted(best.values())


def _limit(n_points: int, config: PublishConfig) -> float:
    # As rarely exceeded by a straight line as max_chi2 is by an object at rest.
    return float(chi2_distribution.isf(math.exp(-config.max_chi2 / 2.0), 2 * n_points - 4))


def _errors(points: Sequence[LightCurvePoint], config: PublishConfig) -> NDArray[np.float64]:
    unknown = config.match_radius_arcsec / math.sqrt(config.max_chi2)
    return np.array([point.position_err_arcsec or unknown for point in points])
