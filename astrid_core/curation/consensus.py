"""What the votes of several people on one detection add up to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from astrid_core.curation.access import Role
from astrid_core.curation.entities import ReviewItem, ReviewState, ValidationEvent, Verdict
from astrid_core.curation.verdicts import standing

_OPINION = {Verdict.REAL: 1.0, Verdict.UNSURE: 0.5, Verdict.BOGUS: 0.0}
"""Each vote as the probability of being real, to hold it against the score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """What people think of a detection, and how far they are."""

    state: ReviewState
    verdict: Verdict | None = None
    """The final one; None while there is none."""
    reason: str = ""
    """Of the final verdict, where those who gave it agree on one."""
    n_votes: int = 0
    """Independent votes that stand; an arbiter's is none of them."""
    agreement: float | None = None
    """Largest part of the votes that say the same, 0 to 1; None without a vote."""
    arbiter: str | None = None


def consensus(events: Iterable[ValidationEvent], *, n_needed: int) -> Consensus:
    """Return what the verdicts on one detection add up to; those on seeds do not count.

    ``n_needed`` votes that agree are final. Any two that differ, or one that is unsure, need an arbiter, whose verdict
    is final; of several arbiters the newest decides.
    """
    said = [event for event in standing(events) if not event.is_seed]
    votes = [event for event in said if event.role is not Role.ARBITER]
    told = [event.verdict for event in votes]
    agreement = max(told.count(one) for one in told) / len(told) if told else None
    arbiters = [event for event in said if event.role is Role.ARBITER]
    state, deciding = ReviewState.OPEN, list[ValidationEvent]()
    if arbiters:
        state, deciding = ReviewState.ARBITRATED, arbiters[-1:]
    elif Verdict.UNSURE in told or len(set(told)) > 1:
        state = ReviewState.DISPUTED
    elif len(votes) >= n_needed:
        state, deciding = ReviewState.AGREED, votes
    reasons = {event.reason for event in deciding}
    return Consensus(
        state=state,
        verdict=deciding[0].verdict if deciding else None,
        reason=reasons.pop() if len(reasons) == 1 else "",
        n_votes=len(votes),
        agreement=agreement,
        arbiter=arbiters[-1].curator if arbiters else None,
    )


def counted(item: ReviewItem, events: Sequence[ValidationEvent]) -> ReviewItem:
    """Return ``item`` with what all ``events`` on its detection add up to."""
    found = consensus(events, n_needed=item.n_needed)
    return replace(
        item,
        n_given=found.n_votes,
        state=found.state,
        verdict=found.verdict,
        reason=found.reason,
        disagreement=disagreement(events, score=item.score),
    )


def disagreement(events: Iterable[ValidationEvent], *, score: float | None) -> float:
    """Return how far the votes, and the network as one more voter, are apart, 0 to 1; 0 without a vote."""
    opinions = [
        _OPINION[event.verdict]
        for event in standing(events)
        if event.role is not Role.ARBITER and not event.is_seed
    ]  # fmt: skip
    if not opinions:
        return 0.0
    opinions += [] if score is None else [score]
    return max(opinions) - min(opinions)
