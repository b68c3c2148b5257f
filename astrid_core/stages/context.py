"""Look up what is known at the places of entries, and say what they are."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

import structlog

from astrid_core.catalog.classify import Evidence, classify
from astrid_core.catalog.context import EntryContext, KnownMatch, likeliest_first
from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.known_sources import KnownSources, SourceKind, sources_of_stars
from astrid_core.catalog.matches import matches, minor_planet_matches
from astrid_core.catalog.ports import SourceCatalog
from astrid_core.catalog.sphere import cone_around
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.shared.errors import NotCovered
from astrid_core.shared.sky import Region, SkyCell
from astrid_core.stages.services import Services

_GROUP_ORDER = 8
"""Entries of one cell of 0.23 degrees are looked up together."""
_MOST_STARS = 1_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSummary:
    """What became of entries."""

    n_entries: int = 0
    n_changed: int = 0
    """Of which something is known that was not before, or not any more."""
    n_classes: Mapping[str, int] = field(default_factory=dict)
    """Entries by class."""


@dataclass(frozen=True, slots=True)
class _Entry:
    entry: CatalogEntry
    points: tuple[LightCurvePoint, ...]

    def err_arcsec(self, config: ContextConfig) -> float:
        """Return how far off its place may be, per axis."""
        return max(self.entry.position_err_arcsec or 0.0, config.position_err_arcsec)

    @property
    def mjd(self) -> float:
        return sum(one.mid_mjd for one in self.points) / len(self.points)


def entries_of_night(services: Services, survey: str, night: str) -> tuple[UUID, ...]:
    """Return the entries that hold a detection of a night."""
    with services.transaction() as records:
        return tuple(sorted({point.entry_id for point in records.catalog.points_of_night(survey, night)}))


def run_context(services: Services, entry_ids: Sequence[UUID], config: ContextConfig) -> ContextSummary:
    """Match these entries with known objects and class them; what is known of them already is replaced. Safe to repeat.

    CatalogUnavailable where a catalog does not answer: nothing is recorded then.
    """
    with services.transaction() as records:
        points = records.catalog.points(entry_ids)
        entries = [
            _Entry(records.catalog.get(identity), tuple(of_one))
            for identity, of_one in groupby(points, key=lambda one: one.entry_id)
        ]
        observations = {name: records.observations.get(name) for name in {one.observation_id for one in points}}
    bodies = _moving(services, entries, observations, config)
    contexts = [
        _context(one, found, [*looked_in, *_moving_name(services)], bodies.get(one.entry.id, ()), config)
        for one, found, looked_in in _staying(services, entries, config)
    ]
    with services.transaction() as records:
        n_changed = sum(records.contexts.put(one) for one in contexts)
        n_classes: dict[str, int] = {}
        for one in contexts:
            n_classes[one.object_class.value] = n_classes.get(one.object_class.value, 0) + 1
        summary = ContextSummary(
            n_entries=len(contexts), n_changed=n_changed, n_classes=dict(sorted(n_classes.items()))
        )
        if n_changed:
            facts = {"n_entries": summary.n_entries, "n_changed": n_changed, "n_classes": summary.n_classes}
            records.events.append("catalog.context", subject="catalog", facts=facts)
    log.info("context.recorded", n_entries=len(contexts), n_changed=n_changed, n_classes=summary.n_classes)
    return summary


def _context(
    one: _Entry, found: Sequence[KnownMatch], looked_in: Sequence[str], bodies: Sequence[KnownMatch],
    config: ContextConfig,
) -> EntryContext:  # fmt: skip
    all_matches = likeliest_first([*found, *bodies])
    evidence = Evidence(
        status=one.entry.status,
        best_score=one.entry.best_score,
        n_detections=len({point.observation_id for point in one.points}),
        matches=all_matches,
    )
    said = classify(evidence, config)
    return EntryContext(
        entry_id=one.entry.id,
        object_class=said.object_class,
        reason=said.reason,
        matches=all_matches,
        looked_in=tuple(sorted(looked_in)),
    )


def _moving_name(services: Services) -> list[str]:
    return [] if services.minor_planets is None else [services.minor_planets.name]


def _moving(
    services: Services, entries: Sequence[_Entry], observations: Mapping[str, Observation], config: ContextConfig
) -> Mapping[UUID, list[KnownMatch]]:
    """Return the minor planets that may be entries, exposure by exposure."""
    if services.minor_planets is None:
        return {}
    found: dict[UUID, list[KnownMatch]] = {}
    points = [point for one in entries for point in one.points]
    # In order of time: ephemerides are kept for a day.
    ordered = sorted(points, key=lambda one: (one.mid_mjd, one.observation_id, one.detection_id))
    for observation_id, group in groupby(ordered, key=lambda one: one.observation_id):
        observation, exposed = observations[observation_id], list(group)
        region = Region.cone(observation.position, radius_deg=min(90.0, max(observation.radius_deg, 1e-3) * 1.05))
        bodies = services.minor_planets.inside(
            region,
            mid_mjd=observation.mid_mjd,
            site=config.site_of(observation.survey),
            max_err_arcsec=config.minor_planet_err_arcsec,
        )
        for point in exposed:
            err_arcsec = max(point.position_err_arcsec or 0.0, config.position_err_arcsec)
            found.setdefault(point.entry_id, []).extend(
                minor_planet_matches(
                    point.position, err_arcsec, bodies, catalog=services.minor_planets.name,
                    observation_id=observation_id, area_arcsec2=_area_arcsec2(region), config=config,
                )
            )  # fmt: skip
    return found


def _staying(
    services: Services, entries: Sequence[_Entry], config: ContextConfig
) -> Iterator[tuple[_Entry, list[KnownMatch], list[str]]]:
    """Yield every entry with what stays in its place, and the catalogs that know the place."""

    def cell(one: _Entry) -> SkyCell:
        return SkyCell.containing(one.entry.position, order=_GROUP_ORDER)

    stars = () if services.stars is None else (_StarSources(services.stars),)
    for _, group in groupby(sorted(entries, key=lambda one: (cell(one), one.entry.id)), key=cell):
        here = list(group)
        region = cone_around([one.entry.position for one in here], margin_arcsec=config.density_radius_arcsec)
        wide = [(catalog, _known(catalog, region)) for catalog in (*services.known_sources, *stars)]
        for one in here:
            found: list[KnownMatch] = []
            looked_in: list[str] = []
            # What moves is nothing that stays in its place.
            for catalog, around in wide if one.entry.motion is None else ():
                place, sources = region, around
                if sources is None:
                    # At the edge of a catalog its part around the entry may still be there.
                    place = Region.cone(one.entry.position, radius_deg=config.density_radius_arcsec / 3600.0)
                    sources = _known(catalog, place)
                if sources is None:
                    continue
                looked_in.append(catalog.name)
                found.extend(
                    matches(
                        one.entry.position, one.err_arcsec(config), one.mjd, sources,
                        area_arcsec2=_area_arcsec2(place), config=config,
                    )
                )  # fmt: skip
            yield one, found, looked_in


@dataclass(frozen=True, slots=True)
class _StarSources:
    """The stars that frames are tied to, as known sources."""

    stars: StarCatalog

    @property
    def name(self) -> str:
        return self.stars.name

    @property
    def kind(self) -> SourceKind:
        return SourceKind.STAR

    def sources(self, region: Region) -> KnownSources:
        return sources_of_stars(self.stars.stars(region, max_stars=_MOST_STARS))


def _known(catalog: SourceCatalog, region: Region) -> KnownSources | None:
    """Return what a catalog holds of a region; None where it does not know all of it."""
    try:
        return catalog.sources(region)
    except NotCovered:
        return None


def _area_arcsec2(region: Region) -> float:
    _, radius_deg = region.cone_around
    return 2.0 * math.pi * (1.0 - math.cos(math.radians(radius_deg))) * (math.degrees(1.0) * 3600.0) ** 2
