"""What people agree on, and how well each of them judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from astrid_core.curation.access import Role
from astrid_core.curation.agreement import Confusion, cohen_kappa, confusion, fleiss_kappa, krippendorff_alpha
from astrid_core.curation.config import N_VOTES
from astrid_core.curation.consensus import Consensus, consensus
from astrid_core.curation.entities import ReviewItem, ValidationEvent, Verdict
from astrid_core.curation.queue import QueueFilters
from astrid_core.curation.verdicts import standing
from astrid_core.differencing.completeness import CompletenessBin, completeness_curve
from astrid_core.stages.services import Records, Services

_SNR_EDGES = np.array([0.0, 5.0, 7.0, 10.0, 15.0, np.inf])
"""Of the parts of a reviewer's completeness: coarse, because each sees only some."""


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
    completeness: Mapping[str, Sequence[CompletenessBin]]
    """By curator: how many of the injected sources that they were shown they called real, by predicted S/N."""


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
    injected = {one: seed for one, seed in records.injected_seeds.of(judged).items() if filters.fits(seed.item)}
    answers = {**dict.fromkeys(injected, Verdict.REAL), **{one: seed.answer for one, seed in seeds.items()}}
    return _report(said, items, answers, {one: seed.predicted_snr for one, seed in injected.items()})


def _report(
    said: Sequence[ValidationEvent],
    items: Mapping[str, ReviewItem],
    answers: Mapping[str, Verdict],
    predicted_snr: Mapping[str, float],
) -> AgreementReport:
    votes = [
        event
        for event in said
        if event.detection_id in items and not event.is_seed and event.role is not Role.ARBITER
    ]  # fmt: skip
    by_detection: dict[str, dict[str, Verdict]] = {}
    for vote in votes:
        by_detection.setdefault(vote.detection_id, {})[vote.curator] = vote.verdict
    pairs: dict[tuple[str, str], list[tuple[Verdict, Verdict]]] = {}
    for by_curator in by_detection.values():
        for one, other in combinations(sorted(by_curator), 2):
            pairs.setdefault((one, other), []).append((by_curator[one], by_curator[other]))
    told = [list(by_curator.values()) for by_curator in by_detection.values()]
    known = {
        event: answers[event.detection_id] for event in said if event.is_seed and event.detection_id in answers
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
        completeness=_completeness([event for event in known if event.detection_id in predicted_snr], predicted_snr),
    )


def _completeness(
    said: Sequence[ValidationEvent], predicted_snr: Mapping[str, float]
) -> Mapping[str, Sequence[CompletenessBin]]:
    by_curator: dict[str, list[ValidationEvent]] = {}
    for event in said:
        by_curator.setdefault(event.curator, []).append(event)
    return {
        curator: completeness_curve(
            np.array([predicted_snr[event.detection_id] for event in told]),
            np.array([event.verdict is Verdict.REAL for event in told], dtype=bool),
            _SNR_EDGES,
        )
        for curator, told in sorted(by_curator.items())
    }


def _confusions(truth: Mapping[ValidationEvent, Verdict]) -> Mapping[str, Confusion]:
    by_curator: dict[str, list[tuple[Verdict, Verdict]]] = {}
    for event, answer in truth.items():
        by_curator.setdefault(event.curator, []).append((answer, event.verdict))
    return {curator: confusion(answers) for curator, answers in sorted(by_curator.items())}
