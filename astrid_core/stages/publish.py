"""Bring the detections of a night into the catalog."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

import structlog

from astrid_core.alerts.announce import Change
from astrid_core.catalog.associate import associate
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.measure import Measurement, catalog_entry, light_curve_point, measurement
from astrid_core.catalog.sphere import cone_around
from astrid_core.curation.entities import Verdict
from astrid_core.detection.thresholds import threshold_of
from astrid_core.differencing.template import owner_of
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages.announce import announce_changes
from astrid_core.stages.services import Records, Services

_SEARCH_MARGIN_ARCSEC = 30.0
"""How far the mean position of an object may lie from one of its detections, generously."""
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
    min_scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The score that was asked for, by model version and instrument."""


def run_publish(
    services: Services, survey: str, night: str, config: PublishConfig, model_run_keys: Sequence[RunKey]
) -> PublishSummary:
    """Associate the detections of these model runs with objects, in one transaction. Safe to repeat.

    Every run must be of an exposure of ``survey`` and ``night``; ValueError otherwise. Nothing changes when all is
    published already, except the status of objects that people have judged since.
    """
    manifests = _manifests(services, config, model_run_keys)
    with services.transaction() as records:
        records.catalog.lock()
        offered = _Offered.read(records, survey, night, config, manifests, model_run_keys)
        ids = [measured.id for measured in offered.measured]
        known = records.catalog.published(ids)
        bogus = {name for name, verdict in final_verdicts(records, ids).items() if verdict is Verdict.BOGUS} - known
        fresh = [measured for measured in offered.measured if measured.id not in known and measured.id not in bogus]
        light_curves = _light_curves_around(records, offered.measured)
        found = associate(light_curves, fresh, radius_arcsec=config.match_radius_arcsec)
        added = [
            light_curve_point(found.joined[measured.id], measured) for measured in fresh if measured.id in found.joined
        ]
        n_changed = _write(records, light_curves, added, touched=known)
        summary = PublishSummary(
            n_detections=offered.n_detections,
            n_quarantined=offered.n_quarantined,
            n_below_threshold=offered.n_below_threshold,
            n_without_position=offered.n_without_position,
            n_judged_bogus=len(bogus),
            n_known=len(known),
            n_remeasured=len(found.remeasured),
            n_published=len(added),
            n_new_entries=len(found.founded),
            n_changed_entries=n_changed - len(found.founded),
            min_scores=offered.min_scores,
        )
        if n_changed:
            facts = {
                "n_published": summary.n_published,
                "n_new_entries": summary.n_new_entries,
                "n_changed_entries": summary.n_changed_entries,
                "min_scores": summary.min_scores,
            }
            records.events.append("catalog.published", subject=f"{survey}:{night}", facts=facts)
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


def _manifests(services: Services, config: PublishConfig, keys: Sequence[RunKey]) -> Mapping[str, Mapping[str, object]]:
    """Ask the registry for what decides thresholds, before the catalog is locked."""
    if not config.max_false_per_deg2:
        return {}
    with services.transaction() as records:
        models = {records.model_runs.get(key).model for key in keys}
    return {model: services.models.manifest(model) for model in sorted(models)}


def refresh_entries(records: Records, detections: Mapping[str, SkyPosition]) -> int:
    """Bring the objects that hold these detections up to date with the verdicts; return how many changed."""
    light_curves: dict[UUID, Sequence[LightCurvePoint]] = {}
    for one in detections.values():
        light_curves.update(light_curves_near(records, [one]))
    return _write(records, light_curves, [], touched=frozenset(detections))


def final_verdicts(records: Records, detection_ids: Sequence[str]) -> Mapping[str, Verdict]:
    """Return what people have decided of these detections; nothing of those that they are not done with."""
    items = records.review_queue.of(detection_ids)
    return {name: item.verdict for name, item in items.items() if item.verdict is not None}


def light_curves_near(records: Records, positions: Sequence[SkyPosition]) -> Mapping[UUID, Sequence[LightCurvePoint]]:
    """Return the objects that may hold a detection at one of these neighbouring positions, with their points."""
    if not positions:
        return {}
    region = cone_around(positions, margin_arcsec=_SEARCH_MARGIN_ARCSEC)
    points = records.catalog.points([entry.id for entry in records.catalog.search(region=region)])
    by_entry: dict[UUID, list[LightCurvePoint]] = {}
    for point in points:
        by_entry.setdefault(point.entry_id, []).append(point)
    return by_entry


