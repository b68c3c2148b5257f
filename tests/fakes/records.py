"""Our own database in memory: the same transactions, none of the SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from threading import Lock
from typing import Any
from uuid import UUID

from astrid_core.alerts.entities import Alert, Announcement, Channel
from astrid_core.catalog.context import EntryContext
from astrid_core.catalog.entities import Analytics, CatalogEntry, ExportJob, ForcedPoint, LightCurvePoint, ReferenceFlux
from astrid_core.curation.access import Role
from astrid_core.curation.api_keys import ApiKey
from astrid_core.curation.entities import Claim, InjectedSeed, ReviewItem, Seed, ValidationEvent
from astrid_core.detection.entities import InjectionRun, ModelRun
from astrid_core.differencing.entities import DifferenceRun, ReferenceImage
from astrid_core.differencing.retention import DifferenceRecipe, DroppedImage
from astrid_core.observations.entities import CalibrationFrame, Observation, Quarantine, Rejection, UndeliveredFile
from astrid_core.preprocessing.entities import CalibrationData, PreprocessRun
from astrid_core.shared.events import Actor, DomainEvent
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records
from tests.fakes.access import MemoryApiKeys, MemoryCurators
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.audit import MemoryAuditTrail
from tests.fakes.calibration import MemoryCalibrationFrames, MemoryCalibrationMasters
from tests.fakes.catalog import MemoryCatalogEntries, MemoryExportJobs, MemoryForcedPoints, MemoryNightAnalytics
from tests.fakes.context import MemoryEntryContexts
from tests.fakes.curation import MemoryValidationEvents
from tests.fakes.detection import MemoryInjectionRuns, MemoryModelRuns
from tests.fakes.differencing import MemoryDifferenceRuns, MemoryReferenceImages
from tests.fakes.events import MemoryEventLog
from tests.fakes.lifecycle import MemoryProcessingRounds, MemoryQuarantines, MemoryUndeliveredFiles
from tests.fakes.mentions import MemoryArtifactMentions
from tests.fakes.observations import MemoryObservations, MemoryRejections
from tests.fakes.preprocessing import MemoryPreprocessRuns
from tests.fakes.retention import MemoryDifferenceRecipes, MemoryDroppedImages, Needed
from tests.fakes.review import MemoryClaims, MemoryInjectedSeeds, MemoryReviewQueue, MemorySeeds

TESTER = Actor(name="test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What is recorded, by identity."""

    observations: dict[str, Observation] = field(default_factory=dict)
    rejections: dict[tuple[str, str], Rejection] = field(default_factory=dict)
    calibration_frames: dict[str, CalibrationFrame] = field(default_factory=dict)
    calibration_masters: dict[str, CalibrationData] = field(default_factory=dict)
    undelivered: dict[tuple[str, str], UndeliveredFile] = field(default_factory=dict)
    quarantines: dict[tuple[str, str, str], Quarantine] = field(default_factory=dict)
    processing_rounds: dict[str, int] = field(default_factory=dict)
    preprocess_runs: dict[RunKey, PreprocessRun] = field(default_factory=dict)
    references: dict[str, ReferenceImage] = field(default_factory=dict)
    difference_runs: dict[RunKey, DifferenceRun] = field(default_factory=dict)
    difference_recipes: dict[str, DifferenceRecipe] = field(default_factory=dict)
    dropped_images: dict[str, DroppedImage] = field(default_factory=dict)
    model_runs: dict[RunKey, ModelRun] = field(default_factory=dict)
    injection_runs: dict[RunKey, InjectionRun] = field(default_factory=dict)
    curators: dict[str, dict[str, frozenset[Role]]] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    validation_events: dict[UUID, ValidationEvent] = field(default_factory=dict)
    review_items: dict[str, ReviewItem] = field(default_factory=dict)
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    seeds: dict[str, Seed] = field(default_factory=dict)
    injected_seeds: dict[str, InjectedSeed] = field(default_factory=dict)
    alert_channels: dict[str, tuple[Channel, bool]] = field(default_factory=dict)
    announcements: dict[tuple[UUID, int], Announcement] = field(default_factory=dict)
    alerts: dict[tuple[UUID, int, str], Alert] = field(default_factory=dict)
    entries: dict[UUID, CatalogEntry] = field(default_factory=dict)
    points: dict[str, LightCurvePoint] = field(default_factory=dict)
    forced: dict[tuple[UUID, RunKey], ForcedPoint] = field(default_factory=dict)
    reference_fluxes: dict[tuple[UUID, str], ReferenceFlux] = field(default_factory=dict)
    contexts: dict[UUID, EntryContext] = field(default_factory=dict)
    analytics: dict[RunKey, Analytics] = field(default_factory=dict)
    exports: dict[RunKey, ExportJob] = field(default_factory=dict)
    events: dict[int, DomainEvent] = field(default_factory=dict)

    def copy(self) -> "Tables":
        return replace(self, **{one.name: dict(getattr(self, one.name)) for one in fields(self)})


