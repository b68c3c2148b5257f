"""What people say, counted, arbitrated and taken back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from astrid_core.catalog.entities import EntryStatus
from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import ReviewState, Seed, Verdict
from astrid_core.shared.errors import Conflict, NotAllowed, UnknownReason, UnknownRecord
from astrid_core.shared.events import verify_chain
from astrid_core.stages.access import grant_role
from astrid_core.stages.review import record_many, verdicts_of, withdraw
from astrid_core.stages.votes import Vote
from tests.stages.voting import ARBITER, Voting, names, voting

REAL, BOGUS, UNSURE = Verdict.REAL, Verdict.BOGUS, Verdict.UNSURE


def statuses(night: Voting) -> list[EntryStatus]:
    with night.services.transaction() as records:
        found = sorted(records.catalog.search(), key=lambda entry: -entry.best_score)
    return [entry.status for entry in found]


def test_two_who_agree_settle_it_and_the_object_follows_at_once() -> None:
    night = voting()
    night.publish()
    night.say("ana", 0, REAL, reason="transient")
    assert (night.item(0).state, statuses(night)[0]) == (ReviewState.OPEN, EntryStatus.CANDIDATE)
    night.say("bo", 0, REAL, reason="transient")
    item = night.item(0)
    assert (item.state, item.verdict, item.reason, item.n_given) == (ReviewState.AGREED, REAL, "transient", 2)
    assert statuses(night)[0] is EntryStatus.CONFIRMED


def test_one_vote_is_enough_where_the_settings_say_so() -> None:
    night = voting(config=CurateConfig(n_votes=1))
    night.say("ana", 0, BOGUS)
    assert night.item(0).verdict is BOGUS


def test_what_is_disputed_waits_for_an_arbiter_who_has_not_voted() -> None:
    night = voting()
    night.publish()
    night.say("ana", 0, REAL)
    night.say("bo", 0, BOGUS)
    assert night.item(0).state is ReviewState.DISPUTED
    grant_role(night.services, login="bo", role=Role.ARBITER)
    with pytest.raises(NotAllowed, match="both votes on a detection and arbitrates it"):
        night.say("bo", 0, BOGUS, role=Role.ARBITER)
    night.say(ARBITER, 0, BOGUS, role=Role.ARBITER, reason="cosmic_ray")
    item = night.item(0)
    assert (item.state, item.verdict, item.reason) == (ReviewState.ARBITRATED, BOGUS, "cosmic_ray")
    assert statuses(night)[0] is EntryStatus.REJECTED


def test_a_vote_that_was_taken_back_still_bars_from_arbitrating() -> None:
    night = voting()
    grant_role(night.services, login="bo", role=Role.ARBITER)
    vote = night.say("bo", 0, REAL)
    withdraw(night.services, event_id=vote.id, login="bo", at=night.now)
    with pytest.raises(NotAllowed, match="both votes"):
        night.say("bo", 0, BOGUS, role=Role.ARBITER)


def test_an_arbiter_does_not_vote_on_what_they_have_settled() -> None:
    night = voting()
    night.say(ARBITER, 0, REAL, role=Role.ARBITER)
    with pytest.raises(NotAllowed, match="both votes"):
        night.say(ARBITER, 0, BOGUS)
    night.say(ARBITER, 0, BOGUS, role=Role.ARBITER)
    assert night.item(0).verdict is BOGUS


def test_a_reviewer_does_not_arbitrate_and_a_stranger_does_nothing() -> None:
    night = voting()
    with pytest.raises(NotAllowed, match="permission=arbitrate"):
        night.say("ana", 0, REAL, role=Role.ARBITER)
    with pytest.raises(NotAllowed, match="login=eve"):
        night.say("eve", 0, REAL)
    assert verdicts_of(night.services, night.ids[0]) == ()


def test_the_same_verdict_again_changes_nothing() -> None:
    night = voting()
    first = night.say("ana", 0, REAL, comment="bright", seconds=2.5, confidence=3)
    before = (night.state(), names(night.services))
    night.n_said -= 1
    assert night.say("ana", 0, REAL, comment="bright", seconds=2.5, confidence=3) == first
    assert (night.state(), names(night.services)) == before
    # Also when the curator has gone on since: a late retry must not bring an old verdict back.
    second = night.say("ana", 0, BOGUS)
    night.n_said = 0
    assert night.say("ana", 0, REAL, comment="bright", seconds=2.5, confidence=3) == first
    assert verdicts_of(night.services, night.ids[0]) == (first, second)


@pytest.mark.parametrize("told", [{"comment": "x"}, {"reason": "transient"}, {"is_blind": True}, {"seconds": 1.0}])
def test_the_same_identity_with_other_content_is_a_conflict(told: dict[str, Any]) -> None:
    night = voting()
    night.say("ana", 0, REAL)
    night.n_said = 0
    with pytest.raises(Conflict, match="another content"):
        night.say("ana", 0, REAL, **told)
    night.n_said = 0
    with pytest.raises(Conflict, match="another content"):
        night.say("bo", 0, REAL)


def test_taking_back_restores_queue_consensus_and_catalog_exactly() -> None:
    night = voting()
    night.publish()
    night.say("ana", 0, REAL)
    before = night.state()
    vote = night.say("bo", 0, REAL)
    assert night.state() != before
    (undo,) = withdraw(night.services, event_id=vote.id, login="bo", at=night.now)
    assert night.state() == before
    assert (undo.verdict, undo.supersedes) == (Verdict.WITHDRAWN, vote.id)
    assert withdraw(night.services, event_id=vote.id, login="bo", at=night.now + timedelta(1)) == (undo,)
    with pytest.raises(Conflict, match="takes a verdict back itself"):
        withdraw(night.services, event_id=undo.id, login="bo", at=night.now)
    assert len(verdicts_of(night.services, night.ids[0])) == 3
    with night.services.transaction() as records:
        verify_chain(records.events.all())
        told = records.events.of(night.ids[0])[-1]
    assert (told.name, told.facts["before"], told.facts["after"]) == ("verdict.withdrawn", "agreed", "open")
    assert told.facts["digest"] == undo.digest


def test_taking_back_a_second_thought_brings_the_first_one_back() -> None:
    night = voting()
    first = night.say("ana", 0, REAL, reason="transient", comment="sure")
    before = night.state()
    second = night.say("ana", 0, BOGUS, reason="edge")
    (undo,) = withdraw(night.services, event_id=second.id, login="ana", at=night.now)
    assert (undo.verdict, undo.reason, undo.comment) == (REAL, "transient", "sure")
    assert night.state() == before
    (gone,) = withdraw(night.services, event_id=first.id, login="ana", at=night.now + timedelta(seconds=1))
    assert gone.verdict is Verdict.WITHDRAWN
    assert night.item(0).n_given == 0


def test_after_taking_back_one_may_vote_again() -> None:
    night = voting()
    vote = night.say("ana", 0, REAL)
    withdraw(night.services, event_id=vote.id, login="ana", at=night.now)
    night.say("ana", 0, BOGUS)
    night.say("bo", 0, BOGUS)
    assert night.item(0).verdict is BOGUS


def test_only_ones_own_newest_verdict_is_taken_back() -> None:
    night = voting()
    first = night.say("ana", 0, REAL)
    night.say("ana", 0, BOGUS)
    with pytest.raises(Conflict, match="replaced since"):
        withdraw(night.services, event_id=first.id, login="ana", at=night.now)
    with pytest.raises(NotAllowed, match="whoever gave it"):
        withdraw(night.services, event_id=first.id, login="bo", at=night.now)
    with pytest.raises(UnknownRecord, match="no such verdict"):
        withdraw(night.services, event_id=UUID(int=999), login="ana", at=night.now)


def test_a_batch_is_given_and_taken_back_as_one() -> None:
    night = voting(5)
    night.say("bo", 0, BOGUS)
    before = night.state()
    batch = UUID(int=77)
    votes = [
        Vote(event_id=UUID(int=100 + n), detection_id=night.ids[n], verdict=BOGUS, reason="edge") for n in range(4)
    ]
    said = record_many(night.services, verdicts=votes, batch=batch, login="ana", at=night.now)
    assert record_many(night.services, verdicts=votes, batch=batch, login="ana", at=night.now) == said
    assert night.item(0).state is ReviewState.AGREED
    withdraw(night.services, batch=batch, login="ana", at=night.now)
    assert night.state() == before
    withdraw(night.services, batch=batch, login="ana", at=night.now)
    assert night.state() == before


def test_of_a_batch_nothing_is_recorded_if_one_verdict_is_refused() -> None:
    night = voting()
    before = (night.state(), names(night.services))
    good = Vote(event_id=UUID(int=1), detection_id=night.ids[0], verdict=REAL)
    for bad, error in (
        (Vote(event_id=UUID(int=2), detection_id=f"{night.key}:99", verdict=REAL), UnknownRecord),
        (Vote(event_id=UUID(int=2), detection_id=night.ids[1], verdict=REAL, reason="edge"), UnknownReason),
        (Vote(event_id=UUID(int=2), detection_id=night.ids[1], verdict=Verdict.WITHDRAWN), ValueError),
        (Vote(event_id=UUID(int=2), detection_id=night.ids[1], verdict=REAL, confidence=4), ValueError),
    ):
        with pytest.raises(error):
            record_many(night.services, verdicts=[good, bad], batch=None, login="ana", at=night.now)
    assert (night.state(), names(night.services)) == before


def test_a_verdict_that_was_replaced_since_stays_when_its_batch_is_taken_back() -> None:
    night = voting()
    batch = UUID(int=77)
    votes = [Vote(event_id=UUID(int=100 + n), detection_id=night.ids[n], verdict=BOGUS) for n in range(2)]
    record_many(night.services, verdicts=votes, batch=batch, login="ana", at=night.now)
    night.say("ana", 0, REAL)
    withdraw(night.services, batch=batch, login="ana", at=night.now)
    assert [night.item(n).n_given for n in range(2)] == [1, 0]


def test_votes_on_a_seed_count_nowhere_but_earlier_votes_go_on_counting() -> None:
    night = voting()
    night.publish()
    night.say("ana", 0, REAL)
    night.say("bo", 0, REAL)
    with night.services.transaction() as records:
        records.seeds.add(Seed(detection_id=night.ids[0], answer=REAL, origin="consensus"))
    before = night.item(0)
    vote = night.say("cy", 0, BOGUS)
    assert vote.is_seed
    assert night.item(0) == before
    assert statuses(night)[0] is EntryStatus.CONFIRMED
    assert not night.say("ana", 0, BOGUS).is_seed
    assert night.item(0).state is ReviewState.DISPUTED


def test_a_detection_that_was_never_queued_joins_the_queue_with_its_first_vote() -> None:
    night = voting(config=CurateConfig(min_score=0.9))
    with night.services.transaction() as records:
        assert records.review_queue.of(night.ids[2:]) == {}
    night.say("ana", 2, REAL)
    assert (night.item(2).n_given, night.item(2).night) == (1, "2024-03-02")


def test_times_must_be_aware_utc() -> None:
    night = voting()
    with pytest.raises(ValueError, match="aware UTC"):
        withdraw(night.services, event_id=UUID(int=1), login="ana", at=night.now.replace(tzinfo=None))
    with pytest.raises(ValueError, match="either one verdict or a batch"):
        withdraw(night.services, login="ana", at=night.now)


def test_the_digest_covers_every_word_of_a_verdict() -> None:
    vote = voting().say("ana", 0, REAL)
    others = {
        "id": UUID(int=5),
        "detection_id": "x",
        "curator": "bo",
        "verdict": UNSURE,
        "reason": "x",
        "vocabulary": 7,
        "comment": "x",
        "confidence": 1,
        "seconds": 1.0,
        "is_blind": True,
        "score_shown": False,
        "role": Role.ARBITER,
        "is_seed": True,
        "batch": UUID(int=5),
        "at": vote.at + timedelta(microseconds=1),
        "supersedes": UUID(int=5),
    }
    assert set(others) == set(vote.__slots__)
    digests = {replace(vote, **{name: value}).digest for name, value in others.items()}  # type: ignore[arg-type]
    assert len(digests | {vote.digest}) == len(others) + 1
