"""Everything a stage may reach, as ports."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType

import numpy as np

from astrid_core.alerts.ports import AlertChannels, Alerts
from astrid_core.catalog.ports import (
    CatalogEntries,
    EntryContexts,
    ExportJobs,
    ForcedPoints,
    MinorPlanets,
    ModelJournal,
    NightAnalytics,
    SourceCatalog,
)
from astrid_core.curation.ports import (
    ApiKeys,
    AuditTrail,
    Claims,
    Curators,
    InjectedSeeds,
    ReviewQueue,
    Seeds,
    ValidationEvents,
)
from astrid_core.detection.ports import InjectionRuns, ModelRegistry, ModelRuns
from astrid_core.differencing.ports import DifferenceRecipes, DifferenceRuns, DroppedImages, ReferenceImages
from astrid_core.observations.ports import (
    CalibrationFrames,
    Observations,
    ProcessingRounds,
    Quarantines,
    Rejections,
    SurveyClient,
    UndeliveredFiles,
)
from astrid_core.preprocessing.ports import CalibrationMasters, PreprocessRuns, StarCatalog
from astrid_core.shared.artifacts import ArtifactMentions, ArtifactStore
from astrid_core.shared.events import Actor, EventLog
from astrid_core.shared.watching import Watch, unwatched


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Every record of ours, inside one transaction."""

    observations: Observations
    rejections: Rejections
    calibration_frames: CalibrationFrames
    calibration_masters: CalibrationMasters
    undelivered: UndeliveredFiles
    quarantines: Quarantines
    processing_rounds: ProcessingRounds
    preprocess_runs: PreprocessRuns
    references: ReferenceImages
    difference_runs: DifferenceRuns
    difference_recipes: DifferenceRecipes
    dropped_images: DroppedImages
    model_runs: ModelRuns
    injection_runs: InjectionRuns
    curators: Curators
    api_keys: ApiKeys
    validation_events: ValidationEvents
    review_queue: ReviewQueue
    claims: Claims
    seeds: Seeds
    injected_seeds: InjectedSeeds
    alerts: Alerts
    catalog: CatalogEntries
    forced: ForcedPoints
    contexts: EntryContexts
    analytics: NightAnalytics
    exports: ExportJobs
    events: EventLog
    audit: AuditTrail
    mentions: ArtifactMentions


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ports of one process, opened by ``astrid_core.bootstrap.open_services``."""

    artifacts: ArtifactStore
    models: ModelRegistry
    surveys: Mapping[str, SurveyClient]
    transaction: Callable[..., AbstractContextManager[Records]]
    """Commits on exit, rolls back on error; called without arguments, or with ``actor`` by ``acting_as``."""
    arrays: ModuleType = np
    """The array library that subtractions are computed by."""
    journal: ModelJournal | None = None
    """Where figures of networks are shown besides our records; None where nobody looks there."""
    stars: StarCatalog | None = None
    """Reference stars that frames are tied to; None where no catalog is configured."""
    known_sources: tuple[SourceCatalog, ...] = ()
    """Catalogs of what others have found: galaxies, variables, active nuclei, transients."""
    minor_planets: MinorPlanets | None = None
    """Ephemerides of minor planets and comets; None where no orbits have been imported."""
    alert_channels: AlertChannels | None = None
    """The ways to whoever is told of objects; None where nobody can be."""
    watch: Callable[[str], Watch] = unwatched
    """Who watches the items of a stage, by the name of the stage."""

    def acting_as(self, actor: Actor) -> "Services":
        """Return the same services whose transactions name ``actor`` in the event log: one request of many."""
        return replace(self, transaction=partial(self.transaction, actor=actor))
