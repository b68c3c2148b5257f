"""Which moving objects of different nights are the same.

What comes out depends on the set of tracklets alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.sphere import ARCSEC, axes
from astrid_core.catalog.tracklets import Tracklet, fit_tracklet

_HALF_A_DAY = 0.5
_PAIRS_AT_ONCE = 100_000
_SIGMAS = 5.0
_Offer = tuple[float, float, tuple[str, ...], tuple[str, ...]]


def link(tracklets: Sequence[Tracklet], config: PublishConfig) -> tuple[tuple[Tracklet, ...], ...]:
    """Return chains of tracklets, each in the order of time; each tracklet is in exactly one.

    Each has at most one before and one after it: the shortest gaps are closed first, of those of one length the best
    fit.
    """
    in_time = sorted(tracklets, key=lambda one: (one.mid_mjd, one.names))
    by_names = {one.names: one for one in in_time}
    after: dict[tuple[str, ...], tuple[str, ...]] = {}
    before: dict[tuple[str, ...], tuple[str, ...]] = {}
    for _, _, one, other in sorted(_offers(in_time, config)):
        if one not in after and other not in before:
            after[one], before[other] = other, one
    chains = []
    for first in in_time:
        if first.names in before:
            continue
        chain = [first]
        while chain[-1].names in after:
            chain.append(by_names[after[chain[-1].names]])
        chains.append(tuple(chain))
    return tuple(chains)


def misfits(earlier: Sequence[Tracklet], later: Sequence[Tracklet], config: PublishConfig) -> NDArray[np.float64]:
    """Return of each pair how badly a later tracklet continues an earlier one: at most 1 where it may, infinity where
    it cannot.

    Between them the mean of both velocities leads from the one place to the other, exactly so under a constant
    acceleration. What departs from it is compared with what parallax and errors may do, and likewise the change of
    velocity.
    """
    return _misfits(_Lines.of(earlier), _Lines.of(later), config)


def _misfits(one: "_Lines", other: "_Lines", config: PublishConfig) -> NDArray[np.float64]:
    motion = config.motion
    days = other.mid_mjd - one.mid_mjd
    around = one.places + other.places
    around = around / np.linalg.norm(around, axis=1)[:, None]
    start, start_velocity = one.on_plane(around)
    end, end_velocity = other.on_plane(around)
    hours = 24.0 * days
    off = np.linalg.norm(end - start - hours[:, None] * (start_velocity + end_velocity) / 2.0, axis=1)
    turn = np.linalg.norm(end_velocity - start_velocity, axis=1)
    velocity_err = np.hypot(one.velocity_err, other.velocity_err)
    place_err = np.sqrt(one.place_err**2 + other.place_err**2 + (hours / 2.0 * velocity_err) ** 2)
    max_off = motion.parallax_arcsec_h * np.abs(hours) + _SIGMAS * place_err
    max_turn = motion.max_turn_arcsec_h_day * np.abs(days) + 2.0 * motion.parallax_arcsec_h + _SIGMAS * velocity_err
    is_next = (days > _HALF_A_DAY) & (days <= motion.max_gap_days)
    return np.where(is_next, np.maximum(off / max_off, turn / max_turn), np.inf)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Tracklets as arrays; places and velocities (radians per hour) as vectors, shape (n, 3)."""

    mid_mjd: NDArray[np.float64]
    places: NDArray[np.float64]
    velocities: NDArray[np.float64]
    place_err: NDArray[np.float64]
    velocity_err: NDArray[np.float64]

    @classmethod
    def of(cls, tracklets: Sequence[Tracklet]) -> "_Lines":
        return cls(
            mid_mjd=np.array([one.mid_mjd for one in tracklets]),
            places=np.stack([one.place for one in tracklets]),
            velocities=np.stack([_vector(one) for one in tracklets]),
            place_err=np.array([one.place_err_arcsec for one in tracklets]),
            velocity_err=np.array([one.velocity_err for one in tracklets]),
        )

    def take(self, which: NDArray[np.intp]) -> "_Lines":
        return _Lines(*(getattr(self, one.name)[which] for one in fields(self)))

    def on_plane(self, around: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return places and velocities as the gnomonic planes about ``around`` (n, 3) show them, arcsec and hours."""
        basis = np.stack(axes(around), axis=1)
        ahead, along = (self.places * around).sum(axis=1)[:, None], (self.velocities * around).sum(axis=1)[:, None]
        place = np.einsum("nij,nj->ni", basis, self.places) / ahead
        # The derivative of the projection.
        velocity = np.einsum("nij,nj->ni", basis, self.velocities) / ahead - place * along / ahead
        return place / ARCSEC, velocity / ARCSEC


def _vector(tracklet: Tracklet) -> NDArray[np.float64]:
    east, north = axes(tracklet.place)
    return np.asarray((tracklet.velocity[0] * east + tracklet.velocity[1] * north) * ARCSEC)


def tracklets_of(points: Sequence[LightCurvePoint], config: PublishConfig) -> tuple[Tracklet, ...]:
    """Return the tracklets that a moving object was made of: one per survey and night."""
    tracklets = []
    surveys = sorted({point.observation_id.partition(":")[0] for point in points})
    for survey in surveys:
        own = sorted(
            (point for point in points if point.observation_id.partition(":")[0] == survey),
            key=lambda point: (point.mid_mjd, point.detection_id),
        )
        breaks = [number for number, (a, b) in enumerate(pairwise(own), 1) if b.mid_mjd - a.mid_mjd > _HALF_A_DAY]
        edges = [0, *breaks, len(own)]
        tracklets += [fit_tracklet(own[first:behind], config) for first, behind in pairwise(edges)]
    return tuple(tracklets)


def _offers(in_time: Sequence[Tracklet], config: PublishConfig) -> list[_Offer]:
    if len(in_time) < 2:
        return []
    earlier, later = _within_reach(in_time, config)
    lines = _Lines.of(in_time)
    offers = []
    for first in range(0, len(earlier), _PAIRS_AT_ONCE):
        some, others = earlier[first : first + _PAIRS_AT_ONCE], later[first : first + _PAIRS_AT_ONCE]
        badness = _misfits(lines.take(some), lines.take(others), config)
        for number in np.flatnonzero(badness <= 1.0):
            one, other = in_time[some[number]], in_time[others[number]]
            offers.append((float(round(other.mid_mjd - one.mid_mjd)), float(badness[number]), one.names, other.names))
    return offers


def _within_reach(in_time: Sequence[Tracklet], config: PublishConfig) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs that the fastest object could connect: the earlier ones, and the later ones."""
    reach_a_day = math.radians(config.motion.max_rate_arcsec_h * 24.0 / 3600.0)
    places = np.stack([one.place for one in in_time])
    times = np.array([one.mid_mjd for one in in_time])
    farthest = 2.0 * math.sin(min(reach_a_day * config.motion.max_gap_days, math.pi) / 2.0)
    pairs = np.sort(KDTree(places).query_pairs(farthest, output_type="ndarray"), axis=1)
    days = times[pairs[:, 1]] - times[pairs[:, 0]]
    chords = np.linalg.norm(places[pairs[:, 1]] - places[pairs[:, 0]], axis=1)
    is_near = chords <= np.minimum(reach_a_day * days, math.pi)
    is_next = (days > _HALF_A_DAY) & (days <= config.motion.max_gap_days)
    return pairs[is_near & is_next, 0], pairs[is_near & is_next, 1]
