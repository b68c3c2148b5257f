import math
from collections import Counter

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from astrid_core.curation.agreement import cohen_kappa, confusion, fleiss_kappa, krippendorff_alpha
from astrid_core.curation.entities import Verdict
from astrid_core.curation.queue import shuffle_of, shuffle_start
from astrid_core.curation.seeds import Slot, seed_slots

REAL, BOGUS, UNSURE = Verdict.REAL, Verdict.BOGUS, Verdict.UNSURE
MISSING = -1

FLEISS_1971 = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip
"""Fourteen raters put ten items into five classes; kappa is 0.210."""


def tables(n: int) -> list[np.ndarray]:
    """Return vote tables, people by items, of different sizes, with gaps: what is not given is MISSING."""
    rng = np.random.default_rng(17)
    made = []
    for _ in range(n):
        people, items = int(rng.integers(2, 7)), int(rng.integers(1, 60))
        truth = rng.integers(0, 3, items)
        is_right = rng.random((people, items)) < rng.uniform(0.2, 1.0)
        table = np.where(is_right, truth, rng.integers(0, 3, (people, items)))
        made.append(np.where(rng.random(table.shape) < rng.uniform(0.0, 0.6), MISSING, table))
    return made


def votes_of(table: np.ndarray) -> list[list[int]]:
    return [[int(one) for one in column if one != MISSING] for column in table.T]


def test_alpha_is_that_of_an_independent_implementation_on_200_tables_with_gaps() -> None:
    n_compared = 0
    for table in tables(200):
        ours = krippendorff_alpha(votes_of(table))
        pairable = [one for votes in votes_of(table) if len(votes) > 1 for one in votes]
        if len(set(pairable)) < 2:
            assert ours is None
            continue
        data = np.where(table == MISSING, np.nan, table)
        theirs = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal", value_domain=[0, 1, 2])
        assert ours == pytest.approx(theirs, abs=1e-9)
        n_compared += 1
    assert n_compared > 180


def test_cohens_kappa_is_that_of_scikit_learn_on_200_tables_with_gaps() -> None:
    n_compared = 0
    for table in tables(200):
        both = table[:2, (table[:2] != MISSING).all(axis=0)]
        ours = cohen_kappa(both[0].tolist(), both[1].tolist())
        if len(np.unique(both)) < 2:
            assert ours is None
            continue
        theirs = float(cohen_kappa_score(both[0], both[1]))
        assert ours == pytest.approx(theirs, abs=1e-9)
        n_compared += 1
    assert n_compared > 150


def test_fleiss_kappa_is_that_of_his_paper() -> None:
    items = [list(Counter(dict(enumerate(row))).elements()) for row in FLEISS_1971]
    assert fleiss_kappa(items) == pytest.approx(0.20993, abs=1e-5)


def test_perfect_agreement_is_one_and_where_nothing_differs_there_is_no_number() -> None:
    alike = [[REAL, REAL], [BOGUS, BOGUS]]
    assert fleiss_kappa(alike) == krippendorff_alpha(alike) == cohen_kappa([REAL, BOGUS], [REAL, BOGUS]) == 1.0
    for items in ([], [[REAL]], [[REAL, REAL], [REAL, REAL]]):
        assert fleiss_kappa(items) is None
        assert krippendorff_alpha(items) is None
    assert cohen_kappa([], []) is None
    assert cohen_kappa([REAL], [REAL]) is None


def test_who_votes_alone_does_not_count() -> None:
    items = [[REAL, REAL], [BOGUS, BOGUS], [REAL, BOGUS]]
    assert krippendorff_alpha([*items, [REAL], []]) == krippendorff_alpha(items)
    assert fleiss_kappa([*items, [REAL], []]) == fleiss_kappa(items)


def test_verdicts_of_different_lengths_are_no_pair() -> None:
    with pytest.raises(ValueError, match="2 verdicts of one, 1 of the other"):
        cohen_kappa([REAL, REAL], [REAL])


def test_what_was_said_is_counted_by_what_is_true() -> None:
    counted = confusion([(REAL, REAL)] * 8 + [(REAL, UNSURE)] * 2 + [(BOGUS, BOGUS)] * 3)
    part, low, high = counted.part(REAL, REAL)
    assert part == 0.8
    assert low is not None
    assert high is not None
    assert low < 0.8 < high
    assert counted.part(BOGUS, BOGUS)[0] == 1.0
    assert counted.part(BOGUS, REAL)[0] == 0.0
    assert confusion([]).part(REAL, REAL) == (None, None, None)


def test_seeds_are_one_in_twenty_and_cannot_be_told_from_the_ones_before() -> None:
    told = seed_slots("ana", first=0, n=20_000, fraction=0.05)
    slots = np.array([bool(one) for one in told])
    assert slots.mean() == pytest.approx(0.05, abs=4.0 * math.sqrt(0.05 * 0.95 / 20_000))
    follows = slots[1:][slots[:-1]]
    assert follows.mean() == pytest.approx(0.05, abs=4.0 * math.sqrt(0.05 * 0.95 / len(follows)))
    assert told.count(Slot.INJECTED) == pytest.approx(told.count(Slot.KNOWN), rel=0.25)
    assert seed_slots("ana", first=7, n=5, fraction=0.05) == told[7:12]
    assert seed_slots("bo", first=0, n=20_000, fraction=0.05) != told


def test_the_shuffle_fits_a_signed_column_and_curators_enter_it_elsewhere() -> None:
    numbers = [shuffle_of(f"detect-1:{number}") for number in range(1000)]
    assert len(set(numbers)) == 1000
    assert all(0 <= number < 2**63 for number in numbers)
    assert numbers != sorted(numbers)
    assert len({shuffle_start(login, night) for login in ("ana", "bo") for night in (None, "2026-01-01")}) == 4
