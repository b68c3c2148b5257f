"""Measure objects in every exposure that covers them, found there or not."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

import structlog

from astrid_core.catalog.config import ForcedConfig
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, ForcedPoint, ReferenceFlux
from astrid_core.catalog.exposure_facts import ExposureRuns
from astrid_core.catalog.forced import forced_points, reference_fluxes
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.products import read_difference
from astrid_core.observations.entities import Observation
from astrid_core.shared.images import SkyImage
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region
from astrid_core.stages.explain import runs_of_exposure
from astrid_core.stages.images import load_image
from astrid_core.stages.inject import is_trusted
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedSummary:
    """What was measured."""

    n_files: int = 0
    """Differences that were read."""
    n_points: int = 0
    """New on record."""
    n_measured: int = 0
    """Of these, with a flux."""
    n_left_out: int = 0
    """Exposures that are set aside, were not compared with a reference, or of which nothing is taken."""

    def __add__(self, other: "ForcedSummary") -> "ForcedSummary":
        """Return both together."""
        return ForcedSummary(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})


@dataclass(slots=True)
class _Wanted:
    """The objects that are to be measured in one exposure."""

    observation: Observation
    entries: dict[UUID, CatalogEntry]


def run_forced(
    services: Services, survey: str, night: str, config: ForcedConfig, model_run_keys: Sequence[RunKey] = ()
) -> ForcedSummary:
    """Measure the objects that the exposures of a night cover, and those that it found first in other exposures.

    Objects that were found in the night, or of which nothing is on record, are measured in every exposure since
    ``history_days`` before their first detection. What moves is left out. ``model_run_keys`` name the runs to be
    preferred where an exposure has several. Safe to repeat: what is on record is not measured again, and each
    difference is recorded as a whole.
    """
    with services.transaction() as records:
        wanted: dict[str, _Wanted] = {}
        for seen in records.observations.search(survey=survey, night=night):
            around = Region.cone(seen.position, radius_deg=seen.radius_deg)
            _want(wanted, seen, (entry for entry in records.catalog.search(region=around) if entry.motion is None))
        covered = {identity: entry for one in wanted.values() for identity, entry in one.entries.items()}
        found = {point.entry_id for point in records.catalog.points_of_night(survey, night)}
        fresh = (covered.keys() & found) | (covered.keys() - set(records.forced.known(list(covered))))
        for identity in sorted(fresh):
            _want_history(records, wanted, covered[identity], config)
    return _measured(services, wanted, model_run_keys, subject=f"{survey}:{night}")


def run_forced_entries(services: Services, entry_ids: Sequence[UUID], config: ForcedConfig) -> ForcedSummary:
    """Measure these objects in every exposure since ``history_days`` before their first detection; as ``run_forced``.

    Raise UnknownRecord for an object that is not in the catalog; withdrawn and moving ones are left out.
    """
    with services.transaction() as records:
        wanted: dict[str, _Wanted] = {}
        for identity in entry_ids:
            entry = records.catalog.get(identity)
            if entry.motion is None and entry.status is not EntryStatus.WITHDRAWN:
                _want_history(records, wanted, entry, config)
    return _measured(services, wanted, (), subject=f"{len(entry_ids)} objects")


def _want(wanted: dict[str, _Wanted], seen: Observation, entries: Iterable[CatalogEntry]) -> None:
    one = wanted.setdefault(seen.id, _Wanted(seen, {}))
    one.entries.update((entry.id, entry) for entry in entries)


def _want_history(records: Records, wanted: dict[str, _Wanted], entry: CatalogEntry, config: ForcedConfig) -> None:
    for seen in records.observations.holding(entry.position):
        if seen.mid_mjd >= entry.first_mjd - config.history_days:
            _want(wanted, seen, [entry])


def _measured(
    services: Services, wanted: Mapping[str, _Wanted], preferred: Collection[RunKey], *, subject: str
) -> ForcedSummary:
    last = _LastReference(services)
    n_files = n_points = n_measured = n_left_out = 0
    for one in sorted(wanted.values(), key=lambda one: (one.observation.mid_mjd, one.observation.id)):
        with services.transaction() as records:
            runs = runs_of_exposure(records, one.observation, preferred)
            work = None if runs.quarantine else _Work.read(records, runs, one.entries)
        if work is None:
            n_left_out += 1
            continue
        if not work.entries:
            continue
        points, fluxes = work.measure(services, last)
        with services.transaction() as records:
            records.forced.add_reference_fluxes(fluxes)
            n_new = records.forced.add(points)
            n_here = sum(point.flux is not None for point in points)
            if n_new:
                facts = {"observation": one.observation.id, "n_points": n_new, "n_measured": n_here}
                records.events.append("forced.recorded", subject=work.key, facts=facts)
        n_files, n_points, n_measured = n_files + 1, n_points + n_new, n_measured + n_here
    summary = ForcedSummary(n_files=n_files, n_points=n_points, n_measured=n_measured, n_left_out=n_left_out)
    log.info("forced.recorded", of=subject, n_files=n_files, n_points=n_points, n_measured=n_measured)
    return summary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One difference, and the objects that are not on record of it."""

    key: RunKey
    runs: ExposureRuns
    references: Sequence[ReferenceImage]
    entries: Sequence[CatalogEntry]
    known: Collection[tuple[UUID, str]]
    """Objects whose flux in a reference is on record."""

    @classmethod
    def read(cls, records: Records, runs: ExposureRuns, wanted: Mapping[UUID, CatalogEntry]) -> "_Work | None":
        """Return what is to be measured; None where nothing is taken from the exposure."""
        difference = runs.difference
        if difference is None or difference.image is None or runs.preprocess is None or not is_trusted(difference):
            return None
        if records.dropped_images.find(difference.image.digest):
            return None  # measured when somebody makes the image again
        measured = set(records.forced.measured_in(difference.key))
        entries = [entry for identity, entry in sorted(wanted.items()) if identity not in measured]
        fluxes = records.forced.reference_fluxes([entry.id for entry in entries])
        return cls(
            key=difference.key,
            runs=runs,
            references=[records.references.get(digest) for digest in difference.reference_digests],
            entries=entries,
            known={(flux.entry_id, flux.reference_digest) for flux in fluxes},
        )

    def measure(
        self, services: Services, last: "_LastReference"
    ) -> tuple[Sequence[ForcedPoint], Sequence[ReferenceFlux]]:
        """Return the brightnesses in the difference, and those in its references that are not on record."""
        prepared, difference = self.runs.preprocess, self.runs.difference
        if prepared is None or difference is None or difference.image is None:
            raise ValueError("only what was compared with a reference can be measured")
        points = forced_points(
            read_difference(services.artifacts.get(difference.image.digest)),
            self.entries,
            observation=self.runs.observation,
            prepared=prepared,
            difference=difference,
            references=self.references,
        )
        owners = {point.entry_id: point.reference_digest for point in points if point.flux is not None}
        fluxes: list[ReferenceFlux] = []
        for reference in self.references:
            missing = [
                entry
                for entry in self.entries
                if owners.get(entry.id) == reference.digest and (entry.id, reference.digest) not in self.known
            ]
            if missing:
                fluxes += reference_fluxes(reference, last.image(reference), missing)
        return points, fluxes


class _LastReference:
    """The pixels of the reference that was asked for last: exposures of one field follow one another."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._digest = ""
        self._image: SkyImage | None = None

    def image(self, reference: ReferenceImage) -> SkyImage:
        """Return its pixels."""
        if self._image is None or self._digest != reference.digest:
            self._image = load_image(self._services.artifacts, reference.image)
            self._digest = reference.digest
        return self._image
