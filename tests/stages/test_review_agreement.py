import pytest

from astrid_core.curation.access import Role
from astrid_core.curation.entities import ReviewState, Seed, Verdict
from astrid_core.stages.review import withdraw
from astrid_core.stages.review_agreement import agreement_of, consensus_of
from tests.catalog.night import NIGHT
from tests.stages.voting import ARBITER, Voting, voting

REAL, BOGUS = Verdict.REAL, Verdict.BOGUS


@pytest.fixture
def night() -> Voting:
    """Ana and Bo agree on three of four; Dora sides with Ana on the last; Cy has seen a seed."""
    made = voting(6)
    for number, (ana, bo) in enumerate([(REAL, REAL), (BOGUS, BOGUS), (REAL, REAL), (REAL, BOGUS)]):
        made.say("ana", number, ana)
        made.say("bo", number, bo)
    made.say(ARBITER, 3, REAL, role=Role.ARBITER)
    with made.services.transaction() as records:
        records.seeds.add(Seed(detection_id=made.ids[5], answer=REAL, origin="test"))
    made.say("cy", 5, BOGUS)
    return made


def test_votes_are_compared_without_arbiters_and_seeds(night: Voting) -> None:
    found = agreement_of(night.services)
    assert (found.n_detections, found.n_votes) == (4, 8)
    # Of four they agree on three; by chance they would on (3 * 2 + 1 * 2) / 16.
    assert found.cohen_kappa == {("ana", "bo"): pytest.approx(0.5)}
    assert found.n_both == {("ana", "bo"): 4}
    assert found.krippendorff_alpha == pytest.approx(1.0 - 7.0 * 2.0 / (64.0 - 25.0 - 9.0))


def test_each_is_held_against_seeds_and_final_verdicts(night: Voting) -> None:
    found = agreement_of(night.services)
    assert found.against_seeds["cy"].counts == {(REAL, BOGUS): 1}
    assert set(found.against_seeds) == {"cy"}
    assert found.against_final["ana"].counts == {(REAL, REAL): 3, (BOGUS, BOGUS): 1}
    assert found.against_final["bo"].counts == {(REAL, REAL): 2, (BOGUS, BOGUS): 1, (REAL, BOGUS): 1}


def test_another_night_has_no_votes_and_what_is_taken_back_is_none(night: Voting) -> None:
    assert agreement_of(night.services, "2000-01-01").n_votes == 0
    assert agreement_of(night.services, NIGHT) == agreement_of(night.services)
    vote = night.say("cy", 0, BOGUS)
    assert agreement_of(night.services).n_votes == 9
    withdraw(night.services, event_id=vote.id, login="cy", at=night.now)
    assert agreement_of(night.services).n_votes == 8


def test_the_consensus_is_that_of_the_queue(night: Voting) -> None:
    found = consensus_of(night.services, night.ids)
    states = [found[one].state for one in night.ids]
    assert states == [ReviewState.AGREED] * 3 + [ReviewState.ARBITRATED] + [ReviewState.OPEN] * 2
    assert states == [night.item(number).state for number in range(6)]
    assert (found[night.ids[3]].arbiter, found[night.ids[3]].agreement) == (ARBITER, 0.5)
