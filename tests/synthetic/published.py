"""A simulated year as it is published: night by night, or in portions and in any order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.stages.held_sky import HeldSky, hold_sky
from astrid_core.stages.moving import Tracklets
from astrid_core.stages.objects import Changes, gather, write
from astrid_core.stages.services import Records, Services
from tests.catalog.night import observation
from tests.synthetic.sky_year import year_of

CONFIG = PublishConfig()
FIELDS = {
    "a": (0.0, 30.0),
    "b": (45.0, 41.8103),
    "c": (359.0, -87.0),
}
"""On RA 0; on a corner of cells of every order; where cells are narrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What is published at once: of one night."""

    night: str
    points: tuple[LightCurvePoint, ...]


def portions_of(n_objects: int, *, n_lunations: int, seed: int | None) -> list[Portion]:
    """Return the year of so many objects in each field: its nights in their order, or, with a seed, halves of them in
    any order.
    """
    years = [
        year_of(n_objects, seed=11, side_deg=0.1, centre=centre, n_lunations=n_lunations, field=field)
        for field, centre in FIELDS.items()
    ]
    whole = [Portion(night=night, points=tuple(points)) for year in years for night, points in year.nights().items()]
    if seed is None:
        return sorted(whole, key=lambda portion: (portion.night, portion.points[0].detection_id))
    rng = np.random.default_rng(seed)
    halves = []
    for portion in whole:
        part = rng.integers(0, 2, len(portion.points))
        for half in (0, 1):
            points = tuple(point for point, of in zip(portion.points, part, strict=True) if of == half)
            halves.append(replace(portion, points=points))
    return [halves[number] for number in rng.permutation(len(halves))]


def record_exposures(records: Records, portions: Iterable[Portion]) -> None:
    """Record what the points are of."""
    points = (point for portion in portions for point in portion.points)
    for name, mid_mjd in sorted({(point.observation_id, point.mid_mjd) for point in points}):
        survey, _, archive_id = name.partition(":")
        records.observations.add(replace(observation(1, mid_mjd=mid_mjd), survey=survey, archive_id=archive_id))


def publish(services: Services, portion: Portion, *, before_end: Callable[[], None] = lambda: None) -> Changes:
    """Publish a portion as the stage does; ``before_end`` is called when all is written and nothing visible yet."""
    tracklets = Tracklets(CONFIG)

    def change(records: Records, held: HeldSky) -> Changes:
        tonight = [*records.catalog.points_of_night("sim", portion.night), *portion.points]
        changes = write(records, gather(records, tonight, tracklets.of(tonight), CONFIG, held))
        before_end()
        return changes

    return hold_sky(services, "sim", [portion.night], CONFIG, change)