class MemoryDatabase:
    """A transaction works on a copy, which takes the place of the original when it ends well."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._turn = Lock()

    def but(self, **changed: dict[Any, Any]) -> "MemoryDatabase":
        """Return another database with the same rows, those in ``changed`` (by table) apart."""
        other = MemoryDatabase()
        other._tables = self._tables.copy()
        for table, rows in changed.items():
            getattr(other._tables, table).update(rows)
        return other

    @contextmanager
    def transaction(self, *, actor: Actor = TESTER) -> Iterator[Records]:
        """Commit on exit, roll back on error; one transaction follows another."""
        if not self._turn.acquire(timeout=30.0):
            message = "a transaction was opened inside another, or one never ended"
            raise RuntimeError(message)
        try:
            tables = self._tables.copy()
            yield memory_records(tables, actor=actor)
            self._tables = tables
        finally:
            self._turn.release()

    def close(self) -> None:
        """There is nothing to close."""


def memory_records(tables: Tables | None = None, *, actor: Actor = TESTER) -> Records:
    """Return records on ``tables``, outside any transaction."""
    tables = tables or Tables()
    return Records(
        observations=MemoryObservations(tables.observations),
        rejections=MemoryRejections(tables.rejections),
        calibration_frames=MemoryCalibrationFrames(tables.calibration_frames),
        calibration_masters=MemoryCalibrationMasters(tables.calibration_masters),
        undelivered=MemoryUndeliveredFiles(tables.undelivered),
        quarantines=MemoryQuarantines(tables.quarantines),
        processing_rounds=MemoryProcessingRounds(tables.processing_rounds),
        preprocess_runs=MemoryPreprocessRuns(tables.preprocess_runs),
        references=MemoryReferenceImages(tables.references),
        difference_runs=MemoryDifferenceRuns(tables.difference_runs),
        difference_recipes=MemoryDifferenceRecipes(tables.difference_recipes),
        dropped_images=MemoryDroppedImages(tables.dropped_images, _needed_by(tables)),
        model_runs=MemoryModelRuns(tables.model_runs),
        injection_runs=MemoryInjectionRuns(tables.injection_runs),
        curators=MemoryCurators(tables.curators),
        api_keys=MemoryApiKeys(tables.api_keys),
        validation_events=MemoryValidationEvents(tables.validation_events),
        review_queue=MemoryReviewQueue(tables.review_items, tables.claims, tables.seeds),
        claims=MemoryClaims(tables.claims),
        seeds=MemorySeeds(tables.seeds),
        injected_seeds=MemoryInjectedSeeds(tables.injected_seeds, tables.claims),
        catalog=MemoryCatalogEntries(tables.entries, tables.points, tables.observations),
        forced=MemoryForcedPoints(tables.forced, tables.reference_fluxes),
        contexts=MemoryEntryContexts(tables.contexts),
        alerts=MemoryAlerts(tables.alert_channels, tables.announcements, tables.alerts),
        analytics=MemoryNightAnalytics(tables.analytics),
        exports=MemoryExportJobs(tables.exports),
        events=MemoryEventLog(tables.events, actor=actor),
        audit=MemoryAuditTrail(tables.events, tables.validation_events),
        mentions=MemoryArtifactMentions({one.name: getattr(tables, one.name) for one in fields(tables)}),
    )


def _needed_by(tables: Tables) -> Needed:
    return Needed(
        runs=tables.difference_runs,
        model_runs=tables.model_runs,
        items=tables.review_items,
        others=(tables.seeds, tables.points, tables.validation_events),
        injected=tables.injected_seeds,
    )
