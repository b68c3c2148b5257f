"""What people agree on, and how well each of them judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from astrid_core.curation.access import Role
from astrid_core.curation.agreement import Confusion, cohen_kappa, confusion, fleiss_kappa, krippendorff_alpha
from astrid_core.curation.config import N_VOTES
from astrid_core.curation.consensus import Consensus, consensus
from astrid_core.curation.entities import ReviewItem, Seed, ValidationEvent, Verdict
from astrid_core.curation.queue import QueueFilters
from astrid_core.curation.verdicts import standing
from astrid_core.stages.services import Records, Services


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementReport:
    """How far curators agree, and how often each is right."""

    n_detections: int
    """With at least one independent vote."""
    n_votes: int
    curators: frozenset[str]
    """Who gave them."""
    fleiss_kappa: float | None
    krippendorff_alpha: float | None
    cohen_kappa: Mapping[tuple[str, str], float | None]
    """By pairs of curators who judged a detection both."""
    n_both: Mapping[tuple[str, str], int]
    """Detections that each pair judged both."""
    against_seeds: Mapping[str, Confusion]
    """By curator: what they said of detections whose answer was known."""
    against_final: Mapping[str, Confusion]
    """By curator: what they said of detections that were decided since, by an arbiter or with other curators."""


def consensus_of(services: Services, detection_ids: Sequence[str]) -> Mapping[str, Consensus]:
    """Return what the verdicts on each of these detections add up to."""
    with services.transaction() as records:
        events = records.validation_events.of_detections(detection_ids)
        items = records.review_queue.of(detection_ids)
    by_detection = {one: [event for event in events if event.detection_id == one] for one in detection_ids}
    return {
        one: consensus(said, n_needed=items[one].n_needed if one in items else N_VOTES)
        for one, said in by_detection.items()
    }


def agreement_of(services: Services, night: str | None = None) -> AgreementReport:
    """Return how far curators agree about the detections of a night; of all nights without one."""
    with services.transaction() as records:
        return agreement_in(records, night=night)


def agreement_in(records: Records, *, survey: str | None = None, night: str | None = None) -> AgreementReport:
    """Return the same inside a transaction, of one survey or of all."""
    said = standing(records.validation_events.all())
    judged = sorted({event.detection_id for event in said})
    filters = QueueFilters(survey=survey, night=night)
    items = {one: item for one, item in records.review_queue.of(judged).items() if filters.fits(item)}
    seeds = records.seeds.of(list(items))
    return _report([event for event in said if event.detection_id in items], items, seeds)


def _report(
    said: Sequence[ValidationEvent], items: Mapping[str, ReviewItem], seeds: Mapping[str, Seed]
) -> AgreementReport:
    votes = [event for event in said if not event.is_seed and event.role is not Role.ARBITER]
    by_detection: dict[str, dict[str, Verdict]] = {}
    for vote in votes:
        by_detection.setdefault(vote.detection_id, {})[vote.curator] = vote.verdict
    pairs: dict[tuple[str, str], list[tuple[Verdict, Verdict]]] = {}
    for by_curator in by_detection.values():
        for one, other in combinations(sorted(by_curator), 2):
            pairs.setdefault((one, other), []).append((by_curator[one], by_curator[other]))
    told = [list(by_curator.values()) for by_curator in by_detection.values()]
    known = {
        event: seeds[event.detection_id].answer for event in said if event.is_seed and event.detection_id in seeds
    }  # fmt: skip
    final = {
        vote: verdict
        for vote in votes
        if (verdict := items[vote.detection_id].verdict) in {Verdict.REAL, Verdict.BOGUS} and verdict is not None
    }
    return AgreementReport(
        n_detections=len(by_detection),
        n_votes=len(votes),
        curators=frozenset(vote.curator for vote in votes),
        fleiss_kappa=fleiss_kappa(told),
        krippendorff_alpha=krippendorff_alpha(told),
        cohen_kappa={
            pair: cohen_kappa([one for one, _ in both], [other for _, other in both])
            for pair, both in sorted(pairs.items())
        },
        n_both={pair: len(both) for pair, both in sorted(pairs.items())},
        against_seeds=_confusions(known),
        against_final=_confusions(final),
    )


def _confusions(truth: Mapping[ValidationEvent, Verdict]) -> Mapping[str, Confusion]:
    by_curator: dict[str, list[tuple[Verdict, Verdict]]] = {}
    for event, answer in truth.items():
        by_curator.setdefault(event.curator, []).append((answer, event.verdict))
    return {curator: confusion(answers) for curator, answers in sorted(by_curator.items())}
