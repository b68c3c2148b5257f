"""Who gets what, for how long, and what is a seed."""

from datetime import timedelta

import pytest

from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import ReviewState, Verdict
from astrid_core.curation.queue import QueueFilters, QueueOrder
from astrid_core.curation.seeds import seed_slots
from astrid_core.shared.errors import Conflict, NotAllowed
from astrid_core.stages.export import run_export
from astrid_core.stages.lifecycle import quarantine_observation
from astrid_core.stages.review import withdraw
from astrid_core.stages.review_queue import (
    arbitration_queue,
    claim_next,
    extend,
    held_by,
    list_pending,
    queue_summary,
    release,
    skip,
    snooze,
)
from tests.stages.exported import exported_files
from tests.stages.voting import ARBITER, NOW, Voting, names, voting

REAL, BOGUS = Verdict.REAL, Verdict.BOGUS


def claimed(night: Voting, login: str, n: int = 1, *, after_s: float = 0.0, **chosen: object) -> list[int]:
    """Return the numbers of the detections that somebody is given."""
    at = NOW + timedelta(seconds=after_s)
    told = {"seed_fraction": 0.0, **chosen}
    claims = claim_next(night.services, login=login, n=n, at=at, **told)  # type: ignore[arg-type]
    return [night.ids.index(claim.detection_id) for claim in claims]


def test_the_highest_scores_come_first_and_nobody_gets_the_same_twice() -> None:
    night = voting(5)
    assert claimed(night, "ana", 2) == [0, 1]
    assert claimed(night, "ana", 2) == [2, 3]
    assert claimed(night, "ana", 2) == [4]
    assert claimed(night, "ana", 2) == []


def test_what_two_hold_is_given_to_no_third() -> None:
    night = voting(2)
    assert claimed(night, "ana", 2) == [0, 1]
    assert claimed(night, "bo", 1) == [0]
    assert claimed(night, "cy", 2) == [1]
    assert claimed(night, "cy", 2) == []


def test_a_lease_ends_by_the_clock() -> None:
    night = voting(1, config=CurateConfig(n_votes=1))
    assert claimed(night, "ana", lease_s=60.0) == [0]
    assert claimed(night, "bo", after_s=59.9) == []
    assert claimed(night, "bo", after_s=60.0) == [0]
    # A vote that comes after the end of the lease is a vote all the same.
    night.say("ana", 0, REAL)
    assert night.item(0).verdict is REAL


def test_what_one_has_judged_does_not_come_back_unless_it_is_taken_back() -> None:
    night = voting(1)
    assert claimed(night, "ana") == [0]
    vote = night.say("ana", 0, REAL)
    assert claimed(night, "ana", after_s=10_000.0) == []
    withdraw(night.services, event_id=vote.id, login="ana", at=night.now)
    # The lease is as it was: it has not ended at once, and it ends.
    assert [claim.detection_id for claim in held_by(night.services, login="ana", at=night.now)] == [night.ids[0]]
    assert claimed(night, "ana", after_s=10_000.0) == [0]


def test_votes_and_leases_together_are_no_more_than_needed() -> None:
    night = voting(1)
    night.say("ana", 0, REAL)
    assert claimed(night, "bo") == [0]
    assert claimed(night, "cy") == []
    release(night.services, login="bo", detection_id=night.ids[0], at=NOW)
    assert claimed(night, "cy") == [0]


def test_what_is_released_comes_back_what_is_skipped_does_not_and_what_is_snoozed_comes_later() -> None:
    night = voting(3)
    assert claimed(night, "ana", 3) == [0, 1, 2]
    release(night.services, login="ana", detection_id=night.ids[0], at=NOW)
    skip(night.services, login="ana", detection_id=night.ids[1], at=NOW)
    snooze(night.services, login="ana", detection_id=night.ids[2], until=NOW + timedelta(seconds=300), at=NOW)
    assert claimed(night, "ana", 3, after_s=1.0) == [0]
    assert claimed(night, "ana", 3, after_s=300.0) == [2]
    # Others get them at once.
    assert claimed(night, "bo", 3, after_s=1.0) == [0, 1, 2]
    told = names(night.services)
    assert [told.count(f"queue.{name}") for name in ("claimed", "released", "skipped", "snoozed")] == [4, 1, 1, 1]


def test_a_lease_can_be_made_longer_while_it_lasts() -> None:
    night = voting(1, config=CurateConfig(n_votes=1))
    claimed(night, "ana", lease_s=60.0)
    at = NOW + timedelta(seconds=50)
    (claim,) = extend(night.services, login="ana", detection_ids=night.ids, lease_s=60.0, at=at)
    assert claim.until == at + timedelta(seconds=60)
    assert claimed(night, "bo", after_s=100.0) == []
    with pytest.raises(Conflict, match="not kept for you"):
        extend(night.services, login="ana", detection_ids=night.ids, at=NOW + timedelta(seconds=110))
    with pytest.raises(Conflict, match="not kept for you"):
        extend(night.services, login="bo", detection_ids=night.ids, at=NOW)


