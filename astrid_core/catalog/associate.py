"""Which detections are of the same object.

The result for a set of detections does not depend on the order in which they are given. Published in several portions
it may: an object is named after the first of its detections that was published, and what is published is never taken
apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID, uuid5

from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.measure import Measurement
from astrid_core.catalog.sphere import mean_position, neighbours
from astrid_core.shared.sky import SkyPosition

NAMESPACE = UUID("6b1c2f0e-6f0b-5b1e-9c53-0d0a5f2f7c11")
"""Objects are named inside this namespace, so that the same first detection always founds the same object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """The objects that detections belong to."""

    joined: Mapping[str, UUID] = field(default_factory=dict)
    """Detection to object, known or new."""
    founded: frozenset[UUID] = frozenset()
    """Objects that are new."""
    remeasured: tuple[str, ...] = ()
    """Detections of an exposure that the object already holds from another run: the published one stands."""


def entry_id(detection_id: str) -> UUID:
    """Return the identity of the object that a detection founds."""
    return uuid5(NAMESPACE, detection_id)


def associate(
    light_curves: Mapping[UUID, Sequence[LightCurvePoint]], detections: Iterable[Measurement], *, radius_arcsec: float
) -> Association:
    """Give every detection to the nearest object within ``radius_arcsec``, or found a new one.

    Exposures are taken in the order of their time, and positions are updated after each. Within one exposure an object
    takes at most one detection, the nearest; another one within the radius is another object, because one exposure
    cannot show the same object twice. Detections that a light curve holds already must not be given again.
    """
    groups = [_Group.of(identity, points) for identity, points in sorted(light_curves.items())]
    joined: dict[str, UUID] = {}
    founded: set[UUID] = set()
    remeasured: list[str] = []
    ordered = sorted(detections, key=lambda detection: (detection.mid_mjd, detection.observation_id, detection.id))
    for observation_id, exposure in groupby(ordered, key=lambda detection: detection.observation_id):
        found = list(exposure)
        held = {index for index, group in enumerate(groups) if observation_id in group.observation_ids}
        taken: set[int] = set()
        settled: set[int] = set()
        pairs = neighbours(
            [detection.position for detection in found],
            [group.position for group in groups],
            radius_arcsec=radius_arcsec,
        )
        # Nearest pairs first; ties follow the order of detections and of object identities.
        for _, which, index in sorted(pairs, key=lambda pair: (pair[0], found[pair[1]].id, groups[pair[2]].identity)):
            if which in settled or index in taken:
                continue
            taken.add(index)
            settled.add(which)
            if index in held:
                remeasured.append(found[which].id)
            else:
                joined[found[which].id] = groups[index].identity
                groups[index].take(found[which])
        for which, detection in enumerate(found):
            if which not in settled:
                identity = entry_id(detection.id)
                joined[detection.id] = identity
                founded.add(identity)
                groups.append(_Group.of(identity, [detection]))
    return Association(joined=joined, founded=frozenset(founded), remeasured=tuple(sorted(remeasured)))


@dataclass(slots=True)
class _Group:
    """An object while detections are being given out."""

    identity: UUID
    positions: list[SkyPosition]
    weights: list[float]
    observation_ids: set[str]
    position: SkyPosition

    @classmethod
    def of(cls, identity: UUID, members: Sequence[LightCurvePoint | Measurement]) -> "_Group":
        positions = [member.position for member in members]
        weights = [member.significance**2 for member in members]
        return cls(
            identity=identity,
            positions=positions,
            weights=weights,
            observation_ids={member.observation_id for member in members},
            position=mean_position(positions, weights),
        )

    def take(self, detection: Measurement) -> None:
        self.positions.append(detection.position)
        self.weights.append(detection.significance**2)
        self.observation_ids.add(detection.observation_id)
        self.position = mean_position(self.positions, self.weights)
