"""What a survey measures of known objects in a year: stars, nuclei, transients and asteroids, with position errors.

Two successive nights of each lunation, four exposures a night of the same field; asteroids keep their
acceleration for the two nights and are others in the next lunation.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.catalog.associate import entry_id
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.sphere import from_plane
from astrid_core.observations.entities import night_of
from astrid_core.shared.sky import SkyPosition

ARCSEC = 1.0 / 3600.0
N_EXPOSURES = 4
GAP_H = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Measurements, and which object each is of."""

    points: tuple[LightCurvePoint, ...]
    truth: dict[str, str]
    """Detection to object; an asteroid is one object per lunation."""

    def nights(self) -> dict[str, list[LightCurvePoint]]:
        """By night, as they are published."""
        found: dict[str, list[LightCurvePoint]] = {}
        for point in self.points:
            found.setdefault(night_of(point.mid_mjd), []).append(point)
        return found


def year_of(
    n_objects: int,
    *,
    seed: int,
    side_deg: float = 1.0,
    centre: tuple[float, float] = (0.05, 30.0),
    p_seen: float = 0.9,
    n_lunations: int = 10,
    field: str = "",
) -> Year:
    """Return the year of so many objects: half stars, a quarter nuclei, the rest transients and asteroids.

    An object at rest is seen in an exposure with ``p_seen``; asteroids in all. Errors are 0.03 to 0.2 arcsec per axis.
    Years of different ``field`` have no name in common.
    """
    rng = np.random.default_rng(seed)
    n_moving = n_objects // 8
    n_rest = n_objects - n_moving
    around = _direction(*centre)
    half = side_deg * 3600.0 / 2.0
    at_rest = rng.uniform(-half, half, (n_rest, 2))
    born = np.where(np.arange(n_rest) < 3 * n_objects // 4, -1.0, rng.uniform(0.0, 300.0, n_rest))
    dies = np.where(born < 0.0, 1e9, born + rng.uniform(30.0, 120.0, n_rest))
    points: list[LightCurvePoint] = []
    truth: dict[str, str] = {}
    for lunation in range(n_lunations):
        start = rng.uniform(-half, half, (n_moving, 2))
        velocity = _turned(rng.uniform(20.0, 45.0, n_moving), rng.uniform(0.0, 2.0 * math.pi, n_moving))
        turning = _turned(rng.uniform(0.0, 0.6, n_moving), rng.uniform(0.0, 2.0 * math.pi, n_moving)) / 24.0
        for night in range(2):
            for exposure in range(N_EXPOSURES):
                hours = 24.0 * night + GAP_H * exposure
                mjd = 60300.0 + 29.5 * lunation + hours / 24.0
                day = mjd - 60300.0
                is_seen = (born <= day) & (day <= dies) & (rng.random(n_rest) < p_seen)
                moved = start + velocity * hours + 0.5 * turning * hours**2
                places = np.concatenate([at_rest[is_seen], moved])
                names = [f"rest {field}{one}" for one in np.flatnonzero(is_seen)]
                names += [f"moving {field}{lunation} {one}" for one in range(n_moving)]
                errors = 0.03 + 0.17 * rng.random(len(places))
                measured = places + rng.normal(size=places.shape) * errors[:, None]
                label = f"{field}{lunation:02d}{night}"
                for number, (place, err) in enumerate(zip(measured, errors, strict=True)):
                    one = _point(f"run-{label}-{exposure}:{number}", f"sim:{label}-{exposure}", mjd, place, around, err)
                    points.append(one)
                    truth[one.detection_id] = names[number]
    return Year(points=tuple(points), truth=truth)


def _point(
    name: str, exposure: str, mjd: float, place: NDArray[np.float64], around: NDArray[np.float64], err: float
) -> LightCurvePoint:
    x, y, z = from_plane(place, around)
    position = SkyPosition(ra_deg=math.degrees(math.atan2(y, x)) % 360.0, dec_deg=math.degrees(math.asin(z)))
    return LightCurvePoint(
        entry_id=entry_id(name),
        detection_id=name,
        observation_id=exposure,
        reference_digest="f" * 64,
        position=position,
        position_err_arcsec=float(err),
        band="r",
        mid_mjd=mjd,
        flux=1000.0,
        flux_err=100.0,
        mag_ab=21.5,
        mag_err=0.1,
        significance=10.0,
        score=0.9,
    )


def _direction(ra_deg: float, dec_deg: float) -> NDArray[np.float64]:
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])


def _turned(length: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([length * np.sin(angle), length * np.cos(angle)], axis=-1)
