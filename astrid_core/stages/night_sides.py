"""What the report of a night reads besides the runs: people, times, the sky, earlier nights."""

from collections.abc import Mapping, Sequence

from astrid_core.catalog.coverage import Coverage, Footprint, cover
from astrid_core.catalog.exposure_facts import ExposureRuns
from astrid_core.catalog.figures import LONG
from astrid_core.catalog.latency import Latency
from astrid_core.catalog.model_track import Share
from astrid_core.catalog.reviews import ReviewFacts
from astrid_core.curation.entities import ReviewState, Verdict
from astrid_core.differencing.footprint import HEAD_BYTES, read_corners
from astrid_core.shared.runs import RunKey
from astrid_core.stages.review_agreement import AgreementReport, agreement_in
from astrid_core.stages.services import Records, Services

RECORDED, PUBLISHED = "analytics.recorded", "catalog.published"
"""Events about a night: its facts were recorded, and its detections came into the catalog."""

_MAX_NIGHTS = 90
"""Earlier nights that are looked at for a report."""
_UNIX_MJD, _DAY_S = 40587.0, 86400.0


def reviews_of(
    records: Records, exposures: Sequence[ExposureRuns], *, survey: str, night: str, min_score: float
) -> ReviewFacts | None:
    """Return what people said of the reported runs; None where they are asked about none of the night."""
    agreement = agreement_in(records, survey=survey, night=night)
    scores = {one.id: one.score for runs in exposures if runs.model_run for one in runs.model_run.detections}
    items = records.review_queue.of(list(scores))
    if not items and not agreement.n_votes and not agreement.against_seeds:
        return None
    claimed = [
        item.verdict for name, item in items.items() if (score := scores[name]) is not None and score >= min_score
    ]
    n_real = claimed.count(Verdict.REAL)
    return ReviewFacts(
        n_queued=len(items),
        n_open=sum(item.verdict is None for item in items.values()),
        n_disputed=sum(item.state is ReviewState.DISPUTED for item in items.values()),
        n_votes=agreement.n_votes,
        n_curators=len(agreement.curators),
        krippendorff_alpha=agreement.krippendorff_alpha,
        fleiss_kappa=agreement.fleiss_kappa,
        purity=Share.of(n_real, n_real + claimed.count(Verdict.BOGUS)),
        seeds_found=_seeds_found(agreement),
    )


def waits_of(records: Records, exposures: Sequence[ExposureRuns], *, survey: str, night: str) -> dict[str, Latency]:
    """Return how long exposures took from the shutter to us, to scores and into the catalog, by the event log."""
    arrived, scored, published = [], [], []
    publications = [event.at.timestamp() for event in records.events.of(f"{survey}:{night}") if event.name == PUBLISHED]
    for runs in exposures:
        shutter_s = (runs.observation.mid_mjd - _UNIX_MJD) * _DAY_S
        file_s = _first(records, runs.observation.id, "observation.recorded")
        if file_s is not None:
            arrived.append(file_s - shutter_s)
        score_s = _first(records, runs.model_run.key, "model_run.recorded") if runs.model_run else None
        if score_s is None or runs.model_run is None:
            continue
        if file_s is not None:
            scored.append(score_s - file_s)
        ids = [one.id for one in runs.model_run.detections]
        after = [one for one in publications if one >= score_s]
        if after and records.catalog.published(ids):
            published.append(min(after) - shutter_s)
    return {
        "shutter to file": Latency.of(arrived),
        "file to scores": Latency.of(scored),
        "shutter to catalog": Latency.of(published),
    }


def earlier_figures(records: Records, *, survey: str, night: str) -> list[Mapping[str, float | None]]:
    """Return the figures of the last nights before this one that were reported, the newest first."""
    found: list[Mapping[str, float | None]] = []
    before = [one for one in records.observations.nights(survey=survey) if one < night]
    for one in sorted(before, reverse=True)[:_MAX_NIGHTS]:
        key = last_report(records, survey=survey, night=one)
        stored = records.analytics.find(key) if key else None
        figures = stored.facts.get("figures") if stored else None
        if isinstance(figures, Mapping) and figures:
            found.append(figures)
        if len(found) == LONG:
            break
    return found


def last_report(records: Records, *, survey: str, night: str) -> RunKey | None:
    """Return the key of the facts that were recorded last of a night."""
    keys = [event.facts["run"] for event in records.events.of(f"{survey}:{night}") if event.name == RECORDED]
    return RunKey(str(keys[-1])) if keys else None


def coverage_of(services: Services, exposures: Sequence[ExposureRuns]) -> Coverage | None:
    """Return what the exposures that were searched cover, by the sky positions of their stored differences."""
    footprints = []
    n_unplaced = 0
    for runs in exposures:
        if runs.model_run is None or runs.difference is None or runs.difference.n_usable_pix == 0:
            continue
        image = runs.difference.image
        corners = None
        if image is not None and services.artifacts.contains(image.digest):
            n_bytes = min(HEAD_BYTES, image.n_bytes)
            corners = read_corners(services.artifacts.part(image.digest, start=0, n_bytes=n_bytes))
        if corners is None:
            n_unplaced += 1
            continue
        depth = runs.preprocess.exposure.limiting_mag if runs.preprocess and runs.preprocess.exposure else None
        seen = runs.observation
        footprints.append(Footprint(observation_id=seen.id, band=seen.band, corners=corners, limiting_mag=depth))
    return cover(footprints, n_unplaced=n_unplaced)


def _first(records: Records, subject: str, name: str) -> float | None:
    return next((event.at.timestamp() for event in records.events.of(subject) if event.name == name), None)


def _seeds_found(agreement: AgreementReport) -> Share:
    votes = [(truth, said, n) for one in agreement.against_seeds.values() for (truth, said), n in one.counts.items()]
    real = [(said, n) for truth, said, n in votes if truth is Verdict.REAL]
    return Share.of(sum(n for said, n in real if said is Verdict.REAL), sum(n for _, n in real))
