"""What the verdicts of several people, given at several times, add up to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from astrid_core.curation.entities import ValidationEvent, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdicts on one detection that still stand."""

    verdict: Verdict
    """The majority of real and bogus; unsure if neither leads."""
    agreement: float
    """Fraction of the curators who said exactly that, 0 to 1."""
    n_curators: int


def standing(events: Iterable[ValidationEvent]) -> tuple[ValidationEvent, ...]:
    """Return the verdict of every curator on every detection that none of theirs supersedes, oldest first.

    Where a log holds several such verdicts of one curator, the newest stands; the order of ``events`` is irrelevant.
    """
    ordered = sorted(events, key=lambda event: (event.at, str(event.id)))
    superseded = {event.supersedes for event in ordered if event.supersedes is not None}
    last = {
        (event.detection_id, event.curator): event
        for event in sorted(ordered, key=lambda event: event.id not in superseded)
    }
    return tuple(event for event in ordered if last[event.detection_id, event.curator] is event)


def judge(events: Sequence[ValidationEvent]) -> Judgement | None:
    """Return what the curators think of one detection; None without a verdict."""
    votes = Counter(event.verdict for event in standing(events))
    if not votes:
        return None
    lead = votes[Verdict.REAL] - votes[Verdict.BOGUS]
    verdict = Verdict.REAL if lead > 0 else Verdict.BOGUS if lead < 0 else Verdict.UNSURE
    return Judgement(verdict=verdict, agreement=votes[verdict] / votes.total(), n_curators=votes.total())


def judgements(events: Iterable[ValidationEvent]) -> Mapping[str, Judgement]:
    """Return the judgement on every detection that has a verdict."""
    by_detection: dict[str, list[ValidationEvent]] = {}
    for event in events:
        by_detection.setdefault(event.detection_id, []).append(event)
    judged = {detection_id: judge(group) for detection_id, group in sorted(by_detection.items())}
    return {detection_id: judgement for detection_id, judgement in judged.items() if judgement is not None}