def _light_curves_around(records: Records, measured: Iterable[Measurement]) -> Mapping[UUID, Sequence[LightCurvePoint]]:
    """Search exposure by exposure: a night may be spread over the whole sky, an exposure is not."""
    light_curves: dict[UUID, Sequence[LightCurvePoint]] = {}
    ordered = sorted(measured, key=lambda one: one.observation_id)
    for _, exposure in groupby(ordered, key=lambda one: one.observation_id):
        light_curves.update(light_curves_near(records, [one.position for one in exposure]))
    return light_curves


def _write(
    records: Records,
    light_curves: Mapping[UUID, Sequence[LightCurvePoint]],
    added: Sequence[LightCurvePoint],
    *,
    touched: frozenset[str],
) -> int:
    """Record new points and the objects that they, or verdicts on ``touched`` detections, change; count these."""
    curves = {
        identity: list(points)
        for identity, points in light_curves.items()
        if any(point.detection_id in touched for point in points)
    }
    for point in added:
        curves.setdefault(point.entry_id, list(light_curves.get(point.entry_id, ()))).append(point)
    judged = final_verdicts(records, [point.detection_id for points in curves.values() for point in points])
    changes = []
    for identity, points in sorted(curves.items()):
        before = records.catalog.get(identity) if identity in light_curves else None
        after = catalog_entry(identity, points, judged)
        if before != after:
            records.catalog.put(after)
            old = light_curves.get(identity, ())
            changes.append(Change(before=before, after=after, points_before=old, points=points))
    for point in added:
        records.catalog.add_point(point)
    announce_changes(records, changes)
    return len(changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    """The detections of a night that may be published, and how many may not."""

    measured: tuple[Measurement, ...]
    n_detections: int
    n_quarantined: int
    n_below_threshold: int
    n_without_position: int
    min_scores: Mapping[str, Mapping[str, float]]

    @classmethod
    def read(
        cls,
        records: Records,
        survey: str,
        night: str,
        config: PublishConfig,
        manifests: Mapping[str, Mapping[str, object]],
        keys: Sequence[RunKey],
    ) -> "_Offered":
        min_scores: dict[str, dict[str, float]] = {}
        measured: list[Measurement] = []
        n_detections = n_quarantined = n_below = n_without_position = 0
        for key in sorted(set(keys)):
            run = records.model_runs.get(key)
            observation = records.observations.get(run.observation_id)
            if (observation.survey, observation.night) != (survey, night):
                message = f"{key} is of {observation.survey} {observation.night}, not of {survey} {night}"
                raise ValueError(message)
            difference = records.difference_runs.get(run.difference_key)
            references = [records.references.get(digest) for digest in difference.reference_digests]
            prepared = records.preprocess_runs.get(difference.preprocess_key)
            n_detections += len(run.detections)
            if records.quarantines.of(observation) is not None:
                n_quarantined += len(run.detections)
                continue
            least = _min_score(config, manifests, run.model, observation.instrument)
            min_scores.setdefault(run.model, {})[observation.instrument] = least
            for detection in run.detections:
                significant = abs(detection.candidate.score) >= config.min_abs_significance
                if detection.score is None or detection.score < least or not significant:
                    n_below += 1
                    continue
                owner = owner_of(detection.candidate.position, references)
                one = measurement(detection, observation, prepared, reference_digest=owner.digest)
                if one is None:
                    n_without_position += 1
                else:
                    measured.append(one)
        return cls(
            measured=tuple(measured),
            n_detections=n_detections,
            n_quarantined=n_quarantined,
            n_below_threshold=n_below,
            n_without_position=n_without_position,
            min_scores=min_scores,
        )


def _min_score(
    config: PublishConfig, manifests: Mapping[str, Mapping[str, object]], model: str, instrument: str
) -> float:
    if not config.max_false_per_deg2:
        return config.min_score
    return threshold_of(
        manifests[model], model=model, instrument=instrument, max_false_per_deg2=config.max_false_per_deg2
    )
