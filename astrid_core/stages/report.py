"""Say what came of a night."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import structlog

from astrid_core.catalog.config import ReportConfig
from astrid_core.catalog.entities import Analytics, LightCurvePoint
from astrid_core.catalog.exposure_facts import ExposureRuns, choose_runs
from astrid_core.catalog.night_quality import choose_injection_run, night_quality
from astrid_core.catalog.night_table import night_table
from astrid_core.catalog.page import Portrait, night_page
from astrid_core.catalog.portraits import Sitter, choose_sitters, portrait, take_picture
from astrid_core.catalog.report import NightFacts, night_facts
from astrid_core.catalog.truth import TruthRow, TruthTally, in_frame, labels, must_be_found, rows_for, tally
from astrid_core.detection.entities import InjectionRun
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.products import DifferenceProduct, read_difference
from astrid_core.observations.entities import Observation, Rejection
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.stages.services import Records, Services
from astrid_core.stages.track import tracks_of

VERSION = 1
"""Raise when the same night should give another report."""

_PAGE_TYPE = "text/html"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What was measured about a night, for people and machines."""

    key: RunKey
    facts: NightFacts
    table: str
    """Text of at most 100 columns."""
    page: ArtifactRef
    """One self-contained HTML document."""


def run_report(  # noqa: PLR0913 - a report may be told apart by each of these
    services: Services,
    *,
    survey: str,
    night: str,
    out: Path | None = None,
    truth: Sequence[TruthRow] = (),
    model_run_keys: Collection[RunKey] = (),
    injection_run_keys: Collection[RunKey] = (),
    config: ReportConfig | None = None,
) -> NightReport:
    """Record the facts of a night and draw its page, written to the file ``out`` too if given. Safe to repeat.

    Where an exposure was run under several settings, ``model_run_keys`` says which of them the report is about, and
    ``injection_run_keys`` the same for searches with injections; those of them that hold no result are counted. The
    same facts have the same key, and their page is drawn once.
    """
    settings = config or ReportConfig()
    with services.transaction() as records:
        seen = _Night.read(records, survey, night, {*model_run_keys, *injection_run_keys})
        models = {runs.model_run.model for runs in seen.exposures if runs.model_run}
        tracks = tracks_of(records, models, survey=survey, night=night)
    rows_of = {
        runs.observation.id: rows_for(truth, runs.observation, seen.reference_of(runs)) for runs in seen.exposures
    }
    facts = night_facts(
        survey=survey,
        night=night,
        min_score=settings.min_score,
        exposures=seen.exposures,
        references=seen.references,
        rejections=seen.rejections,
        light_curves=seen.light_curves,
        truth=_compare(services, seen, rows_of, settings) if truth else None,
        quality=night_quality(
            seen.injections, n_missing=len(set(injection_run_keys) - {run.key for run in seen.injections})
        ),
        tracks=tracks,
    )
    sitters = choose_sitters(seen.exposures, seen.light_curves, limit=settings.max_cutouts)
    told = facts.as_json()
    inputs = [_digest(told), _digest([asdict(row) for row in truth]), *(one.detection.id for one in sitters)]
    key = run_key("report", VERSION, settings, inputs)
    with services.transaction() as records:
        done = records.analytics.find(key)
    page = _stored_page(services, done)
    if page is None:
        known = labels(seen.points, rows_of, radius_arcsec=settings.truth_radius_arcsec) if truth else None
        content = night_page(facts, _portraits(services, sitters, known, settings))
        page = services.artifacts.put(content.encode(), media_type=_PAGE_TYPE)
    with services.transaction() as records:
        stored = {"digest": page.digest, "n_bytes": page.n_bytes}
        if records.analytics.add(Analytics(key=key, survey=survey, night=night, facts={**told, "page": stored})):
            records.events.append("analytics.recorded", subject=f"{survey}:{night}", facts={"run": key})
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(services.artifacts.get(page.digest))
    log.info("analytics.recorded", run=key, survey=survey, night=night, n_exposures=len(facts.exposures))
    return NightReport(key=key, facts=facts, table=night_table(facts), page=page)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Night:
    """What the records hold about a night."""

    exposures: tuple[ExposureRuns, ...]
    references: tuple[ReferenceImage, ...]
    rejections: tuple[Rejection, ...]
    light_curves: Mapping[UUID, Sequence[LightCurvePoint]]
    """Whole, of every object that was seen in the night."""
    injections: tuple[InjectionRun, ...]
    inputs: Mapping[str, tuple[Observation, ...]]
    """The exposures of each reference, by its digest."""

    def reference_of(self, runs: ExposureRuns) -> tuple[Observation, ...]:
        """Return the exposures that one was compared with."""
        digests = runs.difference.reference_digests if runs.difference else ()
        found = {one.id: one for digest in digests for one in self.inputs.get(digest, ())}
        return tuple(found.values())

    @property
    def points(self) -> tuple[LightCurvePoint, ...]:
        """The points of the night."""
        ours = {runs.observation.id for runs in self.exposures}
        return tuple(point for curve in self.light_curves.values() for point in curve if point.observation_id in ours)

    @classmethod
    def read(cls, records: Records, survey: str, night: str, preferred: Collection[RunKey]) -> "_Night":
        exposures: list[ExposureRuns] = []
        entries: set[UUID] = set()
        injections: list[InjectionRun | None] = []
        for observation in records.observations.search(survey=survey, night=night):
            quarantine = records.quarantines.of(observation)
            if quarantine is not None:
                exposures.append(ExposureRuns(observation=observation, quarantine=quarantine.told))
                continue
            model_runs = records.model_runs.of_observation(observation.id)
            ids = [detection.id for run in model_runs for detection in run.detections]
            published = records.catalog.published(ids)
            runs = choose_runs(
                observation,
                preprocess_runs=records.preprocess_runs.of_observation(observation.id),
                difference_runs=records.difference_runs.of_observation(observation.id),
                model_runs=model_runs,
                preferred=preferred,
                published=published,
            )
            exposures.append(runs)
            injections.append(_injected(records, runs, preferred))
            entries |= set(published.values())
        light_curves: dict[UUID, list[LightCurvePoint]] = {}
        for point in records.catalog.points(sorted(entries)):
            light_curves.setdefault(point.entry_id, []).append(point)
        digests = {digest for runs in exposures if runs.difference for digest in runs.difference.reference_digests}
        references = tuple(records.references.get(digest) for digest in sorted(digests))
        return cls(
            exposures=tuple(exposures),
            references=references,
            rejections=tuple(records.rejections.all(survey=survey)),
            light_curves=light_curves,
            injections=tuple(run for run in injections if run is not None),
            inputs={one.digest: _exposures_in(records, one) for one in references},
        )