def test_what_is_settled_or_disputed_waits_for_no_reviewer() -> None:
    night = voting(3)
    for login in ("ana", "bo"):
        night.say(login, 0, REAL)
    night.say("ana", 1, REAL)
    night.say("bo", 1, BOGUS)
    assert claimed(night, "cy", 3) == [2]
    assert [one.detection_id for one in arbitration_queue(night.services, login=ARBITER)] == [night.ids[1]]
    assert arbitration_queue(night.services, login="ana") == ()


def test_filters_and_random_order_are_kept() -> None:
    night = voting(8)
    assert claimed(night, "ana", 8, filters=QueueFilters(night="2000-01-01")) == []
    assert claimed(night, "ana", 2, filters=QueueFilters(max_score=0.9)) == [2, 3]
    orders = [claimed(voting(8), login, 8, order=QueueOrder.RANDOM) for login in ("ana", "ana", "bo")]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert all(sorted(order) == list(range(8)) for order in orders)


def test_exposures_in_quarantine_are_not_judged() -> None:
    night = voting(2)
    quarantine_observation(night.services, night.item(0).observation_id, reason="clouds")
    assert claimed(night, "ana", 2) == []
    assert list_pending(night.services) == ()


def test_strangers_get_nothing_and_nobody_gets_hundreds() -> None:
    night = voting(1)
    with pytest.raises(NotAllowed, match="login=eve"):
        claimed(night, "eve")
    with pytest.raises(ValueError, match="must lie in"):
        claimed(night, "ana", 51)


def judged_night(n: int = 40) -> Voting:
    """Return a night of which ana and bo have settled the first half."""
    night = voting(n)
    for number in range(n // 2):
        for login in ("ana", "bo"):
            night.say(login, number, REAL if number % 2 else BOGUS)
    return night


def test_a_part_of_what_one_gets_was_settled_by_others_and_looks_like_the_rest() -> None:
    night = judged_night()
    got = claimed(night, "cy", 20, seed_fraction=0.3)
    n_expected = sum(map(bool, seed_slots("cy", first=0, n=20, fraction=0.3)))
    assert sum(number < 20 for number in got) == n_expected
    assert 0 < n_expected < 20
    assert got == sorted(got)
    kept = {(claim.login, claim.until) for claim in held_by(night.services, login="cy", at=NOW)}
    assert len(kept) == 1
    with night.services.transaction() as records:
        seeds = records.seeds.of(night.ids)
    assert {night.ids.index(one): seed.answer for one, seed in seeds.items()} == {
        number: REAL if number % 2 else BOGUS for number in got if number < 20
    }


def test_nobody_gets_as_a_seed_what_they_have_judged_and_seeds_alone_are_not_given() -> None:
    night = judged_night()
    assert all(number >= 20 for number in claimed(night, "ana", 20, seed_fraction=0.5))
    for login in ("ana", "bo"):
        for number in range(20, 40):
            night.say(login, number, REAL)
    assert claimed(night, "cy", 20, seed_fraction=0.5) == []


def test_verdicts_on_seeds_change_neither_catalog_nor_export_nor_what_is_learnt() -> None:
    night = judged_night()
    night.publish()
    before, exported = night.state()[0::2], run_export(night.services, ExportConfig())
    got = [number for number in claimed(night, "cy", 20, seed_fraction=0.5) if number < 20]
    said = [night.say("cy", number, BOGUS if number % 2 else REAL) for number in got]
    assert got
    assert all(event.is_seed for event in said)
    assert night.state()[0::2] == before
    night.publish()
    assert run_export(night.services, ExportConfig()) == exported
    with night.services.transaction() as records:
        decided = {item.detection_id: item.verdict for item in records.review_queue.decided()}
    assert [decided[night.ids[number]] for number in range(20)] == [REAL if n % 2 else BOGUS for n in range(20)]
    for content in exported_files(night.services, exported).values():
        assert b"seed" not in content.lower()


def test_the_summary_counts_states_and_tells_the_pace() -> None:
    night = voting(4)
    claimed(night, "ana", 3)
    for number in range(3):
        night.say("ana", number, REAL)
    night.say("bo", 0, BOGUS)
    found = queue_summary(night.services, login="ana", since=NOW, at=night.now)
    assert (found.n_by_state[ReviewState.OPEN], found.n_by_state[ReviewState.DISPUTED]) == (3, 1)
    assert (found.n_held, found.n_judged) == (0, 3)
    assert found.per_hour == pytest.approx(3600.0)
    assert queue_summary(night.services, login="cy", since=NOW, at=night.now).per_hour is None
