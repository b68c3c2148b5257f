"""How far people agree beyond chance, and how often each is right where the answer is known."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from astrid_core.curation.entities import Verdict
from astrid_core.differencing.completeness import binomial_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """What somebody said, by what was true."""

    counts: Mapping[tuple[Verdict, Verdict], int] = field(default_factory=dict)
    """By truth (real or bogus), then by verdict."""

    def part(self, truth: Verdict, said: Verdict) -> tuple[float | None, float | None, float | None]:
        """Return which part of what is ``truth`` was called ``said``, with its 95 % Wilson interval; None for no case.

        The part of real ones that are called real is a person's completeness.
        """
        n_of = sum(number for (answer, _), number in self.counts.items() if answer is truth)
        n = self.counts.get((truth, said), 0)
        return (n / n_of if n_of else None, *binomial_interval(n, n_of))


def confusion(answers: Sequence[tuple[Verdict, Verdict]]) -> Confusion:
    """Count pairs of truth and verdict."""
    return Confusion(counts=Counter(answers))


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Return the agreement of two people who judged the same items, beyond chance: 1 is perfect, 0 is chance.

    None without an item and where both always said the same one thing. Cohen, Educ. Psychol. Meas. 20 (1960) 37.
    """
    if len(first) != len(second):
        message = f"{len(first)} verdicts of one, {len(second)} of the other"
        raise ValueError(message)
    n = len(first)
    by_first, by_second = Counter(first), Counter(second)
    n_by_chance = sum(by_first[label] * by_second[label] for label in by_first)
    if n_by_chance == n * n:
        return None
    n_alike = sum(one == other for one, other in zip(first, second, strict=True))
    return (n * n_alike - n_by_chance) / (n * n - n_by_chance)


def fleiss_kappa(items: Sequence[Sequence[Hashable]]) -> float | None:
    """Return the agreement beyond chance of the votes on each item, whoever gave them.

    Items with fewer than two votes do not count; items may have different numbers of votes, which all weigh the same
    as items. None where nothing can be compared or all votes say the same. Fleiss, Psychol. Bull. 76 (1971) 378.
    """
    counts = [Counter(votes) for votes in items if len(votes) > 1]
    if not counts:
        return None
    alike = sum(_pairs_alike(one) / _pairs(one) for one in counts) / len(counts)
    pooled = sum(counts, Counter[Hashable]())
    by_chance = sum((number / pooled.total()) ** 2 for number in pooled.values())
    return None if len(pooled) < 2 else (alike - by_chance) / (1.0 - by_chance)


def krippendorff_alpha(items: Sequence[Sequence[Hashable]]) -> float | None:
    """Return nominal alpha of the votes on each item; items with fewer than two votes do not count.

    1 is perfect agreement, 0 is chance. None where nothing can be compared or all votes say the same. Krippendorff,
    Content Analysis (2004), chapter 11.
    """
    counts = [Counter(votes) for votes in items if len(votes) > 1]
    pooled = sum(counts, Counter[Hashable]())
    n = pooled.total()
    n_unlike_by_chance = n * n - sum(number * number for number in pooled.values())
    if n_unlike_by_chance == 0:
        return None
    unlike = sum((_pairs(one) - _pairs_alike(one)) / (one.total() - 1) for one in counts)
    return 1.0 - (n - 1) * unlike / n_unlike_by_chance


def _pairs(votes: Counter[Hashable]) -> int:
    return votes.total() * (votes.total() - 1)


def _pairs_alike(votes: Counter[Hashable]) -> int:
    return sum(number * (number - 1) for number in votes.values())