def _exposures_in(records: Records, reference: ReferenceImage) -> tuple[Observation, ...]:
    return tuple(records.observations.get(records.preprocess_runs.get(key).observation_id) for key in reference.inputs)


def _injected(records: Records, runs: ExposureRuns, preferred: Collection[RunKey]) -> InjectionRun | None:
    if runs.difference is None or runs.model_run is None:
        return None
    return choose_injection_run(
        records.injection_runs.of_difference(runs.difference.key), model=runs.model_run.model, preferred=preferred
    )


def _compare(
    services: Services, seen: _Night, rows_of: Mapping[str, Sequence[TruthRow]], settings: ReportConfig
) -> TruthTally:
    sights: list[tuple[TruthRow, bool]] = []
    n_usable_pix = 0
    for runs in seen.exposures:
        if runs.model_run is None or runs.difference is None or runs.difference.image is None:
            continue
        n_usable_pix += runs.difference.n_usable_pix
        bright = must_be_found(rows_of[runs.observation.id], min_snr=settings.min_truth_snr)
        if bright:
            product = _product(services, runs.difference.image)
            sights += in_frame(bright, mask=product.mask, wcs=product.wcs)
    return tally(
        sights=sights,
        rows_of=rows_of,
        points=seen.points,
        detections=[one for runs in seen.exposures if runs.model_run for one in runs.model_run.detections],
        n_usable_pix=n_usable_pix,
        min_snr=settings.min_truth_snr,
        radius_arcsec=settings.truth_radius_arcsec,
    )


def _portraits(
    services: Services, sitters: Iterable[Sitter], known: Mapping[str, TruthRow] | None, settings: ReportConfig
) -> tuple[Portrait, ...]:
    """Read the images of one exposure after the other, and return the portraits in the order of the sitters."""
    ordered = list(sitters)
    pictures: dict[str, Portrait] = {}
    product: tuple[str, DifferenceProduct] | None = None
    for sitter in sorted(ordered, key=lambda sitter: sitter.runs.observation.id):
        image = sitter.runs.difference.image if sitter.runs.difference else None
        if image is None:
            continue
        if product is None or product[0] != image.digest:
            product = (image.digest, _product(services, image))
        cutouts = take_picture(product[1], sitter.detection.candidate, size=settings.cutout_pix)
        truth = known.get(sitter.detection.id) if known is not None else None
        pictures[sitter.detection.id] = portrait(sitter, cutouts, truth=truth, truth_is_known=known is not None)
    return tuple(pictures[sitter.detection.id] for sitter in ordered if sitter.detection.id in pictures)


def _product(services: Services, image: ArtifactRef) -> DifferenceProduct:
    return read_difference(services.artifacts.get(image.digest))


def _stored_page(services: Services, done: Analytics | None) -> ArtifactRef | None:
    stored = done.facts.get("page") if done is not None else None
    if not isinstance(stored, Mapping) or not services.artifacts.contains(str(stored["digest"])):
        return None
    return ArtifactRef(digest=str(stored["digest"]), media_type=_PAGE_TYPE, n_bytes=int(stored["n_bytes"]))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
