"""Say what came of a night."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from astrid_core.catalog.comparison import beside
from astrid_core.catalog.config import ReportConfig
from astrid_core.catalog.entities import Analytics
from astrid_core.catalog.exposure_facts import UNFINISHED
from astrid_core.catalog.night_quality import night_quality
from astrid_core.catalog.night_table import night_table
from astrid_core.catalog.page import Portrait, night_page
from astrid_core.catalog.portraits import Sitter, choose_sitters, portrait, take_picture
from astrid_core.catalog.report import NightFacts, night_facts
from astrid_core.catalog.report_links import Links
from astrid_core.catalog.truth import TruthRow, TruthTally, in_frame, labels, must_be_found, rows_for, tally
from astrid_core.differencing.products import DifferenceProduct, read_difference
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.stages.night_records import Night
from astrid_core.stages.night_sides import RECORDED, coverage_of, earlier_figures, last_report, reviews_of, waits_of
from astrid_core.stages.services import Services
from astrid_core.stages.track import tracks_of

VERSION = 3
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
    links: Links | None = None,
) -> NightReport:
    """Record the facts of a night and draw its page, written to the file ``out`` too if given. Safe to repeat.

    Beside ``out`` the facts are written as JSON, in a file of the same name.

    Where an exposure was run under several settings, ``model_run_keys`` says which of them the report is about, and
    ``injection_run_keys`` the same for searches with injections; those of them that hold no result are counted.
    ``links`` are where its page leads to. The same facts, and links to what failed, have the same key, and their page
    is drawn once.
    """
    settings = config or ReportConfig()
    with services.transaction() as records:
        seen = Night.read(records, survey, night, {*model_run_keys, *injection_run_keys})
        models = {runs.model_run.model for runs in seen.exposures if runs.model_run}
        tracks = tracks_of(records, models, survey=survey, night=night)
        waits = waits_of(records, seen.exposures, survey=survey, night=night)
        reviews = reviews_of(records, seen.exposures, survey=survey, night=night, min_score=settings.min_score)
        earlier = earlier_figures(records, survey=survey, night=night)
    rows_of = {
        runs.observation.id: rows_for(truth, runs.observation, seen.reference_of(runs)) for runs in seen.exposures
    }
    n_missing = len(set(injection_run_keys) - {run.key for run in seen.injections})
    alone = night_facts(
        survey=survey,
        night=night,
        min_score=settings.min_score,
        exposures=seen.exposures,
        references=seen.references,
        rejections=seen.rejections,
        light_curves=seen.light_curves,
        truth=_compare(services, seen, rows_of, settings) if truth else None,
        quality=night_quality(seen.injections, n_missing=n_missing),
        tracks=tracks,
        waits=waits,
        reviews=reviews,
        coverage=coverage_of(services, seen.exposures),
    )
    facts = beside(alone, earlier)
    sitters = choose_sitters(seen.exposures, seen.light_curves, limit=settings.max_cutouts)
    told = facts.as_json()
    inputs = [_digest(told), _digest([asdict(row) for row in truth]), *(one.detection.id for one in sitters)]
    # Only what failed leads to where it did: the other links are the same whoever draws the page, or left out of it.
    failed = [links.of(one) for one in facts.exposures if one.outcome == UNFINISHED] if links is not None else []
    inputs += [_digest(failed)] if any(failed) else []
    key = run_key("report", VERSION, settings, inputs)
    with services.transaction() as records:
        done = records.analytics.find(key)
    page = _stored_page(services, done)
    if page is None:
        known = labels(seen.points, rows_of, radius_arcsec=settings.truth_radius_arcsec) if truth else None
        content = night_page(facts, _portraits(services, sitters, known, settings), links)
        page = services.artifacts.put(content.encode(), media_type=_PAGE_TYPE)
    stored = {"digest": page.digest, "n_bytes": page.n_bytes}
    _record(services, Analytics(key=key, survey=survey, night=night, facts={**told, "page": stored}))
    if out is not None:
        _write(out, services.artifacts.get(page.digest), {"key": key, **told})
    log.info("analytics.recorded", run=key, survey=survey, night=night, n_exposures=len(facts.exposures))
    return NightReport(key=key, facts=facts, table=night_table(facts), page=page)


def _record(services: Services, analytics: Analytics) -> None:
    survey, night = analytics.survey, analytics.night
    with services.transaction() as records:
        records.analytics.add(analytics)
        # Facts may become again what they were before: the log says which of them hold.
        if last_report(records, survey=survey, night=night) != analytics.key:
            records.events.append(RECORDED, subject=f"{survey}:{night}", facts={"run": analytics.key})


def _write(out: Path, page: bytes, told: Mapping[str, object]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(page)
    out.with_suffix(".json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def _compare(
    services: Services, seen: Night, rows_of: Mapping[str, Sequence[TruthRow]], settings: ReportConfig
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
