"""Bring the detections of a night into the catalog."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.measure import not_measured_before
from astrid_core.curation.entities import Verdict
from astrid_core.shared.runs import RunKey
from astrid_core.stages.held_sky import HeldSky, hold_sky
from astrid_core.stages.moving import Tracklets
from astrid_core.stages.objects import Changes, final_verdicts, gather, write
from astrid_core.stages.offered import Offered, min_scores_of
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSummary:
    """What became of the detections of a night."""

    n_detections: int = 0
    n_quarantined: int = 0
    """Of exposures that are set aside."""
    n_below_threshold: int = 0
    """Unscored, or scored or significant below the settings."""
    n_without_position: int = 0
    n_judged_bogus: int = 0
    """Left out because people said so."""
    n_known: int = 0
    """In the catalog already."""
    n_remeasured: int = 0
    """Of an exposure whose measurement by another run is in the catalog already."""
    n_published: int = 0
    """New points of light curves."""
    n_new_entries: int = 0
    n_changed_entries: int = 0
    """Known objects that gained a point or another status."""
    n_withdrawn_entries: int = 0
    """Objects whose detections are found to be of others."""
    min_scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The score that was asked for, by model version and instrument."""


def run_publish(
    services: Services, survey: str, night: str, config: PublishConfig, model_run_keys: Sequence[RunKey]
) -> PublishSummary:
    """Associate the detections of these model runs with objects, in one transaction. Safe to repeat.

    Every run must be of an exposure of ``survey`` and ``night``; ValueError otherwise. Nothing changes when all is
    published already, except the status of objects that people have judged since. Nights may be published at once, in
    any order: the catalog does not show it.
    """
    min_scores = min_scores_of(services, config, model_run_keys)
    with services.transaction() as records:
        offered = Offered.read(records, survey, [night], config, min_scores, model_run_keys)
    tracklets = Tracklets(config)

    def publish(records: Records, held: HeldSky) -> PublishSummary:
        return _publish(records, survey, night, offered, tracklets, config, held)

    summary = hold_sky(services, survey, [night], config, publish)
    log.info(
        "catalog.published",
        survey=survey,
        night=night,
        n_published=summary.n_published,
        n_new_entries=summary.n_new_entries,
        n_without_position=summary.n_without_position,
        min_scores=summary.min_scores,
    )
    return summary


def _publish(
    records: Records,
    survey: str,
    night: str,
    offered: Offered,
    tracklets: Tracklets,
    config: PublishConfig,
    held: HeldSky,
) -> PublishSummary:
    ids = [point.detection_id for point in offered.points]
    known = records.catalog.published(ids)
    bogus = {name for name, verdict in final_verdicts(records, ids).items() if verdict is Verdict.BOGUS}
    bogus -= known.keys()
    left = [point for point in offered.points if point.detection_id not in known and point.detection_id not in bogus]
    published = records.catalog.points_of_night(survey, night)
    fresh = not_measured_before(left, published, radius_arcsec=config.match_radius_arcsec)
    tonight = [*published, *fresh]
    changes = write(records, gather(records, tonight, tracklets.of(tonight), config, held))
    summary = PublishSummary(
        n_detections=offered.n_detections,
        n_quarantined=offered.n_quarantined,
        n_below_threshold=offered.n_below_threshold,
        n_without_position=offered.n_without_position,
        n_judged_bogus=len(bogus),
        n_known=len(known),
        n_remeasured=len(left) - len(fresh),
        n_published=len(fresh),
        n_new_entries=changes.n_founded,
        n_changed_entries=changes.n_changed,
        n_withdrawn_entries=changes.n_withdrawn,
        min_scores=offered.min_scores,
    )
    if changes != Changes():
        facts = {
            "n_published": summary.n_published,
            "n_new_entries": summary.n_new_entries,
            "n_changed_entries": summary.n_changed_entries,
            "n_withdrawn_entries": summary.n_withdrawn_entries,
            "min_scores": summary.min_scores,
        }
        records.events.append("catalog.published", subject=f"{survey}:{night}", facts=facts)
    return summary
