from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.consensus import Consensus, consensus, disagreement
from astrid_core.curation.entities import ReviewState, ValidationEvent, Verdict
from astrid_core.curation.verdicts import history, not_taken_back, standing, undo_id
from astrid_core.curation.vocabulary import CURRENT, VOCABULARIES
from astrid_core.shared.errors import BadConfiguration, UnknownReason

START = datetime(2024, 3, 2, 8, tzinfo=UTC)
REAL, BOGUS, UNSURE = Verdict.REAL, Verdict.BOGUS, Verdict.UNSURE


def said(
    number: int | UUID,
    curator: str,
    verdict: Verdict,
    *,
    minute: int = 0,
    supersedes: int | None = None,
    detection: str = "d:1",
    role: Role = Role.REVIEWER,
    is_seed: bool = False,
) -> ValidationEvent:
    return ValidationEvent(
        id=number if isinstance(number, UUID) else UUID(int=number),
        detection_id=detection,
        curator=curator,
        verdict=verdict,
        role=role,
        is_seed=is_seed,
        at=START + timedelta(minutes=minute),
        supersedes=None if supersedes is None else UUID(int=supersedes),
    )


def votes(*verdicts: Verdict) -> list[ValidationEvent]:
    return [said(number, f"curator {number}", verdict) for number, verdict in enumerate(verdicts)]


def test_the_newest_verdict_of_a_curator_stands() -> None:
    first = said(1, "ana", BOGUS)
    second = said(2, "ana", REAL, minute=5, supersedes=1)
    for order in permutations([first, second]):
        assert standing(order) == (second,)


def test_a_verdict_that_supersedes_wins_although_its_clock_ran_slow() -> None:
    events = [
        said(1, "ana", BOGUS, minute=5),
        said(2, "ana", REAL, minute=0, supersedes=1),
        said(3, "ana", UNSURE, minute=2, supersedes=2),
    ]
    for order in permutations(events):
        assert standing(order) == (events[2],)
        assert history(order) == tuple(events)


def test_of_verdicts_that_do_not_know_of_each_other_the_newest_stands() -> None:
    events = [said(1, "ana", REAL, minute=1), said(2, "ana", BOGUS, minute=2), said(3, "ana", UNSURE, supersedes=1)]
    assert standing(events) == (events[1],)


def test_curators_and_detections_do_not_supersede_each_other() -> None:
    events = [said(1, "ana", REAL), said(2, "bo", BOGUS), said(3, "ana", BOGUS, detection="d:2")]
    assert len(standing(events)) == 3


def test_what_was_taken_back_does_not_stand() -> None:
    first = said(1, "ana", REAL)
    undo = said(undo_id(first.id), "ana", Verdict.WITHDRAWN, minute=1, supersedes=1)
    assert standing([first, undo]) == ()
    assert not_taken_back([first, undo]) == []
    again = said(2, "ana", BOGUS, minute=2)
    assert not_taken_back([first, undo, again]) == [again]


@pytest.mark.parametrize(
    ("verdicts", "state", "verdict", "agreement"),
    [
        ((), ReviewState.OPEN, None, None),
        ((REAL,), ReviewState.OPEN, None, 1.0),
        ((REAL, REAL), ReviewState.AGREED, REAL, 1.0),
        ((BOGUS, BOGUS), ReviewState.AGREED, BOGUS, 1.0),
        ((REAL, BOGUS), ReviewState.DISPUTED, None, 0.5),
        ((UNSURE,), ReviewState.DISPUTED, None, 1.0),
        ((UNSURE, UNSURE), ReviewState.DISPUTED, None, 1.0),
        ((REAL, REAL, BOGUS), ReviewState.DISPUTED, None, 2 / 3),
        ((REAL, REAL, REAL), ReviewState.AGREED, REAL, 1.0),
    ],
)
def test_two_who_agree_decide_and_everything_else_is_for_an_arbiter(
    verdicts: tuple[Verdict, ...], state: ReviewState, verdict: Verdict | None, agreement: float | None
) -> None:
    found = consensus(votes(*verdicts), n_needed=2)
    assert found == Consensus(state=state, verdict=verdict, n_votes=len(verdicts), agreement=agreement)


@pytest.mark.parametrize("verdicts", [(), (REAL,), (REAL, REAL), (REAL, BOGUS)])
def test_the_newest_arbiter_decides_whatever_the_votes_say(verdicts: tuple[Verdict, ...]) -> None:
    arbiters = [
        said(100, "dora", REAL, minute=1, role=Role.ARBITER),
        said(101, "eli", UNSURE, minute=2, role=Role.ARBITER),
    ]
    found = consensus([*votes(*verdicts), *arbiters], n_needed=2)
    assert (found.state, found.verdict, found.arbiter) == (ReviewState.ARBITRATED, UNSURE, "eli")
    assert found.n_votes == len(verdicts)


def test_votes_on_seeds_are_no_votes() -> None:
    seeds = [said(50 + number, f"curator {50 + number}", BOGUS, is_seed=True) for number in range(3)]
    assert consensus([*votes(REAL, REAL), *seeds], n_needed=2) == consensus(votes(REAL, REAL), n_needed=2)
    assert disagreement(seeds, score=0.9) == 0.0


def test_votes_and_the_network_may_disagree() -> None:
    assert disagreement(votes(), score=0.9) == 0.0
    assert disagreement(votes(BOGUS), score=0.9) == pytest.approx(0.9)
    assert disagreement(votes(REAL), score=0.9) == pytest.approx(0.1)
    assert disagreement(votes(REAL, BOGUS), score=0.5) == 1.0
    assert disagreement(votes(UNSURE), score=None) == 0.0


def test_reasons_belong_to_their_verdict() -> None:
    assert VOCABULARIES[CURRENT.version] is CURRENT
    for verdict, terms in CURRENT.reasons.items():
        assert len({term.code for term in terms}) == len(terms)
        for term in terms:
            CURRENT.check(verdict, term.code)
    CURRENT.check(UNSURE, "")
    with pytest.raises(UnknownReason, match="reason=cosmic_ray"):
        CURRENT.check(REAL, "cosmic_ray")
    with pytest.raises(UnknownReason, match="known=none"):
        CURRENT.check(UNSURE, "other")


@pytest.mark.parametrize(
    "settings",
    [
        {"min_score": 1.1},
        {"min_score": -0.1},
        {"n_votes": 0},
        {"lease_s": 0.0},
        {"seed_fraction": 0.6},
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration):
        CurateConfig(**settings)  # type: ignore[arg-type]
