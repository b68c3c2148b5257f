"""Every repository, on one session."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.access import SqlApiKeys, SqlCurators
from astrid_core.adapters.db.repositories.alerts import SqlAlerts
from astrid_core.adapters.db.repositories.audit import SqlAuditTrail
from astrid_core.adapters.db.repositories.calibration import SqlCalibrationFrames, SqlCalibrationMasters
from astrid_core.adapters.db.repositories.catalog import SqlCatalogEntries, SqlExportJobs, SqlNightAnalytics
from astrid_core.adapters.db.repositories.context import SqlEntryContexts
from astrid_core.adapters.db.repositories.curation import SqlValidationEvents
from astrid_core.adapters.db.repositories.detection import SqlInjectionRuns, SqlModelRuns
from astrid_core.adapters.db.repositories.differencing import SqlDifferenceRuns, SqlReferenceImages
from astrid_core.adapters.db.repositories.events import SqlEventLog
from astrid_core.adapters.db.repositories.forced import SqlForcedPoints
from astrid_core.adapters.db.repositories.injected import SqlInjectedSeeds
from astrid_core.adapters.db.repositories.lifecycle import SqlProcessingRounds, SqlQuarantines, SqlUndeliveredFiles
from astrid_core.adapters.db.repositories.mentions import SqlArtifactMentions
from astrid_core.adapters.db.repositories.observations import SqlObservations, SqlRejections
from astrid_core.adapters.db.repositories.preprocessing import SqlPreprocessRuns
from astrid_core.adapters.db.repositories.retention import SqlDifferenceRecipes, SqlDroppedImages
from astrid_core.adapters.db.repositories.review import SqlClaims, SqlReviewQueue, SqlSeeds
from astrid_core.shared.events import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlRecords:
    """Every record of ours, inside one transaction."""

    observations: SqlObservations
    rejections: SqlRejections
    calibration_frames: SqlCalibrationFrames
    calibration_masters: SqlCalibrationMasters
    undelivered: SqlUndeliveredFiles
    quarantines: SqlQuarantines
    processing_rounds: SqlProcessingRounds
    preprocess_runs: SqlPreprocessRuns
    references: SqlReferenceImages
    difference_runs: SqlDifferenceRuns
    difference_recipes: SqlDifferenceRecipes
    dropped_images: SqlDroppedImages
    model_runs: SqlModelRuns
    injection_runs: SqlInjectionRuns
    curators: SqlCurators
    api_keys: SqlApiKeys
    validation_events: SqlValidationEvents
    review_queue: SqlReviewQueue
    claims: SqlClaims
    seeds: SqlSeeds
    injected_seeds: SqlInjectedSeeds
    alerts: SqlAlerts
    catalog: SqlCatalogEntries
    forced: SqlForcedPoints
    contexts: SqlEntryContexts
    analytics: SqlNightAnalytics
    exports: SqlExportJobs
    events: SqlEventLog
    audit: SqlAuditTrail
    mentions: SqlArtifactMentions


def records_in(session: Session, *, actor: Actor) -> SqlRecords:
    """Return the records of ``session``; ``actor`` is named in the event log."""
    return SqlRecords(
        observations=SqlObservations(session),
        rejections=SqlRejections(session),
        calibration_frames=SqlCalibrationFrames(session),
        calibration_masters=SqlCalibrationMasters(session),
        undelivered=SqlUndeliveredFiles(session),
        quarantines=SqlQuarantines(session),
        processing_rounds=SqlProcessingRounds(session),
        preprocess_runs=SqlPreprocessRuns(session),
        references=SqlReferenceImages(session),
        difference_runs=SqlDifferenceRuns(session),
        difference_recipes=SqlDifferenceRecipes(session),
        dropped_images=SqlDroppedImages(session),
        model_runs=SqlModelRuns(session),
        injection_runs=SqlInjectionRuns(session),
        curators=SqlCurators(session),
        api_keys=SqlApiKeys(session),
        validation_events=SqlValidationEvents(session),
        review_queue=SqlReviewQueue(session),
        claims=SqlClaims(session),
        seeds=SqlSeeds(session),
        injected_seeds=SqlInjectedSeeds(session),
        alerts=SqlAlerts(session),
        catalog=SqlCatalogEntries(session),
        forced=SqlForcedPoints(session),
        contexts=SqlEntryContexts(session),
        analytics=SqlNightAnalytics(session),
        exports=SqlExportJobs(session),
        events=SqlEventLog(session, actor=actor),
        audit=SqlAuditTrail(session),
        mentions=SqlArtifactMentions(session),
    )
